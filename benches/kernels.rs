//! One kernel at a time, on the processor: transforms, the modular matrix product, the switch.
//!
//! `cargo bench --bench kernels`; throughput is in butterflies, multiply-adds and ciphertexts.

use cipherbatch::device::cpu::CpuEngine;
use cipherbatch::device::{Engine, Layer, Term};
use cipherbatch::math::{primes_below, simd::Simd};
use cipherbatch::ring::{BlockMatrix, Shape, Tile};
use cipherbatch::scheme::{Parameters, ParametersLiteral, SecretKey};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

fn params(degree: usize, count: usize) -> Parameters {
    let primes = primes_below(1 << 30, 4 * degree as u32).take(count).collect();
    Parameters::new_insecure(ParametersLiteral { degree, primes }).expect("NTT primes")
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

fn ntt(c: &mut Criterion) {
    let mut group = c.benchmark_group("ntt");
    for log_n in 12..=15 {
        let params = params(1 << log_n, 1);
        let table = params.basis().table(0);
        let mut a = tile(&params, 1, 1, 1).data().to_vec();
        group.throughput(Throughput::Elements((log_n << log_n) / 2));
        for simd in Simd::all() {
            let id = format!("forward, {simd}");
            group.bench_function(BenchmarkId::new(id, 1 << log_n), |b| {
                b.iter(|| table.forward_with(simd, black_box(&mut a)))
            });
            let id = format!("inverse, {simd}");
            group.bench_function(BenchmarkId::new(id, 1 << log_n), |b| {
                b.iter(|| table.inverse_with(simd, black_box(&mut a)))
            });
        }
    }
    group.finish();
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
        let layer = Layer { terms: &terms, bias: &[0; 300], primes: 3, switch: None };
        let mut out = engine.tile(layer.shape(&engine)).expect("fits");
        group.bench_function(format!("squares 845 → 100, {simd}"), |b| {
            b.iter(|| engine.layer(&layer, &mut out, 0).expect("fits"))
        });
    }
    group.finish();
}

fn switch(c: &mut Criterion) {
    let params = params(4096, 3);
    let key = SecretKey::generate(&params).and_then(|s| s.relin_key()).expect("randomness");
    let x = tile(&params, 3, 3, 100);
    let rows: Vec<_> = (0..100).map(|r| vec![(r, 1)]).collect();
    let identity = BlockMatrix::from_rows(100, &rows).expect("small weights");
    let mut group = c.benchmark_group("switch");
    group.sample_size(10);
    group.throughput(Throughput::Elements(100));
    for simd in Simd::all() {
        let engine = CpuEngine::open_with(&params, Some(&key), simd).expect("its own key");
        let one = engine.matrix(&identity, false).expect("fits");
        let terms = [Term { tile: &x, matrix: &one }];
        let layer = Layer { terms: &terms, bias: &[0; 300], primes: 3, switch: Some(1) };
        let mut out = engine.tile(layer.shape(&engine)).expect("fits");
        group.bench_function(format!("relinearise and rescale 100, {simd}"), |b| {
            b.iter(|| engine.layer(&layer, &mut out, 0).expect("fits"))
        });
    }
    group.finish();
}

criterion_group!(kernels, ntt, linear, switch);
criterion_main!(kernels);
