//! How long a network's layers take, for people:
//! `cargo test --release --test kernels-tests -- --ignored --nocapture timing`.

use crate::harness::{adapter, configurations, random_key, random_tile, rng};
use cipherbatch::device::cpu::CpuEngine;
use cipherbatch::device::gpu::GpuEngine;
use cipherbatch::device::{Engine, Term};
use cipherbatch::math::primes_below;
use cipherbatch::ring::{BlockMatrix, Shape, Tile};
use cipherbatch::scheme::{Parameters, ParametersLiteral};
use std::time::Instant;

/// CryptoNets: 5 maps of 13 × 13 positions over 28 × 28 pixels (stride 2, padded above and to the
/// left), then 100 and 10 outputs.
fn network() -> [BlockMatrix; 3] {
    let mut rows = Vec::new();
    for map in 0..5i32 {
        for (y, x) in (0..13u32).flat_map(|y| (0..13).map(move |x| (y, x))) {
            let inside = |d: (u32, u32)| (2 * y + d.0 >= 1 && 2 * x + d.1 >= 1).then_some(d);
            let taps = (0..5).flat_map(|i| (0..5).map(move |j| (i, j))).filter_map(inside);
            let entry = |(i, j)| {
                let pixel = (2 * y + i - 1) * 28 + 2 * x + j - 1;
                (pixel, (map * 25 + i as i32 * 5 + j as i32) % 63 - 31)
            };
            rows.push(taps.map(entry).collect());
        }
    }
    let dense = |inputs: u32, outputs: u32, weight: i32| {
        let value = |r: u32, c: u32| ((r * 31 + c * 17) as i32 % (2 * weight)) - weight;
        let rows: Vec<Vec<_>> =
            (0..outputs).map(|r| (0..inputs).map(|c| (c, value(r, c))).collect()).collect();
        BlockMatrix::from_rows(inputs as usize, &rows).expect("within the bounds")
    };
    let first = BlockMatrix::from_rows(784, &rows).expect("within the bounds");
    [first, dense(845, 100, 511), dense(100, 10, 63)]
}

/// `settle` waits for all work that was begun.
fn evaluate<E: Engine>(
    engine: &E,
    input: &Tile,
    matrices: &[E::Matrix],
    settle: impl Fn(&E),
) -> Tile {
    let mut last = Instant::now();
    let mut lap = |what: &str| {
        settle(engine);
        println!("  {what:24} {:8.1} ms", last.elapsed().as_secs_f64() * 1e3);
        last = Instant::now();
    };
    let layer = |squared, tile, matrix: usize, outputs, primes| {
        let terms = [Term { tile, squared, matrix: &matrices[matrix] }];
        engine.linear(&terms, &vec![1; primes * outputs], primes).expect("runs")
    };
    let x = engine.upload(input.clone()).expect("fits");
    lap("upload");
    let y = layer(false, &x, 0, 845, 3);
    lap("convolution");
    let z = layer(true, &y, 1, 100, 3);
    lap("squares, 845 to 100");
    let z = engine.switch(z, 1).expect("runs");
    lap("100 switches");
    let out = layer(true, &z, 2, 10, 2);
    lap("squares, 100 to 10");
    let out = engine.download(&out).expect("runs");
    lap("download");
    out
}

#[test]
#[ignore = "a measurement"]
fn timing() {
    let degree = 4096;
    let primes = primes_below(1 << 30, 4 * degree as u32).take(3).collect();
    let params = Parameters::new(ParametersLiteral { degree, primes }).expect("secure");
    let key = random_key(&params, &mut rng(1));
    let input = Shape { primes: 3, components: 2, rows: 784, degree };
    let input = random_tile(&params, input, &mut rng(2));
    let network = network();

    let cpu = CpuEngine::open(&params, Some(&key)).expect("opens");
    let matrices: Vec<_> = network.iter().map(|m| cpu.matrix(m).expect("fits")).collect();
    println!("{}", cpu.name());
    let want = evaluate(&cpu, &input, &matrices, |_| ());
    let Some(adapter) = adapter() else { return };
    for (name, options) in configurations(adapter) {
        let gpu = GpuEngine::open_with(adapter, &params, Some(&key), &options).expect("opens");
        let matrices: Vec<_> = network.iter().map(|m| gpu.matrix(m).expect("fits")).collect();
        for round in ["first", "second"] {
            let start = Instant::now();
            println!("{}, {name}, {round} round", gpu.name());
            assert!(evaluate(&gpu, &input, &matrices, |e| e.wait().expect("works")) == want);
            println!("  {:24} {:8.1} ms", "in all", start.elapsed().as_secs_f64() * 1e3);
        }
    }
}
