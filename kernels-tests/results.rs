//! Sums that come down to primes of the results' own, and what is computed there, against the definitions.

use crate::harness::{Outcome, broken, compare, everywhere, random_key, random_tile, rng};
use cipherbatch::device::cpu::CpuEngine;
use cipherbatch::device::gpu::{GpuOptions, Kernel};
use cipherbatch::device::naive::NaiveEngine;
use cipherbatch::device::{DeviceError, Engine, Layer, Term};
use cipherbatch::math::primes_below;
use cipherbatch::ring::{BlockMatrix, Shape, Tile};
use cipherbatch::scheme::{Digits, Parameters, ParametersLiteral, RelinKey, Switch};

/// Three primes, and of results one that is larger than these and one of the smallest there are.
fn parameters(degree: usize, results: usize) -> Parameters {
    let order = 4 * degree as u32;
    let result_primes = [1 << 31, order * 40].map(|bound| primes_below(bound, order).next());
    let literal = ParametersLiteral {
        degree,
        primes: primes_below(1 << 30, order).take(3).collect(),
        result_primes: result_primes.into_iter().flatten().take(results).collect(),
    };
    Parameters::new_insecure(literal).expect("primes with roots")
}

/// Squares of two rows to four of primes of results, among others; and squares of these.
fn run<E: Engine>(engine: &E, level: usize, digits: Digits) -> Result<[Tile; 2], DeviceError> {
    let params = engine.parameters();
    let rng = &mut rng(level as u64);
    let shape = Shape { primes: 3, components: 2, rows: 2, degree: params.degree() };
    let x = engine.upload(&random_tile(params, shape, rng))?;
    let rows = [vec![(0, 70), (1, -9)], vec![(1, 1)], vec![(0, -1)], vec![(0, 3), (1, 4)]];
    let matrix = engine.matrix(&BlockMatrix::from_rows(2, &rows).expect("small"), true)?;
    let bias: Vec<u32> = (0..4 * level as u32).collect();
    let switch = Some(Switch { rescale: level, digits, to_results: true });
    let terms = [Term { tile: &x, matrix: &matrix }];
    let layer = Layer { terms: &terms, bias: &bias, primes: level, first: 0, onto: false, switch };
    let shape = layer.shape(engine);
    let around = Shape { rows: shape.rows + 3, ..shape };
    let mut y = engine.upload(&Tile::new(around, vec![77; around.residues()]).expect("77s"))?;
    engine.layer(&layer, &mut y, 2)?;

    let (primes, first) = (params.results().len(), params.first_of_results());
    let rows = [vec![(2, 5), (3, -6), (4, 1), (5, 90)], vec![(4, -1)]];
    let matrix = engine.matrix(&BlockMatrix::from_rows(7, &rows).expect("small"), true)?;
    let bias: Vec<u32> = (0..2 * primes as u32).map(|i| 1000 + i).collect();
    let terms = [Term { tile: &y, matrix: &matrix }];
    let layer = Layer { terms: &terms, bias: &bias, primes, first, onto: false, switch: None };
    let z = engine.compute(&layer)?;
    Ok([engine.download(&y)?, engine.download(&z)?])
}

const DIGITS: [(usize, Digits); 6] = [
    (1, Digits::Plain),
    (1, Digits::Guarded),
    (2, Digits::Guarded),
    (2, Digits::Paired),
    (1, Digits::Paired),
    (3, Digits::Plain),
];

fn check<E: Engine>(engine: &E, key: &RelinKey) -> Outcome {
    let naive = NaiveEngine::open(engine.parameters(), Some(key)).expect("opens");
    for (level, digits) in DIGITS {
        let got = run(engine, level, digits).map_err(|e| e.to_string())?;
        let want = run(&naive, level, digits).expect("runs");
        for (what, (got, want)) in ["sums", "results"].iter().zip(got.iter().zip(&want)) {
            let what = format!("{what} of level {level}, {digits:?}");
            compare(&what, got.data(), want.data())?;
        }
    }
    Ok(())
}

#[test]
fn the_cpu_does_what_the_definitions_say() {
    for (degree, results) in [(16, 1), (64, 2), (1024, 2)] {
        let params = parameters(degree, results);
        let key = random_key(&params, &mut rng(21));
        let cpu = CpuEngine::open(&params, Some(&key)).expect("opens");
        assert_eq!(check(&cpu, &key), Ok(()));
    }
}

#[test]
fn the_gpu_does_what_the_definitions_say() {
    for (degree, results) in [(16, 1), (64, 2)] {
        let params = parameters(degree, results);
        let key = random_key(&params, &mut rng(22));
        everywhere(&params, Some(&key), |_| (), |e| check(e, &key));
    }
}

/// With small buffers sums are copied row by row, and transforms take two passes.
#[test]
fn small_buffers_change_nothing() {
    let params = parameters(64, 2);
    let key = random_key(&params, &mut rng(23));
    let small = |options: &mut GpuOptions| {
        options.largest_buffer = Some(4200);
        options.workgroup_memory = Some(64);
    };
    everywhere(&params, Some(&key), small, |e| check(e, &key));
}

#[test]
fn broken_kernels_are_caught() {
    let params = parameters(16, 2);
    let key = random_key(&params, &mut rng(24));
    let breaks = [
        (Kernel::Rescale, "params.inverse, p", "params.inverse.yx, p"),
        (Kernel::Raise, "params.factor", "params.factor.yx"),
    ];
    for patch in breaks {
        broken(&params, Some(&key), |_| (), patch, |e| check(e, &key));
    }
}

#[test]
fn what_leads_nowhere_is_refused() {
    let params = parameters(16, 2);
    let key = random_key(&params, &mut rng(25));
    let cpu = CpuEngine::open(&params, Some(&key)).expect("opens");
    let tile = Tile::zeros(Shape { primes: 2, components: 2, rows: 1, degree: 16 });
    let one = cpu.matrix(&BlockMatrix::identity(1), false).expect("fits");
    let terms = [Term { tile: &tile, matrix: &one }];
    let refusal = |first, switch| {
        let layer = Layer { terms: &terms, bias: &[0; 2], primes: 2, first, onto: false, switch };
        cpu.compute(&layer).expect_err("refused").to_string()
    };
    let to_results = |rescale| Some(Switch { to_results: true, ..Switch::by(rescale) });
    assert!(refusal(0, to_results(1)).contains("primes of results: 1, expected 2"));
    assert!(refusal(1, None).contains("first prime: 1, expected 3"));
    assert!(refusal(3, Some(Switch::by(0))).contains("is switched: 3, expected 0"));
    let literal = ParametersLiteral::new(16, params.literal().primes.clone());
    let params = Parameters::new_insecure(literal).expect("the same");
    let cpu = CpuEngine::open(&params, None).expect("opens");
    let one = cpu.matrix(&BlockMatrix::identity(1), false).expect("fits");
    let terms = [Term { tile: &tile, matrix: &one }];
    let (bias, switch) = (&[0; 2], to_results(2));
    let layer = Layer { terms: &terms, bias, primes: 2, first: 0, onto: false, switch };
    let refusal = cpu.compute(&layer).expect_err("there are none").to_string();
    assert!(refusal.contains("results' own: 0"), "{refusal}");
}
