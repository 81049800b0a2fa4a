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

use super::coefficients::{centre, divide, multiply, subtract};
use super::key::{CpuKey, Rows};
use super::pool::Pool;
use super::scatter::Scatter;
use super::sums::{Step, Values, write};
use super::way::Way;
use crate::math::{Lines, simd::Simd};
use crate::ring::{Basis, Shape, Summands, Tile};
use crate::scheme::Digits;
use rayon::prelude::*;
use std::ops::Range;

/// Ciphertexts that go together at most, so that the key, which is larger than the cache next to a
/// core, is read once for all of them, prime by prime.
const TOGETHER: usize = 8;

/// Ciphertexts for which a part of the key is read at a time.
const PASS: usize = 2;

/// Two components at `out`'s level from two or three at the level of `tile`, into the rows of `out`
/// from one on; relinearised by such digits.
pub fn switch(
    simd: Simd,
    basis: &Basis,
    key: Option<&CpuKey>,
    tile: &Tile,
    digits: Digits,
    (out, first): (&mut Tile, usize),
    pool: &Pool<Scratch>,
) {
    let (from, to) = (tile.shape(), out.shape());
    let key = key.filter(|_| from.components == 3).map(|key| key.of(basis, digits));
    let guard = (digits.behind() > 0 && key.is_some()).then_some(from.primes);
    let primes = from.primes + usize::from(guard.is_some());
    let ways = (0..primes).map(|i| Way::new(basis, i, to.primes..primes, guard)).collect();
    let threads = rayon::current_num_threads();
    let together = from.rows.div_ceil(threads).clamp(1, TOGETHER);
    let alone = from.rows < threads;
    let job = Job { simd, basis, key, tile, digits, guard, primes, alone, to, first, ways, pool };
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

/// What is to be done.
struct Job<'a> {
    simd: Simd,
    basis: &'a Basis,
    key: Option<&'a Rows>,
    tile: &'a Tile,
    digits: Digits,
    /// The prime that guards, and how many primes there are with it.
    guard: Option<usize>,
    primes: usize,
    /// Whether there are fewer rows than threads, and a row's primes go side by side.
    alone: bool,
    /// The shape of the result, and its row that row 0 becomes.
    to: Shape,
    first: usize,
    /// For each prime.
    ways: Vec<Way>,
    pool: &'a Pool<Scratch>,
}

/// What is known of a row.
#[derive(Clone, Copy)]
struct Known<'a> {
    row: usize,
    /// As of [`Scratch::digits`].
    digits: &'a [i32],
    /// As of [`Scratch::remainders`]; none before all are known.
    remainders: &'a [i32],
}

/// What one thread works in.
#[derive(Debug, Default)]
pub struct Scratch {
    /// `[row][digit][prime of the digit][N]`: the digits of c₂, centred coefficients x of which
    /// x₀ + p₀·x₁ is the digit.
    digits: Lines<i32>,
    /// `[row][prime that goes, the last first][component][N]`: remainders, centred coefficients.
    remainders: Lines<i32>,
    /// `[row of a pass]` of `[digit][N]` modulo one prime, then `[two primes that go][component][N]`.
    values: Lines<u32>,
    /// `[row of a pass][component][N]` modulo a prime that goes, or coefficients.
    top: Lines<u32>,
}

impl Job<'_> {
    /// Switches some rows.
    fn run(&self, rows: Range<usize>, s: &mut Scratch, target: &Scatter<'_>) {
        let (n, kept) = (self.basis.degree(), self.to.primes);
        let gone = self.primes - kept;
        let count = self.key.map_or(0, |_| self.digits.count(self.tile.shape().primes));
        // What there is for each row.
        let (own_digits, own_remainders) = (count * self.digits.primes() * n, 2 * gone * n);
        let digits = s.digits.at_least(rows.len() * own_digits);
        let remainders = s.remainders.at_least(rows.len() * own_remainders);
        let own_values = (count + 2 * gone.div_ceil(2)) * n;
        let values = s.values.at_least(PASS * own_values);
        let top = s.top.at_least(PASS * 2 * n);

        let one = self.digits.primes() * n;
        let digit = |work: &mut [u32], (at, out): (usize, &mut [i32])| {
            self.digit(rows.start + at / count, at % count, &mut work[..n], out);
        };
        if self.alone {
            let digits = digits.par_chunks_exact_mut(one).enumerate();
            digits.for_each_init(|| self.pool.lend(), |s, at| digit(s.top.at_least(n), at));
        } else {
            digits.chunks_exact_mut(one).enumerate().for_each(|out| digit(top, out));
        }

        let known = |k: usize| Known {
            row: rows.start + k,
            digits: &digits[k * own_digits..][..own_digits],
            remainders: &[],
        };
        let passes = || (0..rows.len()).step_by(PASS).map(|k| k..(k + PASS).min(rows.len()));
        for i in (kept..self.primes).rev() {
            for pass in passes() {
                let of: Vec<Known<'_>> = pass.clone().map(known).collect();
                let mut out: Vec<[&mut [u32]; 2]> =
                    top.chunks_exact_mut(2 * n).map(|top| top.split_at_mut(n).into()).collect();
                self.values(i, &of, values, &mut out[..of.len()]);
                for (k, out) in pass.zip(out) {
                    let own = &mut remainders[k * own_remainders..][..own_remainders];
                    let (known, own) = own.split_at_mut(2 * (self.primes - 1 - i) * n);
                    for (c, values) in out.into_iter().enumerate() {
                        self.basis.table(i).inverse_with(self.simd, values);
                        for (k, x) in known.chunks_exact(2 * n).enumerate() {
                            self.divided(i, self.primes - 1 - k, &x[c * n..][..n], values);
                        }
                        centre(self.simd, self.basis.modulus(i), values, &mut own[c * n..][..n]);
                    }
                }
            }
        }

        let known = |k: usize| Known {
            remainders: &remainders[k * own_remainders..][..own_remainders],
            ..known(k)
        };
        let keep = |values: &mut [u32], i: usize| {
            for pass in passes() {
                let of: Vec<Known<'_>> = pass.map(known).collect();
                let place = |c: usize, row: usize| self.to.at(i, c, self.first + row).start;
                // SAFETY: (prime, row) alone writes its polynomials.
                let part = |row, c| unsafe { target.part(place(c, row), n) };
                let mut out: Vec<_> = of.iter().map(|k| [0, 1].map(|c| part(k.row, c))).collect();
                self.values(i, &of, values, &mut out);
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

    /// Coefficients modulo prime `i` less the remainder x of prime `k`, divided by that prime.
    fn divided(&self, i: usize, k: usize, x: &[i32], values: &mut [u32]) {
        let (m, inverse) = (self.basis.modulus(i), (&self.ways[i].inverses, k));
        match self.guard == Some(k) {
            // The sum has been divided before c was added.
            true => subtract(self.simd, m, inverse, x, values),
            false => divide(self.simd, m, inverse, x, values),
        }
    }

    /// Both components of at most [`PASS`] rows modulo prime `i`.
    fn values(&self, i: usize, rows: &[Known<'_>], work: &mut [u32], out: &mut [[&mut [u32]; 2]]) {
        let n = self.basis.degree();
        let chunk = work.len() / PASS;
        for (known, work) in rows.iter().zip(work.chunks_exact_mut(chunk.max(1))) {
            self.lift_all(i, known, work);
        }
        let way = &self.ways[i];
        let mut digits = Vec::with_capacity(rows.len());
        let mut steps = Vec::with_capacity(rows.len());
        for (k, known) in rows.iter().enumerate() {
            let values = &work[k * chunk..][..chunk];
            let (lifted, remainders) = values.split_at(known.digits.len() / self.digits.primes());
            let lifted = lifted.chunks_exact(n).enumerate();
            // Modulo the guard a digit that it is a partner of is 0, the last one.
            let lifted =
                lifted.filter(|&(j, _)| self.guard != Some(i) || i / self.digits.primes() != j);
            let own = lifted.map(|(j, d)| match self.guard {
                None if i == j => self.tile.poly(i, 2, known.row),
                _ => d,
            });
            digits.push(own.collect::<Vec<&[u32]>>());
            let remainder = |k: usize| [0, 1].map(|c| &remainders[(2 * k + c) * n..][..n]);
            let step = |&(k, plus_c): &(Option<usize>, bool)| Step {
                remainders: k.map(remainder),
                plus_c,
            };
            steps.push(way.steps.iter().map(step).collect::<Vec<_>>());
        }
        let values = |(k, known): (usize, &Known<'_>)| Values {
            c: (self.guard != Some(i)).then(|| [0, 1].map(|c| self.tile.poly(i, c, known.row))),
            digits: &digits[k],
            key: self.key.map_or(&[], |k| k.prime(i)),
            key_digits: self.key.map_or(0, Rows::digits),
            steps: &steps[k],
            factors: &way.factors,
        };
        let values: Vec<Values<'_>> = rows.iter().enumerate().map(values).collect();
        write(self.simd, self.basis.modulus(i), &values, out);
    }

    /// The values modulo prime `i` of a row's digits, and of the remainders that are known: `[digit][N]`, then
    /// `[two primes that go][component][N]`.
    fn lift_all(&self, i: usize, known: &Known<'_>, work: &mut [u32]) {
        let n = self.basis.degree();
        let size = self.digits.primes();
        let (lifted, rest) = work.split_at_mut(known.digits.len() / size);
        let chunks = known.digits.chunks_exact(size * n).zip(lifted.chunks_exact_mut(n));
        for (j, (digit, lifted)) in chunks.enumerate() {
            // Modulo its own primes the digit is c₂, whose values are there already.
            if i / size != j {
                self.lift(i, j * size, digit, lifted);
            } else if self.guard.is_some_and(|guard| guard != i) {
                self.raised(i, known.row, lifted);
            }
        }
        // Two primes that go are two of both components.
        let pairs = known.remainders.chunks(4 * n).zip(rest.chunks_mut(2 * n));
        for (k, (x, lifted)) in pairs.enumerate() {
            let last = self.primes - 1 - 2 * k;
            for (c, lifted) in lifted.chunks_exact_mut(n).enumerate() {
                let x: Vec<&[i32]> = x.chunks_exact(2 * n).map(|x| &x[c * n..][..n]).collect();
                self.lift_one_or_two(i, [last, last.saturating_sub(1)], &x, lifted);
            }
        }
    }

    /// Digit `j` of a row, coefficient by coefficient.
    fn digit(&self, row: usize, j: usize, work: &mut [u32], out: &mut [i32]) {
        let n = self.basis.degree();
        let first = j * self.digits.primes();
        for (k, i) in (first..first + self.digits.primes()).enumerate() {
            let m = self.basis.modulus(i);
            if self.guard == Some(i) {
                work.fill(0);
            } else {
                self.basis.table(i).inverse_of(self.simd, self.tile.poly(i, 2, row), work);
                if let Some(guard) = self.guard {
                    multiply(self.simd, m, (&self.ways[i].primes, guard), None, work);
                }
            }
            let (known, own) = out.split_at_mut(k * n);
            if k > 0 {
                divide(self.simd, m, (&self.ways[i].inverses, first), known, work);
            }
            centre(self.simd, m, work, &mut own[..n]);
        }
    }

    /// The values of c₂ modulo prime `i`, times the prime that guards.
    fn raised(&self, i: usize, row: usize, values: &mut [u32]) {
        let from = self.tile.poly(i, 2, row);
        match self.guard {
            None => values.copy_from_slice(from),
            Some(guard) => {
                let factor = (&self.ways[i].primes, guard);
                multiply(self.simd, self.basis.modulus(i), factor, Some(from), values);
            }
        }
    }

    /// The values modulo prime `i` of a digit that is a residue modulo prime `j`, or that and the next.
    fn lift(&self, i: usize, j: usize, digit: &[i32], values: &mut [u32]) {
        let x: Vec<&[i32]> = digit.chunks_exact(self.basis.degree()).collect();
        self.lift_one_or_two(i, [j, j + 1], &x, values);
    }

    /// The values modulo prime `i` of x₀, or of x₀ + pⱼ·x₁, centred modulo primes j and k.
    fn lift_one_or_two(&self, i: usize, [j, k]: [usize; 2], x: &[&[i32]], values: &mut [u32]) {
        let bound = |j: usize| self.basis.modulus(j).value() / 2;
        let table = self.basis.table(i);
        let y = x.get(1).map(|&y| (y, &self.ways[i].primes, j));
        let bound = y.map_or(bound(j), |_| bound(j).max(bound(k)));
        table.forward_sums(self.simd, Summands { x: x[0], y }, bound, values);
    }
}
