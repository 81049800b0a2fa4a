//! 2. A layer: many ciphertexts, an integer matrix over their squares, and the way down after it.
//!
//! `cargo run --release --example 2_a_layer`

use cipherbatch::device::cpu::CpuEngine;
use cipherbatch::device::{Engine, Layer, Term};
use cipherbatch::math::primes_below;
use cipherbatch::ring::BlockMatrix;
use cipherbatch::scheme::{Encoding, Parameters, ParametersLiteral, SecretKey, Switch};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let degree = 4096;
    let primes: Vec<u32> = primes_below(1 << 31, 4 * degree as u32).take(3).collect();
    let last = f64::from(primes[2]);
    let params = Parameters::new(ParametersLiteral::new(degree, primes))?;

    // A tile of three rows: one ciphertext a value, one sample a slot. So a weight is one integer
    // for all samples, and a layer is a matrix product.
    let value = |row: usize, sample: usize| ((row + 1) as f64 * sample as f64 / 1000.0).cos();
    let scale = f64::from(1 << 25);
    let secret = SecretKey::generate(&params)?;
    let encoding = Encoding { level: params.levels(), scale, range: 1.0 };
    let encrypted = secret.encrypt(3, encoding, |row, slots| {
        slots.iter_mut().enumerate().for_each(|(sample, slot)| *slot = value(row, sample));
    })?;

    // The server: an engine for these parameters, with a public key that brings squares back to two
    // components. It is the CPU here; lesson 6 has the others.
    let engine = CpuEngine::open(&params, Some(&secret.relin_key()?))?;
    let tile = engine.upload(&encrypted.expand(params.basis()))?;

    // y₀ = 0.5·x₀² + 0.25·x₂², y₁ = −x₁²: weights are integers, here in units of 1/256.
    let weight_scale = 256.0;
    let rows = [vec![(0, 128), (2, 64)], vec![(1, -256)]];
    let matrix = engine.matrix(&BlockMatrix::from_rows(3, &rows)?, true)?;

    // Squares have the scale squared, the weights bring their own, and a prime that goes divides it.
    let layer = Layer {
        terms: &[Term { tile: &tile, matrix: &matrix }],
        bias: &[0; 6], // [primes][outputs]
        primes: 3,
        first: 0,
        onto: false,
        switch: Some(Switch::by(1)),
    };
    let result = engine.download(&engine.compute(&layer)?)?;
    let scale = scale * scale * weight_scale / last;
    println!("scale 2^25 squared, times 2^8, less a prime: 2^{:.1}", scale.log2());
    println!("{:?}", result.shape());
    assert_eq!((result.shape().rows, result.shape().components, result.shape().primes), (2, 2, 2));

    let slots = secret.decrypt(&result, scale);
    let want = |row: usize, sample: usize| match row {
        0 => 0.5 * value(0, sample).powi(2) + 0.25 * value(2, sample).powi(2),
        _ => -value(1, sample).powi(2),
    };
    let errors = slots.iter().enumerate().map(|(i, y)| (y - want(i / degree, i % degree)).abs());
    let error = errors.fold(0.0, f64::max);
    println!("y₀ and y₁ of {degree} samples at once, off by {error:.1e} at most");
    assert!(error < 1e-3);
    Ok(())
}
