//! Relinearisation and rescaling, a few ciphertexts at a time, in cache from first to last.
//!
//! The primes are gone through from the last to the first. Modulo prime i the values of
//! c + Σⱼ dⱼ·keyⱼ are summed up in registers; from them the remainders modulo the primes to divide by
//! are taken, one after the other; and a prime that goes leaves nothing but its own remainder, the
//! centred coefficients, for those that follow. A guard p is a prime that goes, too, before all others:
//! (p·c + Σⱼ dⱼ·keyⱼ − x)/p is c + (Σⱼ dⱼ·keyⱼ − x)/p, so that only the digits are multiplied by it.

use super::key::CpuKey;
use super::pool::Pool;
use super::scatter::Scatter;
use super::sums::{Values, multiply};
use crate::math::{
    Lines, Modulus,
    simd::{Simd, per_simd},
    words::Factors,
};
use crate::ring::{Basis, Shape, Tile};
use rayon::prelude::*;

/// Ciphertexts that go together at most, so that the key, which is larger than the cache next to a
/// core, is read once for all of them, prime by prime.
const TOGETHER: usize = 8;

/// Two components at `out`'s level from two or three at the level of `tile`, into the rows of `out`
/// from one on; `guarded` by the next prime where it relinearises.
pub fn switch(
    simd: Simd,
    basis: &Basis,
    key: Option<&CpuKey>,
    tile: &Tile,
    guarded: bool,
    (out, first): (&mut Tile, usize),
    pool: &Pool<Scratch>,
) {
    let (from, to) = (tile.shape(), out.shape());
    let key = key.filter(|_| from.components == 3);
    let guard = (guarded && key.is_some()).then_some(from.primes);
    let primes = from.primes + usize::from(guard.is_some());
    let inverses = (0..primes).map(|i| inverses(basis, i, to.primes.max(i + 1)..primes)).collect();
    let raise =
        guard.map_or(vec![], |guard| (0..from.primes).map(|i| raise(basis, i, guard)).collect());
    let threads = rayon::current_num_threads();
    let together = from.rows.div_ceil(threads).clamp(1, TOGETHER);
    let alone = from.rows < threads;
    let job =
        Job { simd, basis, key, tile, guard, primes, raise, alone, to, first, inverses, pool };
    let target = Scatter::new(out.data_mut());
    let blocks = from.rows.div_ceil(together);
    (0..blocks).into_par_iter().for_each_init(
        || pool.lend(),
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

/// Prime `guard` modulo prime `i`.
fn raise(basis: &Basis, i: usize, guard: usize) -> Factors {
    let m = basis.modulus(i);
    Factors::new(m, std::iter::once(basis.modulus(guard).value() % m.value()))
}

/// What is to be done.
struct Job<'a> {
    simd: Simd,
    basis: &'a Basis,
    key: Option<&'a CpuKey>,
    tile: &'a Tile,
    /// The prime that guards, and how many primes there are with it.
    guard: Option<usize>,
    primes: usize,
    /// For each prime of the sum, the guard.
    raise: Vec<Factors>,
    /// Whether there are fewer rows than threads, and a row's primes go side by side.
    alone: bool,
    /// The shape of the result, and its row that row 0 becomes.
    to: Shape,
    first: usize,
    /// For each prime, the inverses of those that go before it.
    inverses: Vec<Factors>,
    pool: &'a Pool<Scratch>,
}

/// What one thread works in.
#[derive(Debug, Default)]
pub struct Scratch {
    /// `[row][digit][N]`: the digits of c₂, centred coefficients.
    digits: Lines<i32>,
    /// `[row][dropped prime, the last first][component][N]`: remainders, centred coefficients.
    remainders: Lines<i32>,
    /// `[digit][N]` of one ciphertext modulo one prime, then `[dropped prime][component][N]`.
    values: Lines<u32>,
    /// `[component][N]` modulo a prime that goes, or coefficients.
    top: Lines<u32>,
}

impl Job<'_> {
    /// Switches some rows.
    fn run(&self, rows: std::ops::Range<usize>, s: &mut Scratch, target: &Scatter<'_>) {
        let (n, kept) = (self.basis.degree(), self.to.primes);
        // What there is for each row.
        let own_digits = self.key.map_or(0, |_| self.tile.shape().primes * n);
        let own_remainders = 2 * (self.primes - kept) * n;
        let digits = s.digits.at_least(rows.len() * own_digits);
        let remainders = s.remainders.at_least(rows.len() * own_remainders);
        let values = s.values.at_least(own_digits + own_remainders);
        let top = s.top.at_least(2 * n);

        let digit = |work: &mut [u32], (at, out): (usize, &mut [i32])| {
            let (row, j) = (rows.start + at * n / own_digits, at % (own_digits / n));
            self.digit(j, row, &mut work[..n]);
            self.centred(j, &mut work[..n], out);
        };
        if self.alone {
            let digits = digits.par_chunks_exact_mut(n).enumerate();
            digits.for_each_init(|| self.pool.lend(), |s, at| digit(s.top.at_least(n), at));
        } else {
            digits.chunks_exact_mut(n).enumerate().for_each(|out| digit(top, out));
        }

        let digits_of = |k: usize| &digits[k * own_digits..][..own_digits];
        for i in (kept..self.primes).rev() {
            for (k, row) in rows.clone().enumerate() {
                let own = &mut remainders[k * own_remainders..][..own_remainders];
                let (known, own) = own.split_at_mut(2 * (self.primes - 1 - i) * n);
                let (c0, c1) = top.split_at_mut(n);
                self.values(i, row, digits_of(k), known, values, [c0, c1]);
                for (c, own) in top.chunks_exact_mut(n).zip(own.chunks_exact_mut(n)) {
                    self.centred(i, c, own);
                }
            }
        }

        let keep = |values: &mut [u32], i: usize| {
            for (k, row) in rows.clone().enumerate() {
                let remainders = &remainders[k * own_remainders..][..own_remainders];
                // SAFETY: (prime, row) alone writes its polynomials.
                let out = [0, 1]
                    .map(|c| unsafe { target.part(self.to.at(i, c, self.first + row).start, n) });
                self.values(i, row, digits_of(k), remainders, values, out);
            }
        };
        if self.alone {
            let len = values.len();
            let primes = (0..kept).into_par_iter();
            primes.for_each_init(|| self.pool.lend(), |s, i| keep(s.values.at_least(len), i));
        } else {
            (0..kept).rev().for_each(|i| keep(values, i));
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
            } else if self.guard.is_some() {
                self.digit(i, row, lifted);
            }
        }
        for (k, (x, lifted)) in remainders.chunks_exact(n).zip(rest.chunks_exact_mut(n)).enumerate()
        {
            self.lift(i, self.primes - 1 - k / 2, x, lifted);
        }
        let digits: Vec<&[u32]> = lifted
            .chunks_exact(n)
            .enumerate()
            .map(|(j, d)| match self.guard {
                None if i == j => self.tile.poly(i, 2, row),
                _ => d,
            })
            .collect();
        let remainders: Vec<[&[u32]; 2]> =
            rest[..remainders.len()].chunks_exact(2 * n).map(|x| [&x[..n], &x[n..]]).collect();
        let values = Values {
            c: (self.guard != Some(i)).then(|| [0, 1].map(|c| self.tile.poly(i, c, row))),
            guarded: self.guard.is_some(),
            digits: &digits,
            key: self.key.map_or(&[], |k| k.prime(i)),
            key_digits: self.key.map_or(0, CpuKey::digits),
            remainders: &remainders,
            inverses: &self.inverses[i],
        };
        values.write(self.simd, self.basis.modulus(i), out);
    }

    /// The values of the digit modulo prime `j`: c₂, times the prime that guards.
    fn digit(&self, j: usize, row: usize, values: &mut [u32]) {
        values.copy_from_slice(self.tile.poly(j, 2, row));
        if let Some(guard) = self.raise.get(j) {
            multiply(self.simd, self.basis.modulus(j), guard, values);
        }
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
