//! Whole operations of any engine against the definitions.

use crate::harness::{
    ChaCha20Rng, Outcome, adapter, broken, compare, everywhere, parameters, random_key,
    random_tile, rng,
};
use cipherbatch::device::cpu::CpuEngine;
use cipherbatch::device::gpu::{Adapter, GpuEngine, GpuOptions, Kernel};
use cipherbatch::device::naive::NaiveEngine;
use cipherbatch::device::{DeviceError, Engine, Layer, Term};
use cipherbatch::ring::{BlockMatrix, Shape, Tile};
use cipherbatch::scheme::{Digits, Parameters, RelinKey, Switch};
use rand_chacha::rand_core::Rng;

/// A layer: squares of `rows.0` ciphertexts and `rows.1` others, to `rows.2`.
#[derive(Clone, Copy, Debug)]
struct Case {
    rows: (usize, usize, usize),
    /// Primes of the inputs and of the outputs.
    primes: (usize, usize),
    rescale: usize,
}

const CASES: [Case; 5] = [
    Case { rows: (5, 3, 7), primes: (4, 4), rescale: 1 },
    Case { rows: (1, 1, 1), primes: (4, 3), rescale: 2 },
    Case { rows: (9, 40, 17), primes: (3, 3), rescale: 0 },
    Case { rows: (2, 5, 33), primes: (4, 4), rescale: 3 },
    Case { rows: (3, 2, 3), primes: (1, 1), rescale: 0 },
];

fn sparse(inputs: usize, outputs: usize, weight: u32, rng: &mut ChaCha20Rng) -> BlockMatrix {
    let mut row = |_| {
        let stride = 1 + rng.next_u32() as usize % 3;
        let entry = |c| (c, (rng.next_u32() % (2 * weight + 1)) as i32 - weight as i32);
        (0..inputs as u32).step_by(stride).map(entry).collect()
    };
    let rows: Vec<_> = (0..outputs).map(&mut row).collect();
    BlockMatrix::from_rows(inputs, &rows).expect("within the bounds")
}

/// The sum, switched down; the narrow term alone, switched; a tile of three components, switched.
fn run<E: Engine>(engine: &E, params: &Parameters, case: Case) -> Result<Vec<Tile>, DeviceError> {
    let Case { rows, primes, rescale } = case;
    let rng = &mut rng(rows.2 as u64);
    let shape = Shape { primes: primes.0, components: 2, rows: rows.0, degree: params.degree() };
    let wide = random_tile(params, shape, rng);
    let narrow = random_tile(params, Shape { rows: rows.1, ..shape }, rng);
    let bias = Shape { primes: primes.1, components: 1, rows: rows.2, degree: 1 };
    let bias = random_tile(params, bias, rng);
    let (a, b) = (sparse(rows.0, rows.2, 30_000, rng), sparse(rows.1, rows.2, 200, rng));
    let three = random_tile(params, Shape { components: 3, ..shape }, rng);

    let (wide, narrow) = (engine.upload(&wide)?, engine.upload(&narrow)?);
    let (a, b) = (engine.matrix(&a, true)?, engine.matrix(&b, false)?);
    let squares = Term { tile: &wide, matrix: &a };
    let others = Term { tile: &narrow, matrix: &b };
    let mut out = Vec::new();
    // Both orders: the wide term first, and last. Into the middle of a tile of its own content.
    for terms in [&[others][..], &[squares, others], &[others, squares]] {
        let mut ways = vec![(false, None), (true, None), (false, Some(Switch::by(rescale)))];
        if primes.1 < params.levels() {
            let behind = [Digits::Guarded, Digits::Paired];
            ways.extend(
                behind.map(|digits| (false, Some(Switch { digits, ..Switch::by(rescale) }))),
            );
        }
        for (onto, switch) in ways {
            let layer =
                Layer { terms, bias: bias.data(), primes: primes.1, first: 0, onto, switch };
            let shape = layer.shape(engine);
            let around = random_tile(params, Shape { rows: rows.2 + 5, ..shape }, rng);
            let mut tile = engine.upload(&around)?;
            engine.layer(&layer, &mut tile, 3)?;
            out.push(engine.download(&tile)?);
        }
    }
    let three = engine.upload(&three)?;
    let identity: Vec<_> = (0..rows.0 as u32).map(|r| vec![(r, 1)]).collect();
    let one = engine.matrix(&BlockMatrix::from_rows(rows.0, &identity).expect("ones"), false)?;
    let terms = [Term { tile: &three, matrix: &one }];
    let bias = vec![0; primes.0 * rows.0];
    let switch = Some(Switch::by(rescale.min(primes.0 - 1)));
    let layer =
        Layer { terms: &terms, bias: &bias, primes: primes.0, first: 0, onto: false, switch };
    out.push(engine.download(&engine.compute(&layer)?)?);
    Ok(out)
}

fn check<E: Engine>(engine: &E, params: &Parameters, key: &RelinKey, cases: &[Case]) -> Outcome {
    let naive = NaiveEngine::open(params, Some(key)).expect("opens");
    for &case in cases {
        let got = run(engine, params, case).map_err(|e| e.to_string())?;
        let want = run(&naive, params, case).expect("runs");
        for (i, (got, want)) in got.iter().zip(&want).enumerate() {
            if got.shape() != want.shape() {
                return Err(format!("{case:?}, tile {i}: {:?}", got.shape()));
            }
            compare(&format!("{case:?}, tile {i}"), got.data(), want.data())?;
        }
    }
    Ok(())
}

#[test]
fn the_cpu_does_what_the_definitions_say() {
    for degree in [16, 64] {
        let params = parameters(degree);
        let key = random_key(&params, &mut rng(11));
        let cpu = CpuEngine::open(&params, Some(&key)).expect("opens");
        assert_eq!(check(&cpu, &params, &key, &CASES), Ok(()));
    }
}

#[test]
fn the_gpu_does_what_the_definitions_say() {
    for degree in [16, 64] {
        let params = parameters(degree);
        let key = random_key(&params, &mut rng(11));
        everywhere(&params, Some(&key), |_| (), |e| check(e, &params, &key, &CASES));
    }
}

/// With small buffers tiles fall into chunks of columns, and key switches into batches of rows.
#[test]
fn chunks_and_batches_change_nothing() {
    let params = parameters(64);
    let key = random_key(&params, &mut rng(12));
    let small = |options: &mut GpuOptions| {
        options.largest_buffer = Some(4200);
        options.workgroup_memory = Some(64);
    };
    everywhere(&params, Some(&key), small, |e| check(e, &params, &key, &CASES));
}

#[test]
fn at_full_size() {
    let params = parameters(4096);
    let key = random_key(&params, &mut rng(13));
    let cpu = CpuEngine::open(&params, Some(&key)).expect("opens");
    let case = Case { rows: (3, 2, 5), primes: (3, 3), rescale: 1 };
    let want = run(&cpu, &params, case).expect("runs");
    let check = |e: &GpuEngine| {
        let got = run(e, &params, case).map_err(|e| e.to_string())?;
        got.iter().zip(&want).try_for_each(|(g, w)| compare("a tile", g.data(), w.data()))
    };
    everywhere(&params, Some(&key), |_| (), check);
}

#[test]
fn broken_kernels_are_caught() {
    let params = parameters(16);
    let key = random_key(&params, &mut rng(14));
    let breaks = [
        (Kernel::Matmul, "columns[job.columns + first + 0u]", "(first + 0u)"),
        (Kernel::NttInverse, "params.jobs[group.z]", "params.jobs[0]"),
        (Kernel::KeySwitch, "(params.row + row) * DEGREE", "row * DEGREE + DEGREE"),
        (Kernel::Rescale, "group.z * params.rows", "0u"),
    ];
    for patch in breaks {
        broken(&params, Some(&key), |_| (), patch, |e| check(e, &params, &key, &CASES[..1]));
    }
}

#[test]
fn what_does_not_fit_is_refused_with_figures() {
    let Some(adapter) = adapter() else { return };
    let params = parameters(64);
    let open = |options: GpuOptions| GpuEngine::open_with(adapter, &params, None, &options);
    let tile = Tile::zeros(Shape { primes: 1, components: 2, rows: 100, degree: 64 });

    let engine = open(GpuOptions { memory: Some(40_000), ..GpuOptions::default() }).expect("opens");
    let refusal = engine.upload(&tile).expect_err("51,200 bytes are too many").to_string();
    assert!(refusal.contains("40000 allowed"), "{refusal}");

    let engine = open(GpuOptions { largest_buffer: Some(2000), ..GpuOptions::default() });
    assert!(matches!(engine, Err(DeviceError::Memory { .. })), "roots of 4 primes are 2,048 bytes");
    let engine = open(GpuOptions { largest_buffer: Some(2100), ..GpuOptions::default() });
    let refusal = engine.expect("opens").upload(&tile).expect_err("four columns").to_string();
    assert!(refusal.contains("3200 bytes needed, 2100 allowed"), "{refusal}");
}

#[test]
fn wrong_requests_are_errors() {
    let refusal = Adapter::named("no such adapter").expect_err("no such adapter");
    assert!(refusal.to_string().contains("no such adapter"), "{refusal}");
    let Some(adapter) = adapter() else { return };
    let params = parameters(16);
    let engine = GpuEngine::open(adapter, &params, None).expect("opens");
    let three = Tile::zeros(Shape { primes: 1, components: 3, rows: 1, degree: 16 });
    let tile = engine.upload(&three).expect("fits");
    let one = BlockMatrix::from_rows(1, &[vec![(0, 1)]]).expect("one");
    let one = engine.matrix(&one, false).expect("fits");
    let terms = [Term { tile: &tile, matrix: &one }];
    let layer = Layer {
        terms: &terms,
        bias: &[0],
        primes: 1,
        first: 0,
        onto: false,
        switch: Some(Switch::by(0)),
    };
    assert!(matches!(engine.compute(&layer), Err(DeviceError::NoKey)));
    let foreign = Tile::zeros(Shape { primes: 1, components: 2, rows: 1, degree: 32 });
    assert!(matches!(engine.upload(&foreign), Err(DeviceError::Shape { .. })));
    let empty = Tile::zeros(Shape { primes: 2, components: 2, rows: 0, degree: 16 });
    let tile = engine.upload(&empty).expect("an empty tile is a tile");
    let nothing = BlockMatrix::from_rows(0, &[]).expect("no rows");
    for (squared, switch) in [(true, None), (false, None), (false, Some(Switch::by(1)))] {
        let none = engine.matrix(&nothing, squared).expect("fits");
        let terms = [Term { tile: &tile, matrix: &none }];
        let layer = Layer { terms: &terms, bias: &[], primes: 2, first: 0, onto: false, switch };
        let sum = engine.compute(&layer).expect("nothing to do");
        assert_eq!(engine.shape(&sum).primes, 2 - switch.map_or(0, |s| s.rescale));
        assert_eq!(engine.download(&sum).expect("nothing").data().len(), 0);
    }
}
