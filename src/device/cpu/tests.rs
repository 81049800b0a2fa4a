//! The CPU engine against the definitions, integer for integer, on every instruction set.

use super::CpuEngine;
use crate::device::{Affine, Engine, Layer, Term, naive::NaiveEngine};
use crate::math::{primes_below, simd::Simd};
use crate::ring::{BlockMatrix, Shape, Tile};
use crate::scheme::{Digits, Parameters, ParametersLiteral, RelinKey, Switch};
use proptest::prelude::*;
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};

fn params(degree: usize, primes: usize, bound: u32) -> Parameters {
    let primes = primes_below(bound, 4 * degree as u32).take(primes).collect();
    Parameters::new_insecure(ParametersLiteral::new(degree, primes)).unwrap()
}

/// Random residues, with every eleventh at an end of the range.
fn random_tile(params: &Parameters, shape: Shape, rng: &mut ChaCha20Rng) -> Tile {
    let mut tile = Tile::zeros(shape);
    for (i, x) in tile.data_mut().iter_mut().enumerate() {
        let p = params.basis().modulus(i / shape.per_prime()).value();
        *x = match rng.next_u32() % 11 {
            0 => [0, p - 1][rng.next_u32() as usize % 2],
            _ => rng.next_u32() % p,
        };
    }
    tile
}

fn random_matrix(inputs: usize, outputs: usize, weight: i32, rng: &mut ChaCha20Rng) -> BlockMatrix {
    let row = |rng: &mut ChaCha20Rng| {
        let stride = 1 + rng.next_u32() as usize % 3;
        (0..inputs as u32)
            .step_by(stride)
            .map(|c| (c, rng.next_u32() as i32 % (weight + 1)))
            .collect()
    };
    let rows: Vec<_> = (0..outputs).map(|_| row(rng)).collect();
    BlockMatrix::from_rows(inputs, &rows).unwrap()
}

fn run<E: Engine>(
    engine: &E,
    tiles: [&Tile; 2],
    matrices: [&BlockMatrix; 2],
    bias: &[u32],
    primes: usize,
    rescale: usize,
) -> Vec<Tile> {
    let [x, y] = tiles.map(|t| engine.upload(t).unwrap());
    let a = engine.matrix(matrices[0], true).unwrap();
    let b = engine.matrix(matrices[1], false).unwrap();
    let terms = [Term { tile: &x, matrix: &a }, Term { tile: &y, matrix: &b }];
    let compute = |onto, switch| {
        let layer = Layer { terms: &terms, bias, primes, first: 0, onto, switch };
        // Among rows of others, which stay as they are.
        let shape = layer.shape(engine);
        let around = Tile::new(
            Shape { rows: shape.rows + 3, ..shape },
            vec![77; shape.residues() / shape.rows * (shape.rows + 3)],
        );
        let mut out = engine.upload(&around.unwrap()).unwrap();
        engine.layer(&layer, &mut out, 2).unwrap();
        engine.download(&out).unwrap()
    };
    let mut out = vec![compute(false, None), compute(true, None)];
    out.push(compute(false, Some(Switch::by(rescale))));
    if primes < tiles[0].shape().primes {
        let behind = [Digits::Guarded, Digits::Paired];
        out.extend(
            behind.map(|digits| compute(false, Some(Switch { digits, ..Switch::by(rescale) }))),
        );
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn layers_agree_with_the_definitions(
        log_n in 3u32..8, levels in 2usize..5, drop in 0usize..2, rescale in 0usize..3,
        rows in (1usize..20, 1usize..9, 1usize..17), bits in 15u32..32, seed: u64,
    ) {
        agree((1 << log_n, levels, drop, rescale), rows, bits, seed)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Rings whose transforms have lanes that nothing reduces, where there are any.
    #[test]
    fn layers_of_larger_rings_agree_with_the_definitions(
        levels in 2usize..6, drop in 0usize..2, rescale in 0usize..5,
        rows in (1usize..3, 1usize..3, 1usize..6), bits in 18u32..32, seed: u64,
    ) {
        agree((1024, levels, drop, rescale), rows, bits, seed)?;
    }
}

/// A layer of a ring of so many coefficients and primes, of which some have gone and some go, on every instruction set.
fn agree(
    (degree, levels, drop, rescale): (usize, usize, usize, usize),
    rows: (usize, usize, usize),
    bits: u32,
    seed: u64,
) -> Result<(), TestCaseError> {
    let params = params(degree, levels, 1 << bits);
    let primes = levels - drop;
    prop_assume!(rescale < primes);
    let rng = &mut ChaCha20Rng::seed_from_u64(seed);
    let shape = Shape { primes: levels, components: 2, rows: rows.0, degree };
    let x = random_tile(&params, shape, rng);
    let y = random_tile(&params, Shape { rows: rows.1, ..shape }, rng);
    let a = random_matrix(rows.0, rows.2, 32_000, rng);
    let b = random_matrix(rows.1, rows.2, 100, rng);
    let bias = random_tile(&params, Shape { primes, components: 1, rows: rows.2, degree: 1 }, rng);
    let key = RelinKey::new(random_tile(&params, Shape { rows: levels, ..shape }, rng)).unwrap();

    let naive = NaiveEngine::open(&params, Some(&key)).unwrap();
    let want = run(&naive, [&x, &y], [&a, &b], bias.data(), primes, rescale);
    for simd in Simd::all() {
        let cpu = CpuEngine::open_with(&params, Some(&key), simd).unwrap();
        let got = run(&cpu, [&x, &y], [&a, &b], bias.data(), primes, rescale);
        prop_assert!(got == want, "{simd}");
    }
    Ok(())
}

/// outer·inner(x)², beside squares of x itself.
fn run_quadratic<E: Engine>(
    engine: &E,
    x: &Tile,
    inner: Affine<'_>,
    outer: [&BlockMatrix; 2],
    bias: &[u32],
    primes: usize,
) -> Tile {
    let tile = engine.upload(x).unwrap();
    let a = engine.quadratic(inner, outer[0]).unwrap();
    let b = engine.matrix(outer[1], true).unwrap();
    let terms = [&a, &b, &a].map(|matrix| Term { tile: &tile, matrix });
    let layer = Layer { terms: &terms, bias, primes, first: 0, onto: false, switch: None };
    engine.download(&engine.compute(&layer).unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn squares_of_sums_agree_with_the_definitions(
        log_n in 3u32..9, levels in 1usize..4, drop in 0usize..2,
        rows in (1usize..20, 1usize..30, 1usize..17), bits in 15u32..32, seed: u64,
    ) {
        let params = params(1 << log_n, levels, 1 << bits);
        let primes = levels.saturating_sub(drop).max(1);
        let rng = &mut ChaCha20Rng::seed_from_u64(seed);
        let shape = Shape { primes: levels, components: 2, rows: rows.0, degree: 1 << log_n };
        let x = random_tile(&params, shape, rng);
        let matrix = random_matrix(rows.0, rows.1, 32_000, rng);
        let constants: Vec<i128> =
            (0..rows.1).map(|_| i128::from(rng.next_u64()) * i128::from(rng.next_u64() as i64)).collect();
        let inner = Affine { matrix: &matrix, constants: &constants };
        // Some of the sums, and all rows.
        let a = random_matrix(rows.1, rows.2, 100, rng);
        let b = random_matrix(rows.0, rows.2, 100, rng);
        let bias = random_tile(&params, Shape { primes, components: 1, rows: rows.2, degree: 1 }, rng);

        let naive = NaiveEngine::open(&params, None).unwrap();
        let want = run_quadratic(&naive, &x, inner, [&a, &b], bias.data(), primes);
        // In two steps.
        let sum = random_tile(&params, Shape { rows: rows.1, ..shape }, rng);
        let mut sum = naive.upload(&sum).unwrap();
        let map = naive.matrix(&matrix, false).unwrap();
        let residues = |i: usize| constants.iter().map(move |&c| (i, c));
        let ones: Vec<u32> = (0..levels)
            .flat_map(residues)
            .map(|(i, c)| params.basis().modulus(i).from_i128(c))
            .collect();
        let terms = [Term { tile: &x, matrix: &map }];
        let layer = Layer { terms: &terms, bias: &ones, primes: levels, first: 0, onto: false, switch: None };
        naive.layer(&layer, &mut sum, 0).unwrap();
        let [first, second] = [&a, &b].map(|m| naive.matrix(m, true).unwrap());
        let terms = [(&sum, &first), (&x, &second), (&sum, &first)].map(|(tile, matrix)| Term { tile, matrix });
        let layer = Layer { terms: &terms, bias: bias.data(), primes, first: 0, onto: false, switch: None };
        prop_assert!(naive.compute(&layer).unwrap() == want);

        for simd in Simd::all() {
            let cpu = CpuEngine::open_with(&params, None, simd).unwrap();
            let got = run_quadratic(&cpu, &x, inner, [&a, &b], bias.data(), primes);
            prop_assert!(got == want, "{simd}");
        }
    }
}

#[test]
fn sums_to_be_squared_fit_or_are_refused() {
    let params = params(8, 1, 1 << 20);
    let cpu = CpuEngine::open(&params, None).unwrap();
    let (matrix, outer) = (BlockMatrix::identity(3), BlockMatrix::identity(4));
    let refuse = |constants: &[i128]| {
        cpu.quadratic(Affine { matrix: &matrix, constants }, &outer).unwrap_err().to_string()
    };
    assert!(refuse(&[0; 2]).contains("constants of sums to be squared: 2, expected 3"));
    assert!(refuse(&[0; 3]).contains("reads squares of sums: 4, expected 3"));
}

/// matrix·x + bias modulo one prime.
fn plain<E: Engine>(engine: &E, x: &Tile, matrix: &BlockMatrix, bias: &[u32]) -> Tile {
    let (tile, matrix) = (engine.upload(x).unwrap(), engine.matrix(matrix, false).unwrap());
    let terms = [Term { tile: &tile, matrix: &matrix }];
    let layer = Layer { terms: &terms, bias, primes: 1, first: 0, onto: false, switch: None };
    engine.download(&engine.compute(&layer).unwrap()).unwrap()
}

/// Primes of all sizes, the heaviest rows, residues at the ends of the range and of their halves'.
#[test]
fn the_heaviest_row_is_exact() {
    for below in [1 << 31, 1 << 30, 1 << 20, 1 << 16, 1 << 15, 1 << 10] {
        let params = params(64, 1, below);
        let p = params.basis().modulus(0).value();
        let shape = Shape { primes: 1, components: 2, rows: 64, degree: 64 };
        // The largest residue, and the largest one with the least low half and the largest one.
        let half = (p >> 16 << 16).saturating_sub(1 << 15);
        let naive = NaiveEngine::open(&params, None).unwrap();
        for residue in [p - 1, half, half.saturating_sub(1)] {
            let x = Tile::new(shape, vec![residue; shape.residues()]).unwrap();
            // 64 · 32,767 = 2²¹ − 64 is the heaviest row of 64 equal weights that is accepted. Two signed bytes
            // are at most ±32,639; 128 and −129 carry from one byte to the other.
            for weight in [32_767, 32_639, 128, 127] {
                let weights = [weight, -weight, -weight - 1];
                let row = |w: i32| (0..64).map(|c| (c, w.max(-32_767))).collect();
                let matrix = BlockMatrix::from_rows(64, &weights.map(row)).unwrap();
                let want = plain(&naive, &x, &matrix, &[0, p - 1, 1]);
                for simd in Simd::all() {
                    let cpu = CpuEngine::open_with(&params, None, simd).unwrap();
                    let got = plain(&cpu, &x, &matrix, &[0, p - 1, 1]);
                    assert!(got == want, "{p}, {residue}, {weight}, {simd}");
                }
            }
        }
    }
}

/// Rows long enough to be cut, more outputs than go at once, and inputs in runs with gaps between them,
/// the last ones among them.
#[test]
fn long_rows_of_patches_agree_with_the_definitions() {
    let params = params(64, 2, 1 << 31);
    let rng = &mut ChaCha20Rng::seed_from_u64(7);
    let shape = Shape { primes: 2, components: 2, rows: 403, degree: 64 };
    let x = random_tile(&params, shape, rng);
    for (outputs, most) in [(1, 127), (16, 40), (37, 127), (100, 5_000)] {
        let patches: Vec<u32> =
            (0..403).filter(|c| c % 101 > 17 && c % 23 > 5 || *c == 402).collect();
        let weight = |rng: &mut ChaCha20Rng| rng.next_u32() as i32 % (most + 1);
        let rows: Vec<_> =
            (0..outputs).map(|_| patches.iter().map(|&c| (c, weight(rng))).collect()).collect();
        let matrix = BlockMatrix::from_rows(403, &rows).unwrap();
        let bias = vec![3; outputs];
        let want = plain(&NaiveEngine::open(&params, None).unwrap(), &x, &matrix, &bias);
        for simd in Simd::all() {
            let cpu = CpuEngine::open_with(&params, None, simd).unwrap();
            assert!(plain(&cpu, &x, &matrix, &bias) == want, "{outputs} rows, {simd}");
        }
    }
}

#[test]
fn misfits_are_refused() {
    let params = params(16, 2, 1 << 20);
    let cpu = CpuEngine::open(&params, None).unwrap();
    let shape = Shape { primes: 2, components: 3, rows: 2, degree: 16 };
    let tile = Tile::zeros(shape);
    let matrix = BlockMatrix::from_rows(2, &[vec![(0, 1)]]).unwrap();
    let refusal = |squared, bias: &[u32], primes, switch| {
        let matrix = cpu.matrix(&matrix, squared).unwrap();
        let terms = [Term { tile: &tile, matrix: &matrix }];
        let layer = Layer { terms: &terms, bias, primes, first: 0, onto: false, switch };
        match cpu.compute(&layer) {
            Err(e) => e.to_string(),
            Ok(_) => panic!("accepted"),
        }
    };
    assert!(refusal(true, &[0, 0], 2, None).contains("squared: 3, expected 2"));
    assert!(refusal(false, &[0], 2, None).contains("bias: 1, expected 2"));
    assert!(refusal(false, &[0, 0, 0], 3, None).contains("primes: 3"));
    assert!(refusal(false, &[0, u32::MAX], 2, None).contains("a residue below"));
    assert!(refusal(false, &[0, 0], 2, Some(Switch::by(0))).contains("relinearisation key"));
    assert!(refusal(false, &[0, 0], 2, Some(Switch::by(2))).contains("primes: 0"));
    let none = Layer { terms: &[], bias: &[], primes: 1, first: 0, onto: false, switch: None };
    let mut out = cpu.tile(shape).unwrap();
    assert!(cpu.layer(&none, &mut out, 0).unwrap_err().to_string().contains("summands"));
    let resident = cpu.matrix(&matrix, false).unwrap();
    let terms = [Term { tile: &tile, matrix: &resident }];
    let layer =
        |switch| Layer { terms: &terms, bias: &[0, 0], primes: 2, first: 0, onto: false, switch };
    let into = |shape: Shape, at| {
        let mut out = Tile::zeros(shape);
        cpu.layer(&layer(None), &mut out, at).unwrap_err().to_string()
    };
    assert!(into(shape, 2).contains("rows from there on: 1, expected 0 to 0"));
    assert!(into(shape, 3).contains("first row: 3"));
    assert!(into(Shape { primes: 1, ..shape }, 0).contains("primes of a layer's result"));
    assert!(into(Shape { components: 2, ..shape }, 0).contains("components of a layer's result"));
    let two = Tile::zeros(Shape { components: 2, ..shape });
    let terms = [Term { tile: &two, matrix: &resident }];
    let layer = Layer {
        terms: &terms,
        bias: &[0, 0],
        primes: 2,
        first: 0,
        onto: false,
        switch: Some(Switch::by(2)),
    };
    let mut out = Tile::zeros(Shape { components: 2, ..shape });
    assert!(cpu.layer(&layer, &mut out, 0).unwrap_err().to_string().contains("rescalings"));
    let guarded = Some(Switch { digits: Digits::Guarded, ..Switch::by(0) });
    assert!(refusal(false, &[0, 0], 2, guarded).contains("those behind them: 3, expected 1 to 2"));
    let switch = Some(Switch::by(0));
    let layer = Layer { terms: &terms, bias: &[0, 0], primes: 2, first: 0, onto: true, switch };
    assert!(cpu.layer(&layer, &mut out, 0).unwrap_err().to_string().contains("is switched"));
    let foreign = |shape: Shape| cpu.tile(shape).unwrap_err().to_string();
    assert!(foreign(Shape { primes: 0, ..shape }).contains("primes: 0"));
    assert!(foreign(Shape { degree: 8, ..shape }).contains("degree: 8"));
    assert!(cpu.fill(&mut out, 1, 2, &|_, _, _, _| ()).is_err());
}
