//! The scheme as a whole: what is encrypted, computed on and decrypted, and the noise it gathers.

use super::*;
use crate::device::{Engine, Layer, Term, cpu::CpuEngine};
use crate::math::primes_below;
use crate::ring::{BlockMatrix, Tile};

fn params(degree: usize, primes: usize) -> Parameters {
    let primes = primes_below(1 << 30, 4 * degree as u32).take(primes).collect();
    Parameters::new_insecure(ParametersLiteral::new(degree, primes)).unwrap()
}

fn value(row: usize, slot: usize) -> f64 {
    ((row * 31 + slot * 7) as f64).sin()
}

fn fill(row: usize, slots: &mut [f64]) {
    slots.iter_mut().enumerate().for_each(|(m, v)| *v = value(row, m));
}

fn encoding(level: usize, scale: f64) -> Encoding {
    Encoding { level, scale, range: 1.0 }
}

/// The standard deviation of what decryption misses, at the scale of the ciphertext.
fn noise_of(
    key: &SecretKey,
    tile: &crate::ring::Tile,
    scale: f64,
    want: impl Fn(usize, usize) -> f64,
) -> f64 {
    let shape = tile.shape();
    let mut sum = 0.0;
    for (row, slots) in key.decrypt(tile, scale).chunks_exact(shape.degree).enumerate() {
        for (m, v) in slots.iter().enumerate() {
            sum += ((v - want(row, m)) * scale).powi(2);
        }
    }
    (sum / (shape.rows * shape.degree) as f64).sqrt()
}

fn about(measured: f64, predicted: f64) {
    assert!(
        (0.8..1.25).contains(&(measured / predicted)),
        "measured {measured:.4e}, predicted {predicted:.4e}"
    );
}

/// From three primes to one of the results' own: right values, and noise as predicted.
#[test]
fn values_and_noise_on_the_way_to_results() {
    let primes = primes_below(1 << 30, 4 * 2048).take(3).collect();
    let result_primes: Vec<u32> = primes_below(1 << 27, 4 * 2048).take(2).collect();
    let literal = ParametersLiteral { degree: 2048, primes, result_primes };
    let params = Parameters::new_insecure(literal).unwrap();
    let (key, rows) = (SecretKey::from_seed(&params, [4; 32].into()), 4);
    let engine = CpuEngine::open(&params, None).unwrap();
    let scale = 2f64.powi(55);
    let fresh = key.encrypt(rows, encoding(3, scale), fill).unwrap().expand(params.basis());
    let one = engine.matrix(&BlockMatrix::identity(rows), false).unwrap();
    let (terms, bias) = ([Term { tile: &fresh, matrix: &one }], vec![0; 3 * rows]);
    let way = Switch { to_results: true, ..Switch::by(3) };
    let switch = Some(way);
    let layer = Layer { terms: &terms, bias: &bias, primes: 3, first: 0, onto: false, switch };
    let tile = engine.compute(&layer).unwrap();
    let log2 = |basis: &crate::ring::Basis, level| basis.log2_q(level);
    let scale = scale * (log2(params.results(), 2) - log2(params.basis(), 3)).exp2();
    assert!((15.0..25.0).contains(&scale.log2()), "{}", scale.log2());
    let mut missed = 0.0;
    for (row, slots) in key.decrypt_results(&tile, scale).chunks_exact(2048).enumerate() {
        missed += slots.iter().enumerate().map(|(m, v)| (v - value(row, m)).powi(2)).sum::<f64>();
    }
    let measured = (missed / (rows * 2048) as f64).sqrt() * scale;
    about(measured, noise::switch(params.literal(), 3, way, false));
}

/// Fresh, squared, relinearised and rescaled: right values, and each noise as predicted.
#[test]
fn values_and_noise_through_a_level() {
    let params = params(2048, 4);
    let (basis, degree) = (params.basis(), params.degree());
    let key = SecretKey::from_seed(&params, [3; 32].into());
    let relin = key.relin_key().unwrap();
    let engine = CpuEngine::open(&params, Some(&relin)).unwrap();

    let scale = 2f64.powi(24);
    let rows = 8;
    let fresh = key.encrypt(rows, encoding(3, scale), fill).unwrap().expand(basis);
    assert!(basis.holds(&fresh));
    about(noise_of(&key, &fresh, scale, value), noise::fresh(degree));

    // Three components: 2⁸ times the square of each row.
    let diagonal = |weight, squared| {
        let rows: Vec<_> = (0..rows as u32).map(|r| vec![(r, weight)]).collect();
        engine.matrix(&BlockMatrix::from_rows(rows.len(), &rows).unwrap(), squared).unwrap()
    };
    let bias = vec![0; 3 * rows];
    let at = |primes: usize, tile: &Tile, matrix, switch| {
        let (terms, bias) = ([Term { tile, matrix }], &bias[..primes * rows]);
        let layer = Layer { terms: &terms, bias, primes, first: 0, onto: false, switch };
        engine.compute(&layer).unwrap()
    };
    let layer = |tile: &Tile, matrix, switch| at(3, tile, matrix, switch);
    let (times_256, one) = (diagonal(256, true), diagonal(1, false));
    let squares = layer(&fresh, &times_256, None);
    let (square, squared) = (|r, m| value(r, m).powi(2), scale * scale * 256.0);
    let before = noise_of(&key, &squares, squared, square);
    assert!(before / squared < 1e-4);

    about(before, noise::square(noise::fresh(degree), scale * 0.5f64.sqrt()) * 256.0);
    let mixed: Vec<_> = (0..rows as u32)
        .map(|r| (0..rows as u32).map(|c| (c, 7 * (r as i32 - 3) + c as i32)).collect::<Vec<_>>())
        .collect();
    let squares_of = |r: usize| mixed[r].iter().map(|e| f64::from(e.1).powi(2)).sum::<f64>();
    let mean = (0..rows).map(squares_of).sum::<f64>() / rows as f64;
    let matrix = engine.matrix(&BlockMatrix::from_rows(rows, &mixed).unwrap(), false).unwrap();
    let sums = layer(&fresh, &matrix, None);
    let want = |r: usize, m| mixed[r].iter().map(|e| f64::from(e.1) * value(e.0 as usize, m)).sum();
    about(noise_of(&key, &sums, scale, want), noise::sum(noise::fresh(degree), mean));

    let relinearised = layer(&squares, &one, Some(Switch::by(0)));
    let missed =
        |x: Vec<f64>, y: Vec<f64>| -> f64 { x.iter().zip(&y).map(|(a, b)| (a - b).powi(2)).sum() };
    let between = |a: &Tile, b: &Tile| {
        (missed(key.decrypt(a, 1.0), key.decrypt(b, 1.0)) / (rows * degree) as f64).sqrt()
    };
    let added = between(&relinearised, &squares);
    about(added, noise::relinearise(degree, basis.primes().take(3)));

    // With a prime behind: two primes make a pair, the third has the guard as its partner.
    for level in [2, 3] {
        let high = at(level, &squares, &one, None);
        for digits in Digits::ALL {
            let switch = Switch { digits, ..Switch::by(0) };
            let added = between(&at(level, &high, &one, Some(switch)), &high);
            about(added, noise::switch(params.literal(), level, switch, true));
        }
    }

    let last = f64::from(basis.modulus(2).value());
    let low = layer(&relinearised, &one, Some(Switch::by(1)));
    let missed = missed(key.decrypt(&low, 1.0), key.decrypt(&relinearised, last));
    about((missed / (rows * degree) as f64).sqrt(), noise::rescale(degree));
    assert!(noise_of(&key, &low, squared / last, square) / (squared / last) < 1e-3);
}

/// The wrong secret sees noise of the size of the modulus.
#[test]
fn another_secret_decrypts_nothing() {
    let params = params(1024, 2);
    let (key, other) =
        (SecretKey::generate(&params).unwrap(), SecretKey::generate(&params).unwrap());
    let scale = 2f64.powi(20);
    let fresh = key.encrypt(1, encoding(2, scale), fill).unwrap().expand(params.basis());
    assert!(noise_of(&key, &fresh, scale, value) < 1e4);
    assert!(noise_of(&other, &fresh, scale, value) > 2f64.powi(50));
}

/// Two encryptions of one message share nothing.
#[test]
fn encryption_is_randomised() {
    let params = params(64, 1);
    let key = SecretKey::generate(&params).unwrap();
    let [a, b] = [0, 1].map(|_| key.encrypt(2, encoding(1, 1e4), |_, s| s.fill(0.5)).unwrap());
    assert_ne!(a.seed, b.seed);
    assert_ne!(a.c0.data(), b.c0.data());
    assert_ne!(a.c0.poly(0, 0, 0), a.c0.poly(0, 0, 1));
    let expanded = a.expand(params.basis());
    assert_ne!(expanded.poly(0, 1, 0), expanded.poly(0, 1, 1));
}
