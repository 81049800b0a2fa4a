//! 1. A vector goes into one ciphertext, can be added to another without the key, and comes back.
//!
//! `cargo run --release --example 1_encrypt_a_vector`

use cipherbatch::math::primes_below;
use cipherbatch::ring::Tile;
use cipherbatch::scheme::{Encoding, Parameters, ParametersLiteral, SecretKey, noise};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A ring of degree N and three primes below 2³¹: as many residues stand for one large integer.
    // Parameters are checked when they are made; these have 128 bits of security.
    let degree = 4096;
    let primes = primes_below(1 << 31, 4 * degree as u32).take(3).collect();
    let params = Parameters::new(ParametersLiteral::new(degree, primes))?;
    println!("N = {degree}, log2 Q = {:.1}, {} bits", params.log2_q(), params.security_bits());

    // The ring is real: N slots for N coefficients, one number a slot.
    let vector: Vec<f64> = (0..params.slots()).map(|i| (i as f64 / 100.0).sin()).collect();

    // A slot v becomes v·scale, plus noise. The scale decides how many digits are above the noise.
    let encoding = Encoding { level: params.levels(), scale: f64::from(1 << 25), range: 1.0 };
    let secret = SecretKey::generate(&params)?;
    let encrypted = secret.encrypt(1, encoding, |_, slots| slots.copy_from_slice(&vector))?;

    // It travels as c₀ and a seed, and is worked on in full: (c₀, c₁) with c₀ + c₁·s = message + noise.
    let ciphertext = encrypted.expand(params.basis());
    println!("{:?}: {} bytes travel", ciphertext.shape(), encrypted.bytes());

    let decrypted = secret.decrypt(&ciphertext, encoding.scale);
    let error = largest_difference(&decrypted, &vector);
    let predicted = noise::fresh(degree) / encoding.scale;
    println!("decrypted: off by {error:.1e} at most, {predicted:.1e} is the predicted deviation");
    assert!(error < 6.0 * predicted);

    // Another key sees noise that fills the whole modulus.
    let stranger = SecretKey::generate(&params)?.decrypt(&ciphertext, encoding.scale);
    let garbage = largest_difference(&stranger, &vector);
    println!("under another key: off by {garbage:.1e}");
    assert!(garbage > 1e10);

    // Ciphertexts add up residue by residue, and so do the slots within.
    let twice = secret.decrypt(&sum(&params, &ciphertext, &ciphertext), encoding.scale);
    let want: Vec<f64> = vector.iter().map(|v| 2.0 * v).collect();
    assert!(largest_difference(&twice, &want) < 12.0 * predicted);
    println!("added to itself without a key: twice the vector");
    Ok(())
}

fn sum(params: &Parameters, a: &Tile, b: &Tile) -> Tile {
    let mut sum = a.clone();
    let per_prime = a.shape().per_prime();
    for (i, (x, y)) in sum.data_mut().iter_mut().zip(b.data()).enumerate() {
        *x = params.basis().modulus(i / per_prime).add(*x, *y);
    }
    sum
}

fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}
