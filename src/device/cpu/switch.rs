//! Relinearisation and rescaling, a few ciphertexts at a time, in cache from first to last.
//!
//! The primes are gone through from the last to the first. Modulo prime i the values of
//! c + Σⱼ dⱼ·keyⱼ are summed up in registers; from them the remainders modulo the primes to divide by
//! are taken, one after the other; and a prime that goes leaves nothing but its own remainder, the
//! centred coefficients, for those that follow.

use super::key::CpuKey;
use super::scatter::Scatter;
use super::sums::Values;
use crate::math::{
    Modulus,
    simd::{Simd, per_simd},
    words::Factors,
};
use crate::ring::{Basis, Shape, Tile};
use rayon::prelude::*;

/// Ciphertexts that go together at most, so that the key, which is larger than the cache next to a
/// core, is read once for all of them, prime by prime.
const TOGETHER: usize = 8;

/// Two components at `out`'s level from two or three at the level of `tile`, into the rows of `out`
/// from `first` on.
pub fn switch(
    simd: Simd,
    basis: &Basis,
    key: Option<&CpuKey>,
    tile: &Tile,
    out: &mut Tile,
    first: usize,
) {
    let (from, to) = (tile.shape(), out.shape());
    let key = key.filter(|_| from.components == 3);
    let inverses: Vec<Factors> =
        (0..from.primes).map(|i| inverses(basis, i, to.primes.max(i + 1)..from.primes)).collect();
    let job = Job { simd, basis, key, tile, to, first, inverses };
    let target = Scatter::new(out.data_mut());
    let together = from.rows.div_ceil(rayon::current_num_threads()).clamp(1, TOGETHER);
    let blocks = from.rows.div_ceil(together);
    (0..blocks).into_par_iter().for_each_init(
        || Scratch::new(&job, together),
        |scratch, block| {
            let rows = block * together..((block + 1) * together).min(from.rows);
            job.run(rows, scratch, &target);
        },
    );
}

/// The inverses modulo prime `i` of primes, the last one first.
fn inverses(basis: &Basis, i: usize, primes: std::ops::Range<usize>) -> Factors {
    let m = basis.modulus(i);
    let inverse = |k: usize| m.inv(basis.modulus(k).value() % m.value());
    Factors::new(m, primes.rev().map(inverse))
}

/// What is to be done.
struct Job<'a> {
    simd: Simd,
    basis: &'a Basis,
    key: Option<&'a CpuKey>,
    tile: &'a Tile,
    /// The shape of the result, and its row that row 0 becomes.
    to: Shape,
    first: usize,
    /// For each prime, the inverses of those that go before it.
    inverses: Vec<Factors>,
}

/// What one thread works in.
struct Scratch {
    /// `[row][digit][N]`: the digits of c₂, centred coefficients.
    digits: Vec<i32>,
    /// `[row][dropped prime, the last first][component][N]`: remainders, centred coefficients.
    remainders: Vec<i32>,
    /// `[digit][N]` of one ciphertext modulo one prime, then `[dropped prime][component][N]`.
    values: Vec<u32>,
    /// `[component][N]` modulo a prime that goes, or coefficients.
    top: Vec<u32>,
}

impl Scratch {
    fn new(job: &Job<'_>, rows: usize) -> Self {
        let Shape { primes, degree: n, .. } = job.tile.shape();
        let digits = if job.key.is_some() { primes } else { 0 };
        let dropped = 2 * (primes - job.to.primes);
        Self {
            digits: vec![0; rows * digits * n],
            remainders: vec![0; rows * dropped * n],
            values: vec![0; (digits + dropped) * n],
            top: vec![0; 2 * n],
        }
    }
}

impl Job<'_> {
    /// Switches some rows.
    fn run(&self, rows: std::ops::Range<usize>, s: &mut Scratch, target: &Scatter<'_>) {
        let Shape { primes, degree: n, .. } = self.tile.shape();
        let digits = if self.key.is_some() { primes } else { 0 };
        for (k, row) in rows.clone().enumerate() {
            for j in 0..digits {
                let digit = &mut s.digits[(k * digits + j) * n..][..n];
                let work = &mut s.top[..n];
                work.copy_from_slice(self.tile.poly(j, 2, row));
                self.centred(j, work, digit);
            }
        }
        let dropped = primes - self.to.primes;
        for i in (0..primes).rev() {
            for (k, row) in rows.clone().enumerate() {
                let digits = &s.digits[k * digits * n..][..digits * n];
                let remainders = &mut s.remainders[k * 2 * dropped * n..][..2 * dropped * n];
                if i < self.to.primes {
                    // SAFETY: a row alone writes its polynomials.
                    let out = [0, 1].map(|c| unsafe {
                        target.part(self.to.at(i, c, self.first + row).start, n)
                    });
                    self.values(i, row, digits, remainders, &mut s.values, out);
                } else {
                    let (known, own) = remainders.split_at_mut(2 * (primes - 1 - i) * n);
                    let (c0, c1) = s.top.split_at_mut(n);
                    self.values(i, row, digits, known, &mut s.values, [c0, c1]);
                    for (c, own) in s.top.chunks_exact_mut(n).zip(own.chunks_exact_mut(n)) {
                        self.centred(i, c, own);
                    }
                }
            }
        }
    }

    /// Both components modulo prime `i`, by the digits of c₂ and the remainders known.
    fn values(
        &self,
        i: usize,
        row: usize,
        digits: &[i32],
        remainders: &[i32],
        work: &mut [u32],
        out: [&mut [u32]; 2],
    ) {
        let n = self.basis.degree();
        let (lifted, rest) = work.split_at_mut(digits.len());
        for (j, (digit, lifted)) in
            digits.chunks_exact(n).zip(lifted.chunks_exact_mut(n)).enumerate()
        {
            // Modulo its own prime the digit is c₂, whose values are there already.
            if i != j {
                self.lift(i, j, digit, lifted);
            }
        }
        for (k, (x, lifted)) in remainders.chunks_exact(n).zip(rest.chunks_exact_mut(n)).enumerate()
        {
            self.lift(i, self.tile.shape().primes - 1 - k / 2, x, lifted);
        }
        let digits: Vec<&[u32]> = lifted
            .chunks_exact(n)
            .enumerate()
            .map(|(j, d)| if i == j { self.tile.poly(i, 2, row) } else { d })
            .collect();
        let remainders: Vec<[&[u32]; 2]> =
            rest[..remainders.len()].chunks_exact(2 * n).map(|x| [&x[..n], &x[n..]]).collect();
        let values = Values {
            c: [self.tile.poly(i, 0, row), self.tile.poly(i, 1, row)],
            digits: &digits,
            key: self.key.map_or(&[], |k| k.prime(i)),
            key_digits: self.key.map_or(0, CpuKey::digits),
            remainders: &remainders,
            inverses: &self.inverses[i],
        };
        values.write(self.simd, self.basis.modulus(i), out);
    }

    /// The centred coefficients of values modulo prime `i`, which are overwritten.
    fn centred(&self, i: usize, values: &mut [u32], coefficients: &mut [i32]) {
        self.basis.table(i).inverse_with(self.simd, values);
        centre(self.simd, self.basis.modulus(i), values, coefficients);
    }

    /// The values modulo prime `i` of coefficients centred modulo prime `j`.
    fn lift(&self, i: usize, j: usize, coefficients: &[i32], values: &mut [u32]) {
        let bound = self.basis.modulus(j).value() / 2;
        self.basis.table(i).forward_integers(self.simd, coefficients, bound, values);
    }
}

per_simd! {
    fn centre(m: &Modulus, x: &[u32], out: &mut [i32]) {
        for (out, &x) in out.iter_mut().zip(x) {
            *out = m.centre(x);
        }
    }
}
