//! c₁ from its seed: against the CPU's expansion, and against rand_chacha by the definition.

use crate::harness::{Outcome, broken, compare, everywhere, parameters};
use cipherbatch::device::gpu::{GpuEngine, GpuOptions, Kernel};
use cipherbatch::device::naive::NaiveEngine;
use cipherbatch::device::{DeviceError, Engine};
use cipherbatch::ring::Shape;
use cipherbatch::scheme::{Encoding, Parameters, SecretKey};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const SEED: [u8; 32] = *b"0123456789abcdefghijklmnopqrstuv";

/// The words of stream 256·row + prime in order, their low bits, those below p.
fn by_definition(p: u32, row: u32, prime: usize, count: usize) -> Vec<u32> {
    let mut rng = ChaCha20Rng::from_seed(SEED);
    rng.set_stream(u64::from(row) << 8 | prime as u64);
    let mask = p.next_power_of_two() - 1;
    std::iter::from_fn(|| Some(rng.next_u32() & mask)).filter(|&x| x < p).take(count).collect()
}

fn check(engine: &GpuEngine, params: &Parameters) -> Outcome {
    // Rows whose streams need both words of their number, too.
    let order = [3, 0, 70_000, (1 << 24) + 5, u32::MAX];
    for prime in 0..params.levels() {
        let p = params.basis().modulus(prime).value();
        let of = |&row: &u32| by_definition(p, row, prime, params.degree());
        let want: Vec<u32> = order.iter().flat_map(of).collect();
        let got = engine.kernels().expand(prime, &SEED, &order).expect("runs");
        compare(&format!("residues modulo {p}"), &got, &want)?;
    }
    Ok(())
}

#[test]
fn residues_are_those_of_rand_chacha() {
    for degree in [16, 2048, 8192] {
        let params = parameters(degree);
        everywhere(&params, None, |_| (), |e| check(e, &params));
    }
}

#[test]
fn broken_ones_are_caught() {
    let params = parameters(2048);
    let breaks = [
        ("(*x).a, 16u", "(*x).a, 17u"),
        ("number >> 24u", "0u"),
        ("round + thread", "thread"),
        ("filled + kept[thread] - own", "filled + kept[thread]"),
        ("value >= params.p", "false"),
    ];
    for (from, to) in breaks {
        let patch = (Kernel::Expand, from, to);
        broken(&params, None, |_| (), patch, |e| check(e, &params));
    }
}

/// Fresh ciphertexts, brought in as they travel, in the middle of a tile and in another order.
#[test]
fn fresh_ciphertexts_arrive_in_full() {
    let params = parameters(64);
    let secret = SecretKey::generate(&params).expect("randomness");
    let encoding = Encoding { level: 3, scale: 64.0, range: 1.0 };
    let batch = secret.encrypt(9, encoding, |_, slots| slots.fill(0.5)).expect("randomness");
    let shape = Shape { rows: 8, ..batch.shape() };
    let order = [8, 1, 0, 5];
    fn bring<E: Engine>(
        engine: &E,
        batch: &cipherbatch::scheme::SeededTile,
        shape: Shape,
        order: &[u32],
    ) -> Result<cipherbatch::ring::Tile, DeviceError> {
        let mut tile = engine.tile(shape)?;
        engine.fill(&mut tile, 0, shape.rows, &|_, _, _, poly| poly.fill(1))?;
        engine.expand(&mut tile, 3, order, batch)?;
        engine.download(&tile)
    }
    let naive = NaiveEngine::open(&params, None).expect("opens");
    let want = bring(&naive, &batch, shape, &order).expect("runs");
    assert!(want.poly(0, 1, 4) == batch.expand(params.basis()).poly(0, 1, 1));
    let ways: [fn(&mut GpuOptions); 2] = [|_| (), |options| options.largest_buffer = Some(4200)];
    for change in ways {
        everywhere(&params, None, change, |e| {
            let got = bring(e, &batch, shape, &order).map_err(|e| e.to_string())?;
            assert!(bring(e, &batch, shape, &[9]).is_err(), "row 9 of 9");
            compare("a tile", got.data(), want.data())
        });
    }
}
