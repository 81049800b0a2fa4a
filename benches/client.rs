//! What surrounds an evaluation: encryption, expansion of seeds, decryption.
//!
//! `cargo bench --bench client`; throughput is in residues of one component. The instruction set is
//! lowered by `CIPHERBATCH_SIMD`, the number of threads by `RAYON_NUM_THREADS`.

use cipherbatch::math::primes_below;
use cipherbatch::scheme::{Encoding, Parameters, ParametersLiteral, SecretKey};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn client(c: &mut Criterion) {
    const ROWS: usize = 256;
    let mut group = c.benchmark_group("client");
    group.sample_size(20);
    for (degree, count) in [(4096, 3), (8192, 7), (16384, 13)] {
        // 30.57 bits, as plans take them: a quarter of all words is rejected.
        let primes = primes_below(1_595_600_000, 4 * degree as u32).take(count).collect();
        let params = Parameters::new_insecure(ParametersLiteral::new(degree, primes));
        let params = params.expect("NTT primes");
        let key = SecretKey::generate(&params).expect("randomness");
        let encoding = Encoding { level: count, scale: 65_536.0, range: 1.0 };
        let fill = |row: usize, slots: &mut [f64]| {
            slots.iter_mut().enumerate().for_each(|(m, v)| *v = ((row + m) % 255) as f64 / 255.0);
        };
        let encrypt = || key.encrypt(ROWS, encoding, fill).expect("randomness");
        let seeded = encrypt();
        let tile = seeded.expand(params.basis());
        let id = |what| BenchmarkId::new(what, format!("{degree}, {count} primes"));
        group.throughput(Throughput::Elements((ROWS * count * degree) as u64));
        group.bench_function(id("encrypt"), |b| b.iter(encrypt));
        group.bench_function(id("expand"), |b| b.iter(|| seeded.expand(params.basis())));
        group.bench_function(id("decrypt"), |b| b.iter(|| key.decrypt(&tile, encoding.scale)));
    }
    group.finish();
}

criterion_group!(clients, client);
criterion_main!(clients);
