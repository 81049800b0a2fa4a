//! Integers x + q·y of two primes, as transforms with lanes of 64 bits read them.
//!
//! They are below 2⁶¹ in absolute value, and kept with 2⁶¹ added: the low 50 bits of the sum in those of a double
//! word, the others from bit 52 on. A product of such lanes reads 52 bits and no others, so that modulo any
//! prime the integer is the double word itself plus its high bits times 2⁵⁰: three instructions, where x and y
//! apart take five and a reduced product.

use crate::math::{
    Modulus,
    simd::{Simd, per_simd},
};

/// Bits of the lower part.
pub const LOW: u32 = 50;

/// Where the upper part begins.
const UP: u32 = 52;

/// What is added.
pub const RAISED: u64 = 1 << 61;

/// x + q·y, for |x| and |y| of at most 2³⁰.
///
/// # Panics
/// Where lengths differ.
pub fn pair(simd: Simd, q: &Modulus, x: &[i32], y: &[i32], out: &mut [u64]) {
    assert!(x.len() == out.len() && y.len() == out.len());
    combine(simd, q, x, y, out);
}

per_simd! {
    fn combine(q: &Modulus, x: &[i32], y: &[i32], out: &mut [u64]) {
        let q = i64::from(q.value());
        for ((out, &x), &y) in out.iter_mut().zip(x).zip(y) {
            // Below 2⁶², since q is below 2³¹.
            let raised = RAISED.wrapping_add_signed(i64::from(x) + q * i64::from(y));
            *out = raised & ((1 << LOW) - 1) | raised >> LOW << UP;
        }
    }
}
