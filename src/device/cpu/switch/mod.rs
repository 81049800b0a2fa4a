//! Relinearisation and rescaling, a few ciphertexts at a time, in cache from first to last.
//!
//! The primes are gone through from the last to the first. Modulo prime i the values of
//! c + Σⱼ dⱼ·keyⱼ are summed up in registers. A prime that goes leaves nothing but its own remainder, the
//! centred coefficients, for those that follow: x₀ modulo the first one p₀, x₁ modulo the next,
//! where c has been divided by p₀ already. Two of them are one integer x₀ + p₀·x₁, transformed once:
//! ((c − x₀)/p₀ − x₁)/p₁ = (c − (x₀ + p₀·x₁))/(p₀p₁). Modulo a prime that goes, too, they are taken away
//! from coefficients.
//!
//! A guard p goes before all others: (p·c + Σⱼ dⱼ·keyⱼ − x)/p is c + (Σⱼ dⱼ·keyⱼ − x)/p, so that only the
//! digits are multiplied by it.

mod coefficients;
mod key;
mod results;
mod sums;
mod way;

use super::pool::Pool;
use super::sum::Sum;
use crate::math::{Lines, simd::Simd};
use crate::ring::{Basis, RAISED, Summands, pair};
use crate::scheme::Digits;
use coefficients::{centre, divide, subtract};
pub use key::CpuKey;
use key::Rows;
use rayon::prelude::*;
pub use results::to_results;
use std::ops::Range;
pub use sums::is_lazy;
use sums::{Digit, Integers, Own, Sums, Values, Work};
use way::Way;

/// Ciphertexts that go together at most, so that the key, which is larger than the cache next to a
/// core, is read once for all of them, prime by prime.
const TOGETHER: usize = 4;

/// Two components at the results' level from two or three at the level of the sum, relinearised by such digits.
pub fn switch(
    simd: Simd,
    basis: &Basis,
    key: Option<&CpuKey>,
    sum: &Sum<'_>,
    digits: Digits,
    pool: &Pool<Scratch>,
) {
    let (from, to) = (sum.shape(), sum.results());
    let key = key.filter(|_| from.components == 3).map(|key| key.of(basis, digits));
    let guard = (digits.behind() > 0 && key.is_some()).then_some(from.primes);
    let primes = from.primes + usize::from(guard.is_some());
    let ways = (0..primes).map(|i| Way::new(basis, i, to.primes..primes, guard)).collect();
    let threads = rayon::current_num_threads();
    let together = from.rows.div_ceil(threads).clamp(1, TOGETHER);
    let alone = from.rows < threads;
    let lazy = is_lazy(simd, basis);
    let kept = to.primes;
    let job = Job { simd, basis, key, sum, digits, guard, primes, kept, alone, ways, lazy, pool };
    let blocks = from.rows.div_ceil(together);
    (0..blocks).into_par_iter().for_each_init(
        || pool.lend(),
        |scratch, block| {
            let rows = block * together..((block + 1) * together).min(from.rows);
            job.run(rows, scratch);
        },
    );
}

/// What is to be done.
struct Job<'a> {
    simd: Simd,
    basis: &'a Basis,
    key: Option<&'a Rows>,
    sum: &'a Sum<'a>,
    digits: Digits,
    /// The prime that guards, how many primes there are with it, and how many stay.
    guard: Option<usize>,
    primes: usize,
    kept: usize,
    /// Whether there are fewer rows than threads, and a row's primes go side by side.
    alone: bool,
    /// For each prime.
    ways: Vec<Way>,
    /// Whether integers of two primes are [`pair`]s.
    lazy: bool,
    pool: &'a Pool<Scratch>,
}

/// What is known of a row.
#[derive(Clone, Copy)]
struct Known<'a> {
    row: usize,
    /// As of [`Scratch::digits`].
    digits: &'a [i32],
    /// As of [`Scratch::remainders`] and of [`Scratch::pairs`]; none before all are known.
    remainders: &'a [i32],
    pairs: &'a [u64],
}

/// What one thread works in.
#[derive(Debug, Default)]
pub struct Scratch {
    /// `[row][digit][prime of the digit][N]`: the digits of c₂, centred coefficients x of which
    /// x₀ + p₀·x₁ is the digit; or the digit's N pairs, or single ones raised, in the same memory.
    digits: Lines<i32>,
    /// `[row][prime that goes, the last first][component][N]`: remainders, centred coefficients.
    remainders: Lines<i32>,
    /// `[row][two primes that go][component][N]`: what two remainders are together.
    pairs: Lines<u64>,
    /// Values of digits and remainders modulo one prime.
    work: Work,
    /// `[row of a pass][component][N]` modulo a prime that goes, or a digit's coefficients.
    top: Lines<u32>,
}

impl Job<'_> {
    /// Switches some rows.
    fn run(&self, rows: Range<usize>, s: &mut Scratch) {
        let (n, kept) = (self.basis.degree(), self.kept);
        let gone = self.primes - kept;
        let count = self.key.map_or(0, |_| self.digits.count(self.sum.shape().primes));
        // What there is for each row.
        let one = self.digits.primes() * n;
        let (own_digits, own_remainders) = (count * one, 2 * gone * n);
        let own_pairs = if self.lazy { gone / 2 * 2 * n } else { 0 };
        let digits = s.digits.at_least(rows.len() * own_digits);
        let remainders = s.remainders.at_least(rows.len() * own_remainders);
        let pairs = s.pairs.at_least(rows.len() * own_pairs);
        let top = s.top.at_least(sums::TOGETHER * 2 * n);

        let digit = |work: &mut [u32], (at, out): (usize, &mut [i32])| {
            self.digit(rows.start + at / count, at % count, work, out);
        };
        if self.alone {
            let digits = digits.par_chunks_exact_mut(one).enumerate();
            digits.for_each_init(|| self.pool.lend(), |s, at| digit(s.top.at_least(3 * n), at));
        } else {
            digits.chunks_exact_mut(one).enumerate().for_each(|out| digit(top, out));
        }

        let known = |k: usize| Known {
            row: rows.start + k,
            digits: &digits[k * own_digits..][..own_digits],
            remainders: &[],
            pairs: &[],
        };
        let passes = || {
            (0..rows.len()).step_by(sums::TOGETHER).map(|k| k..(k + sums::TOGETHER).min(rows.len()))
        };
        for i in (kept..self.primes).rev() {
            for pass in passes() {
                let of: Vec<Known<'_>> = pass.clone().map(known).collect();
                let mut out: Vec<[&mut [u32]; 2]> =
                    top.chunks_exact_mut(2 * n).map(|top| top.split_at_mut(n).into()).collect();
                self.values(i, &of, &mut s.work, &mut out[..of.len()]);
                for (k, out) in pass.zip(out) {
                    let own = &mut remainders[k * own_remainders..][..own_remainders];
                    let (known, own) = own.split_at_mut(2 * (self.primes - 1 - i) * n);
                    for (c, values) in out.into_iter().enumerate() {
                        let (table, own) = (self.basis.table(i), &mut own[c * n..][..n]);
                        if known.is_empty() {
                            table.inverse_centred(self.simd, values, 1, self.added(i), own);
                            continue;
                        }
                        table.inverse_with(self.simd, values);
                        for (k, x) in known.chunks_exact(2 * n).enumerate() {
                            self.divided(i, self.primes - 1 - k, &x[c * n..][..n], values);
                        }
                        centre(self.simd, table.modulus(), self.added(i), values, own);
                    }
                }
            }
        }

        if own_pairs > 0 {
            let pairs = pairs.chunks_exact_mut(own_pairs);
            let all = remainders.chunks_exact(own_remainders).zip(pairs);
            all.for_each(|(remainders, pairs)| self.pair_up(remainders, pairs));
        }
        let known = |k: usize| Known {
            remainders: &remainders[k * own_remainders..][..own_remainders],
            pairs: &pairs[k * own_pairs..][..own_pairs],
            ..known(k)
        };
        let keep = |work: &mut Work, i: usize| {
            for pass in passes() {
                let of: Vec<Known<'_>> = pass.map(known).collect();
                // SAFETY: (prime, row) alone reads and writes its polynomials.
                let part = |row, c| unsafe { self.sum.poly_mut(i, c, row) };
                let mut out: Vec<_> = of.iter().map(|k| [0, 1].map(|c| part(k.row, c))).collect();
                self.values(i, &of, work, &mut out);
            }
        };
        if self.alone {
            let primes = (0..kept).into_par_iter();
            primes.for_each_init(|| self.pool.lend(), |s, i| keep(&mut s.work, i));
        } else {
            (0..kept).rev().for_each(|i| keep(&mut s.work, i));
        }
    }

    /// A row's remainders, two primes together; an odd last one stays as it is.
    fn pair_up(&self, remainders: &[i32], pairs: &mut [u64]) {
        let both = 2 * self.basis.degree();
        let two = remainders.chunks_exact(2 * both).zip(pairs.chunks_exact_mut(both));
        for (k, (two, out)) in two.enumerate() {
            let (q, (x, y)) = (self.basis.modulus(self.primes - 1 - 2 * k), two.split_at(both));
            pair(self.simd, q, x, y, out);
        }
    }

    /// What is added to the remainder of prime `i`: [`RAISED`], if it stays by itself and is transformed next.
    fn added(&self, i: usize) -> u32 {
        let last = i == self.kept && (self.primes - i) % 2 == 1;
        if self.lazy && last { RAISED } else { 0 }
    }

    /// Coefficients modulo prime `i` less the remainder x of prime `k`, divided by that prime.
    fn divided(&self, i: usize, k: usize, x: &[i32], values: &mut [u32]) {
        let (m, inverse) = (self.basis.modulus(i), (&self.ways[i].inverses, k));
        match self.guard == Some(k) {
            // The sum has been divided before c was added.
            true => subtract(self.simd, m, inverse, x, values),
            false => divide(self.simd, m, inverse, x, values),
        }
    }

    /// Both components of at most [`sums::TOGETHER`] rows modulo prime `i`.
    fn values(&self, i: usize, rows: &[Known<'_>], work: &mut Work, out: &mut [[&mut [u32]; 2]]) {
        let (simd, table, way) = (self.simd, self.basis.table(i), &self.ways[i]);
        let key = self.key.map_or(&[][..], |k| k.prime(i));
        let sums = Sums { simd, table, key, key_digits: self.key.map_or(0, Rows::digits), way };
        let own = |row| match i {
            _ if self.guard == Some(i) => Own::Nothing,
            _ if self.sum.is_result(i, 0) => Own::Held,
            _ => Own::Values([0, 1].map(|c| self.poly(i, c, row))),
        };
        let values = rows.iter().map(|known| Values {
            c: own(known.row),
            digits: self.digits(i, known),
            remainders: self.remainders(i, known),
        });
        sums.write(&values.collect::<Vec<_>>(), work, out);
    }

    /// A polynomial of the sum that is no result's.
    fn poly(&self, prime: usize, component: usize, row: usize) -> &[u32] {
        debug_assert!(!self.sum.is_result(prime, component));
        // SAFETY: nobody writes it.
        unsafe { self.sum.poly(prime, component, row) }
    }

    /// Whether digits are pairs.
    fn has_pairs(&self) -> bool {
        self.lazy && self.digits.primes() == 2
    }

    /// A row's digits modulo prime `i`.
    fn digits<'a>(&'a self, i: usize, known: &Known<'a>) -> Vec<Digit<'a>> {
        let (size, n) = (self.digits.primes(), self.basis.degree());
        let all = known.digits.chunks_exact(size * n).enumerate();
        // Modulo the guard a digit that it is a partner of is 0, the last one.
        let all = all.filter(|&(j, _)| self.guard != Some(i) || i / size != j);
        let digit = |(j, digit): (usize, &'a [i32])| match i / size == j {
            // Modulo its own primes the digit is c₂, times the guard.
            true => {
                let factor = self.guard.map(|guard| (&self.ways[i].primes, guard));
                Digit::Values(self.poly(i, 2, known.row), factor)
            }
            false if self.has_pairs() => {
                Digit::Integers(Integers::Pairs(bytemuck::cast_slice(digit)))
            }
            false if self.lazy => Digit::Integers(Integers::Raised(bytemuck::cast_slice(digit))),
            false => {
                let x = digit.chunks_exact(n).collect::<Vec<_>>();
                Digit::Integers(self.integers(i, [j * size, j * size + 1], &x))
            }
        };
        all.map(digit).collect()
    }

    /// A row's remainders, of a prime that goes or of two at a time, for prime `i`.
    fn remainders<'a>(&'a self, i: usize, known: &Known<'a>) -> Vec<[Integers<'a>; 2]> {
        let n = self.basis.degree();
        let pairs = known.remainders.chunks(4 * n).enumerate();
        let both = |(k, x): (usize, &'a [i32])| {
            let last = self.primes - 1 - 2 * k;
            [0, 1].map(|c| {
                if let Some(pairs) = known.pairs.get((2 * k + c) * n..(2 * k + c + 1) * n) {
                    return Integers::Pairs(pairs);
                }
                let x: Vec<&[i32]> = x.chunks_exact(2 * n).map(|x| &x[c * n..][..n]).collect();
                match x[..] {
                    [x] if self.lazy => Integers::Raised(bytemuck::cast_slice(x)),
                    _ => self.integers(i, [last, last.saturating_sub(1)], &x),
                }
            })
        };
        pairs.map(both).collect()
    }

    /// Modulo prime `i`, x₀ or x₀ + pⱼ·x₁, centred modulo primes j and k.
    fn integers<'a>(&'a self, i: usize, [j, k]: [usize; 2], x: &[&'a [i32]]) -> Integers<'a> {
        let bound = |j: usize| self.basis.modulus(j).value() / 2;
        let y = x.get(1).map(|&y| (y, &self.ways[i].primes, j));
        let bound = y.map_or(bound(j), |_| bound(j).max(bound(k)));
        Integers::Sums { of: Summands { x: x[0], y }, bound }
    }

    /// Digit `j` of a row, in memory for three polynomials.
    fn digit(&self, row: usize, j: usize, work: &mut [u32], out: &mut [i32]) {
        let (work, both) = work.split_at_mut(self.basis.degree());
        if !self.has_pairs() {
            return self.coefficients(row, j, work, out);
        }
        let both = bytemuck::cast_slice_mut(&mut both[..2 * work.len()]);
        self.coefficients(row, j, work, both);
        let (q, (x, y)) = (self.basis.modulus(j * 2), both.split_at(work.len()));
        pair(self.simd, q, x, y, bytemuck::cast_slice_mut(out));
    }

    /// Digit `j` of a row modulo each of its primes, coefficient by coefficient.
    fn coefficients(&self, row: usize, j: usize, work: &mut [u32], out: &mut [i32]) {
        let n = self.basis.degree();
        let first = j * self.digits.primes();
        let added = if self.lazy && !self.has_pairs() { RAISED } else { 0 };
        for (k, i) in (first..first + self.digits.primes()).enumerate() {
            let (m, table) = (self.basis.modulus(i), self.basis.table(i));
            let by = self.guard.map_or(1, |guard| self.ways[i].primes.values()[guard]);
            let (known, own) = out.split_at_mut(k * n);
            if k == 0 {
                let values = self.poly(i, 2, row);
                table.inverse_centred(self.simd, values, by, added, &mut own[..n]);
                continue;
            }
            match self.guard == Some(i) {
                // p·c₂ is 0 modulo p.
                true => work.fill(0),
                false => table.inverse_times(self.simd, self.poly(i, 2, row), by, work),
            }
            divide(self.simd, m, (&self.ways[i].inverses, first), known, work);
            centre(self.simd, m, added, work, &mut own[..n]);
        }
    }
}
