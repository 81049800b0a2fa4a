//! Transforms, sums and steps together, with lanes that nothing reduces.
//!
//! All digits and remainders are transformed as far as blocks of 64 values. Then two blocks at a time are
//! finished, for all of them, multiplied and brought together, in the first cache. Sums of products are
//! kept in two halves: a product is below 2⁵²·2³¹, so of up to 2¹² digits neither half overflows a lane.

use super::super::way::Way;
use super::{Digit, Integers, Sums, Values};
use crate::math::{
    Lines, Modulus,
    ahead::ask,
    lazy::{Factor, Lazy, Prime},
};
use crate::ring::Summands;
use crate::ring::lazy::{Coefficients, Lanes, LazyTable, PAIR, Packed};

/// Sixteen values: those at even places, and those at odd ones.
type Sixteen = [Lazy; 2];

/// How many.
const SIXTEEN: usize = 2 * Lazy::N;

/// Memory of one thread.
#[derive(Debug, Default)]
pub struct Work {
    /// `[row][transform][N]`, as far as blocks.
    begun: Lines<u32>,
    /// A transform at work, then `[row][transform][PAIR]`: the values of two blocks.
    lanes: Lines<u64>,
}

/// What [`Sums::write`] says.
pub fn write(
    sums: &Sums<'_>,
    table: &LazyTable,
    rows: &[Values<'_>],
    work: &mut Work,
    out: &mut [[&mut [u32]; 2]],
) {
    // SAFETY: a table is only where IFMA is, and lengths have been checked by the caller.
    unsafe {
        match (rows, out) {
            ([x, y], [u, v]) => run(sums, table, [x, y], [pointers(u), pointers(v)], work),
            ([x], [u]) => run(sums, table, [x], [pointers(u)], work),
            _ => {}
        }
    }
}

fn pointers([x, y]: &mut [&mut [u32]; 2]) -> [*mut u32; 2] {
    [x.as_mut_ptr(), y.as_mut_ptr()]
}

/// # Safety
/// The processor has IFMA; all polynomials are as long as the table's.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512ifma,avx2,fma")]
unsafe fn run<const ROWS: usize>(
    sums: &Sums<'_>,
    table: &LazyTable,
    rows: [&Values<'_>; ROWS],
    out: [[*mut u32; 2]; ROWS],
    work: &mut Work,
) {
    let (n, m) = (sums.table.degree(), sums.table.modulus());
    let (p, start) = (Prime::new(m), Lazy::splat(table.start()));
    let packed = |words| Packed { words, start };
    let job = Job::new(sums, table, rows);
    let count = job.transforms.len();
    let begun = work.begun.at_least(count * n);
    let (whole, finished) = work.lanes.at_least(n + count * PAIR).split_at_mut(n);
    // SAFETY: the caller's promise, and as much memory as is used.
    unsafe {
        for (t, (x, to)) in job.transforms.iter().zip(begun.chunks_exact_mut(n)).enumerate() {
            let next = job.transforms.get(t + 1);
            table.begin_integers(&p, *x, next, whole.as_mut_ptr(), packed(to.as_mut_ptr()));
        }
        for at in (0..n).step_by(PAIR) {
            for t in 0..count {
                job.ask_for_key(at + PAIR, t);
                let from = begun.as_mut_ptr().add(t * n + at);
                (PAIR..2 * PAIR).step_by(SIXTEEN).for_each(|k| ask(from.wrapping_add(k)));
                let to = Lanes(finished.as_mut_ptr().add(t * PAIR));
                table.finish(&p, at, packed(from), to);
            }
            for place in (0..PAIR).step_by(SIXTEEN) {
                job.bring(&p, at + place, finished.as_ptr().add(place), out);
            }
        }
    }
}

/// What is to be done.
struct Job<'a, const ROWS: usize> {
    /// The key, and words of it for sixteen values.
    key: &'a [u32],
    key_step: usize,
    c: [Option<[&'a [u32]; 2]>; ROWS],
    /// Row by row: digits, then the remainders of both components.
    transforms: Vec<Coefficients<'a>>,
    /// The places among all digits of those that are transformed.
    places: Vec<usize>,
    ready: Vec<Ready<'a, ROWS>>,
    steps: Vec<Step>,
    /// Whether c is added by a step, and not to the sums.
    late: bool,
    /// A multiple of p larger than what transforms leave.
    multiple: Lazy,
}

/// A digit that is there: its place among all, and what it is multiplied by.
struct Ready<'a, const ROWS: usize> {
    place: usize,
    values: [&'a [u32]; ROWS],
    factor: Option<Factor>,
}

struct Step {
    factor: Factor,
    /// 2⁵² times as much.
    high: Factor,
    /// Where the remainder of the first component is among the transforms of a row.
    remainder: Option<usize>,
    plus_c: bool,
}

impl<'a, const ROWS: usize> Job<'a, ROWS> {
    #[inline(always)]
    fn new(sums: &Sums<'a>, table: &LazyTable, rows: [&Values<'a>; ROWS]) -> Self {
        let m = sums.table.modulus();
        let mut job = Self {
            key: sums.key,
            key_step: 2 * SIXTEEN * sums.key_digits,
            c: [None; ROWS],
            transforms: Vec::new(),
            places: Vec::new(),
            ready: Vec::new(),
            steps: Vec::new(),
            late: sums.way.steps.iter().any(|s| s.plus_c),
            multiple: Lazy::splat(4 * table.start()),
        };
        for (j, digit) in rows[0].digits.iter().enumerate() {
            match *digit {
                Digit::Integers(_) => job.places.push(j),
                Digit::Values(x, factor) => {
                    let factor = factor.map(|(w, k)| Factor::splat(m, w.values()[k]));
                    job.ready.push(Ready { place: j, values: [x; ROWS], factor });
                }
            }
        }
        for (k, row) in rows.into_iter().enumerate() {
            job.c[k] = row.c;
            let digits = job.places.iter().filter_map(|&j| row.digits[j].integers());
            let all = digits.chain(row.remainders.iter().flatten().copied());
            job.transforms.extend(all.map(coefficients));
            for ready in &mut job.ready {
                if let Digit::Values(x, _) = row.digits[ready.place] {
                    ready.values[k] = x;
                }
            }
        }
        job.steps = steps(sums.way, m, job.places.len());
        job
    }
}

fn coefficients(integers: Integers<'_>) -> Coefficients<'_> {
    match integers {
        Integers::Sums { of: Summands { x, y: None }, .. } => Coefficients::Integers(x),
        Integers::Sums { .. } => unreachable!("integers of two primes are pairs"),
        Integers::Pairs(x) => Coefficients::Pairs(x),
    }
}

/// The steps of a way, at least one, where remainders come after so many digits.
#[inline(always)]
fn steps(way: &Way, m: &Modulus, digits: usize) -> Vec<Step> {
    let high = m.pow(2, 52);
    let step = |w: u32, remainder: Option<usize>, plus_c| Step {
        factor: Factor::splat(m, w),
        high: Factor::splat(m, m.mul(w, high)),
        remainder: remainder.map(|k| digits + 2 * k),
        plus_c,
    };
    if way.steps.is_empty() {
        return vec![step(1, None, false)];
    }
    let all = way.steps.iter().zip(way.factors.values());
    all.map(|(s, &w)| step(w, s.remainder, s.plus_c)).collect()
}

/// Both components of sixteen values for each row.
type Sums16<const ROWS: usize> = [[Sixteen; 2]; ROWS];

impl<const ROWS: usize> Job<'_, ROWS> {
    /// Asks for the part `t` of the key's words for [`PAIR`] values from `at` on, of as many parts as there are
    /// transforms: while these are finished, it comes.
    #[inline(always)]
    fn ask_for_key(&self, at: usize, t: usize) {
        let lines = PAIR / SIXTEEN * self.key_step / SIXTEEN;
        let each = lines.div_ceil(self.transforms.len().max(1));
        let from = self.key.as_ptr().wrapping_add(at / SIXTEEN * self.key_step);
        for line in t * each..(t + 1) * each {
            ask(from.wrapping_add(line * SIXTEEN));
        }
    }

    /// Sixteen values of both components of each row, from `at` on; what transforms have for them begins at
    /// `finished`, [`PAIR`] lanes from one to the next.
    ///
    /// # Safety
    /// As for [`run`].
    #[inline(always)]
    unsafe fn bring(&self, p: &Prime, at: usize, finished: *const u64, out: [[*mut u32; 2]; ROWS]) {
        let zero = Lazy::splat(0);
        let each = self.transforms.len() / ROWS * PAIR;
        // SAFETY: the caller's promise.
        unsafe {
            let mut c = [[[zero; 2]; 2]; ROWS];
            for (c, from) in c.iter_mut().zip(self.c) {
                for (c, from) in c.iter_mut().zip(from.into_iter().flatten()) {
                    *c = Lazy::even_odd(from.as_ptr().add(at));
                }
            }
            let start = if self.late { [[[zero; 2]; 2]; ROWS] } else { c };
            let (low, high) = self.sums(p, at, finished, start);
            for row in 0..ROWS {
                for component in 0..2 {
                    let mut values = [zero; 2];
                    for h in 0..2 {
                        let sums = [low[row][component][h], high[row][component][h]];
                        let rest = finished.add(row * each + component * PAIR + h * Lazy::N);
                        values[h] = self.stepped(p, sums, rest, c[row][component][h]);
                    }
                    let to = out[row][component].add(at);
                    Lazy::store_residues(values[0], values[1], p, to);
                }
            }
        }
    }

    /// `start` + Σⱼ dⱼ·keyⱼ in two halves.
    ///
    /// # Safety
    /// As for [`Job::bring`].
    #[inline(always)]
    unsafe fn sums(
        &self,
        p: &Prime,
        at: usize,
        finished: *const u64,
        start: Sums16<ROWS>,
    ) -> (Sums16<ROWS>, Sums16<ROWS>) {
        let zero = Lazy::splat(0);
        let (mut low, mut high) = (start, [[[zero; 2]; 2]; ROWS]);
        let each = self.transforms.len() / ROWS * PAIR;
        // SAFETY: the caller's promise.
        unsafe {
            let key = self.key.as_ptr().wrapping_add(at / SIXTEEN * self.key_step);
            for (t, &j) in self.places.iter().enumerate() {
                let mut digits = [[zero; 2]; ROWS];
                for (row, digit) in digits.iter_mut().enumerate() {
                    let from = finished.add(row * each + t * PAIR);
                    *digit = [Lazy::load(from), Lazy::load(from.add(Lazy::N))];
                }
                multiply(digits, key.add(j * 2 * SIXTEEN), &mut low, &mut high);
            }
            for Ready { place, values, factor } in &self.ready {
                let mut digits = [[zero; 2]; ROWS];
                for (digit, values) in digits.iter_mut().zip(values) {
                    *digit = Lazy::even_odd(values.as_ptr().add(at));
                    if let Some(factor) = *factor {
                        for x in digit {
                            *x = zero.add_product(*x, factor, p);
                        }
                    }
                }
                multiply(digits, key.add(place * 2 * SIXTEEN), &mut low, &mut high);
            }
        }
        (low, high)
    }

    /// Eight sums after all steps.
    ///
    /// # Safety
    /// As for [`Job::bring`].
    #[inline(always)]
    unsafe fn stepped(
        &self,
        p: &Prime,
        [low, high]: [Lazy; 2],
        finished: *const u64,
        c: Lazy,
    ) -> Lazy {
        let zero = Lazy::splat(0);
        let mut value = zero;
        for (k, step) in self.steps.iter().enumerate() {
            let mut rest = zero;
            if let Some(remainder) = step.remainder {
                // SAFETY: the caller's promise.
                rest = self.multiple.sub(unsafe { Lazy::load(finished.add(remainder * PAIR)) });
            }
            value = if k == 0 {
                let high = high.add(low.above());
                let products = [(low, step.factor), (high, step.high), (rest, step.factor)];
                zero.add_products(products, p)
            } else {
                zero.add_product(value.add(rest), step.factor, p)
            };
            if step.plus_c {
                value = value.add(c);
            }
        }
        value
    }
}

/// Adds what the digits are times their key, of which there are sixteen words for each component.
///
/// # Safety
/// There are such words, and the processor has IFMA.
#[inline(always)]
unsafe fn multiply<const ROWS: usize>(
    digits: [Sixteen; ROWS],
    key: *const u32,
    low: &mut Sums16<ROWS>,
    high: &mut Sums16<ROWS>,
) {
    for component in 0..2 {
        // SAFETY: the caller's promise.
        let key = unsafe { Lazy::even_odd(key.add(component * SIXTEEN)) };
        for row in 0..ROWS {
            for h in 0..2 {
                let sums = [low[row][component][h], high[row][component][h]];
                [low[row][component][h], high[row][component][h]] =
                    Lazy::add_wide(sums, digits[row][h], key[h]);
            }
        }
    }
}
