//! A message with its error: real coefficients, rounded to integers.

use super::sampling::LARGEST_ERROR;
use crate::math::simd::{Simd, per_simd};
use crate::ring::NttTable;
use zeroize::Zeroizing;

/// The integer coefficients of one row, wiped when dropped. Which kind it is follows from the range that was promised
/// and not from the message.
pub enum Message {
    /// At most `bound` ≤ 2³⁰ in absolute value.
    Small { integers: Zeroizing<Vec<i32>>, bound: u32 },
    /// At most 2⁶².
    Wide(Zeroizing<Vec<i64>>),
}

/// What real coefficients are cut off at, so that an error can be added.
const SMALL: f64 = (1 << 30) as f64 - LARGEST_ERROR as f64;
/// The double next to 2⁶² from below is 2⁹ away.
const WIDE: f64 = ((1u64 << 62) - (1 << 9)) as f64;

impl Message {
    /// For `degree` coefficients of at most `range` in absolute value.
    pub fn new(degree: usize, range: f64) -> Self {
        if range.ceil() <= SMALL {
            let bound = range.ceil() as u32 + LARGEST_ERROR;
            Self::Small { integers: vec![0; degree].into(), bound }
        } else {
            Self::Wide(vec![0; degree].into())
        }
    }

    /// The nearest integers to `coefficients`, which are cut off at the range, plus `error`.
    pub fn set(&mut self, simd: Simd, coefficients: &[f64], error: &[i32]) {
        match self {
            Self::Small { integers, bound } => {
                round(simd, coefficients, f64::from(*bound - LARGEST_ERROR), error, integers);
            }
            Self::Wide(integers) => round_wide(simd, coefficients, error, integers),
        }
    }

    /// The values modulo the prime of `table`.
    pub fn transform(&self, simd: Simd, table: &NttTable, out: &mut [u32]) {
        match self {
            Self::Small { integers, bound } => table.forward_integers(simd, integers, *bound, out),
            Self::Wide(integers) => table.forward_wide(simd, integers, out),
        }
    }
}

per_simd! {
    fn round(values: &[f64], limit: f64, error: &[i32], out: &mut [i32]) {
        // Doubles from 2⁵² to 2⁵³ are integers, so that adding 1.5·2⁵² rounds, to even where it is a
        // tie, and leaves the integer in the low bits.
        const MAGIC: f64 = 1.5 * (1u64 << 52) as f64;
        for ((out, &v), &e) in out.iter_mut().zip(values).zip(error) {
            *out = (v.clamp(-limit, limit) + MAGIC).to_bits() as i32 + e;
        }
    }
}

per_simd! {
    fn round_wide(values: &[f64], error: &[i32], out: &mut [i64]) {
        for ((out, &v), &e) in out.iter_mut().zip(values).zip(error) {
            *out = v.clamp(-WIDE, WIDE).round_ties_even() as i64 + i64::from(e);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::{Modulus, primes_below};

    /// Both kinds, on every instruction set, against integers that are reduced one by one.
    #[test]
    fn integers_are_the_nearest() {
        for (range, primes) in [(100.0, 1 << 31), (SMALL, 5000), (1e12, 1 << 30), (1e30, 1 << 31)] {
            let p = primes_below(primes, 32).next().unwrap();
            let table = NttTable::new(Modulus::new(p), 8);
            let shares = [0.0, 0.25, -0.25, 0.123_456_789, -0.999, 1.0, -1.0, 2.0];
            let values = shares.map(|s| s * range);
            let error = [0, 21, -21, 1, -1, 21, -21, 3];
            let limit = if range <= SMALL { f64::ceil(range) } else { WIDE };
            let mut want: Vec<u32> = (0..8)
                .map(|i| values[i].clamp(-limit, limit).round_ties_even() as i64 + error[i])
                .map(|x| table.modulus().from_i64(x))
                .collect();
            table.forward(&mut want);
            for simd in Simd::all() {
                let mut message = Message::new(8, range);
                let mut got = [0; 8];
                message.set(simd, &values, &error.map(|e| e as i32));
                message.transform(simd, &table, &mut got);
                assert_eq!(got[..], want, "{simd}, {range}");
            }
        }
    }
}
