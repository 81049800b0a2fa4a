//! One kernel at a time, on the processor: transforms, the modular matrix product, the switch.
//!
//! `cargo bench --bench kernels`; throughput is in butterflies, multiply-adds and ciphertexts.

use cipherbatch::device::cpu::CpuEngine;
use cipherbatch::device::{Engine, Layer, Term};
use cipherbatch::math::{primes_below, simd::Simd};
use cipherbatch::ring::{BlockMatrix, Shape, Tile};
use cipherbatch::scheme::{Parameters, ParametersLiteral, SecretKey, Switch};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

/// Primes of 30.57 bits, as plans take them.
fn params(degree: usize, count: usize) -> Parameters {
    let primes = primes_below(1_595_600_000, 4 * degree as u32).take(count).collect();
    Parameters::new_insecure(ParametersLiteral::new(degree, primes)).expect("NTT primes")
}

/// Residues far from regular, below the primes.
fn tile(params: &Parameters, primes: usize, components: usize, rows: usize) -> Tile {
    let shape = Shape { primes, components, rows, degree: params.degree() };
    let mut tile = Tile::zeros(shape);
    for (i, x) in tile.data_mut().iter_mut().enumerate() {
        let p = params.basis().modulus(i / shape.per_prime()).value();
        *x = (i as u32).wrapping_mul(2_654_435_761) % p;
    }
    tile
}

/// Against the plans of tfhe-ntt, which transform modulo X^N + 1: without the folding of the real ring,
/// and without the factor N⁻¹ of the inverse. One thread; primes of 30, 30.57 and 31 bits.
fn ntt(c: &mut Criterion) {
    for (bits, bound) in [("30", 1 << 30), ("30.57", 1_595_600_000), ("31", 1 << 31)] {
        let mut group = c.benchmark_group(format!("ntt, {bits} bits"));
        for log_n in 12..=15 {
            let n = 1 << log_n;
            let p = primes_below(bound, 4 * n as u32).next().expect("an NTT prime");
            let literal = ParametersLiteral::new(n, vec![p]);
            let params = Parameters::new_insecure(literal).expect("an NTT prime");
            let table = params.basis().table(0);
            let plan = tfhe_ntt::prime32::Plan::try_new(n, p).expect("an NTT prime");
            let mut a = tile(&params, 1, 1, 1).data().to_vec();
            group.throughput(Throughput::Elements((log_n << log_n) / 2));
            group.bench_function(BenchmarkId::new("forward, tfhe-ntt", n), |b| {
                b.iter(|| plan.fwd(black_box(&mut a)))
            });
            group.bench_function(BenchmarkId::new("inverse, tfhe-ntt", n), |b| {
                b.iter(|| plan.inv(black_box(&mut a)))
            });
            for simd in Simd::all() {
                group.bench_function(BenchmarkId::new(format!("forward, {simd}"), n), |b| {
                    b.iter(|| table.forward_with(simd, black_box(&mut a)))
                });
                group.bench_function(BenchmarkId::new(format!("inverse, {simd}"), n), |b| {
                    b.iter(|| table.inverse_with(simd, black_box(&mut a)))
                });
            }
        }
        group.finish();
    }
}

/// 845 squares to 100 sums over three primes: the heaviest layer of CryptoNets.
fn linear(c: &mut Criterion) {
    let params = params(4096, 3);
    let x = tile(&params, 3, 2, 845);
    let row = |r: usize| (0..845).map(|k| (k, (r as i32 * 37 + k as i32 * 11) % 128)).collect();
    let matrix =
        BlockMatrix::from_rows(845, &(0..100).map(row).collect::<Vec<_>>()).expect("small weights");
    let mut group = c.benchmark_group("linear");
    group.sample_size(10);
    group.throughput(Throughput::Elements(845 * 100 * 3 * 3 * 4096));
    for simd in Simd::all() {
        let engine = CpuEngine::open_with(&params, None, simd).expect("no key to refuse");
        let resident = engine.matrix(&matrix, true).expect("fits");
        let terms = [Term { tile: &x, matrix: &resident }];
        let layer = Layer {
            terms: &terms,
            bias: &[0; 300],
            primes: 3,
            first: 0,
            onto: false,
            switch: None,
        };
        let mut out = engine.tile(layer.shape(&engine)).expect("fits");
        group.bench_function(format!("squares 845 → 100, {simd}"), |b| {
            b.iter(|| engine.layer(&layer, &mut out, 0).expect("fits"))
        });
    }
    group.finish();
}

fn switch(c: &mut Criterion) {
    const ROWS: usize = 64;
    let identity: Vec<_> = (0..ROWS as u32).map(|r| vec![(r, 1)]).collect();
    let identity = BlockMatrix::from_rows(ROWS, &identity).expect("small weights");
    let mut group = c.benchmark_group("switch");
    group.sample_size(10);
    group.throughput(Throughput::Elements(ROWS as u64));
    for (degree, primes) in [(4096, 3), (8192, 7), (16384, 13)] {
        let params = params(degree, primes);
        let key = SecretKey::generate(&params).and_then(|s| s.relin_key()).expect("randomness");
        let x = tile(&params, primes, 3, ROWS);
        for simd in Simd::all() {
            let engine = CpuEngine::open_with(&params, Some(&key), simd).expect("its own key");
            let one = engine.matrix(&identity, false).expect("fits");
            let terms = [Term { tile: &x, matrix: &one }];
            let bias = vec![0; ROWS * primes];
            let layer = Layer {
                terms: &terms,
                bias: &bias,
                primes,
                first: 0,
                onto: false,
                switch: Some(Switch::by(1)),
            };
            let mut out = engine.tile(layer.shape(&engine)).expect("fits");
            let id = BenchmarkId::new(simd.to_string(), format!("{degree}, {primes} primes"));
            group.bench_function(id, |b| {
                b.iter(|| engine.layer(&layer, &mut out, 0).expect("fits"))
            });
        }
    }
    group.finish();
}

criterion_group!(kernels, ntt, linear, switch);
criterion_main!(kernels);
