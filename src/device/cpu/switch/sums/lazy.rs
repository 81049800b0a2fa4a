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
    lazy::{Factor, Lazy, Prime, Products},
};
use crate::ring::lazy::{Coefficients, Lanes, LazyTable, PAIR, Packed};

/// Values of a vector for those at even places and one for those at odd ones.
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
    let job = Job::new(sums, rows, out);
    let begun = work.begun.at_least(job.transforms.len() * n);
    let (whole, finished) = work.lanes.at_least(n + ROWS * job.places * PAIR).split_at_mut(n);
    let bring = job.way.bring();
    // SAFETY: the caller's promise, and as much memory as is used.
    unsafe {
        for (t, ((x, _), to)) in job.transforms.iter().zip(begun.chunks_exact_mut(n)).enumerate() {
            let next = job.transforms.get(t + 1).map(|(x, _)| x);
            table.begin_integers(&p, *x, next, whole.as_mut_ptr(), packed(to.as_mut_ptr()));
        }
        for at in (0..n).step_by(PAIR) {
            for (t, &(_, place)) in job.transforms.iter().enumerate() {
                job.ask_for_key(at + PAIR, t);
                let from = begun.as_mut_ptr().add(t * n + at);
                (PAIR..2 * PAIR).step_by(SIXTEEN).for_each(|k| ask(from.wrapping_add(k)));
                table.finish(&p, at, packed(from), Lanes(finished.as_mut_ptr().add(place * PAIR)));
            }
            for ready in &job.ready {
                ready.take(&p, at, finished.as_mut_ptr().add(ready.place * PAIR));
            }
            bring(&job, &p, at, finished.as_ptr(), out);
        }
    }
}

/// What is to be done.
struct Job<'a, const ROWS: usize> {
    /// The key, and words of it for sixteen values.
    key: &'a [u32],
    key_step: usize,
    /// Where c₀ and c₁ stand, where there is something.
    c: [Option<[*const u32; 2]>; ROWS],
    /// Digits, of which the first ones of the key are for.
    digits: usize,
    /// What has a place in each row: digits, then the remainders of both components.
    places: usize,
    /// What is transformed, and its place in the first row, or as many on as rows before have.
    transforms: Vec<(Coefficients<'a>, usize)>,
    ready: Vec<Ready<'a>>,
    way: Combination,
}

/// A digit that is there, its place, and what it is multiplied by.
struct Ready<'a> {
    values: &'a [u32],
    place: usize,
    factor: Option<Factor>,
}

impl Ready<'_> {
    /// The [`PAIR`] values from `at` on, as [`LazyTable::finish`] leaves them.
    ///
    /// # Safety
    /// There are as many, and room for them; the processor has IFMA.
    #[inline(always)]
    unsafe fn take(&self, p: &Prime, at: usize, to: *mut u64) {
        for place in (0..PAIR).step_by(SIXTEEN) {
            // SAFETY: the caller's promise.
            unsafe {
                let mut lanes = Lazy::even_odd(self.values.as_ptr().add(at + place));
                if let Some(factor) = self.factor {
                    for x in &mut lanes {
                        *x = Lazy::splat(0).add_product(*x, factor, p);
                    }
                }
                lanes[0].store(to.add(place));
                lanes[1].store(to.add(place + Lazy::N));
            }
        }
    }
}

/// All steps of a way as one: a·Σ + b·c − Σₖ eₖ·xₖ, for the remainders xₖ.
struct Combination {
    /// a, and 2⁵² times as much.
    sum: [Factor; 2],
    /// b, unless it is a: then c is in the sum from the start.
    c: Option<Factor>,
    /// −eₖ, and where the remainder of the first component is among the transforms of a row.
    remainders: Vec<(Factor, usize)>,
}

impl Combination {
    /// Where remainders come after so many digits.
    fn new(way: &Way, m: &Modulus, digits: usize) -> Self {
        let (mut factor, mut c, mut remainders) = (1, None, vec![]);
        for (step, &w) in way.steps.iter().zip(way.factors.values()).rev() {
            if step.plus_c {
                c = Some(Factor::splat(m, factor));
            }
            factor = m.mul(factor, w);
            let remainder = |k| (Factor::splat(m, m.neg(factor)), digits + 2 * k);
            remainders.extend(step.remainder.map(remainder));
        }
        let high = m.mul(factor, m.pow(2, 52));
        Self { sum: [factor, high].map(|w| Factor::splat(m, w)), c, remainders }
    }

    /// The kernel for it.
    fn bring<const ROWS: usize>(&self) -> Bring<ROWS> {
        match (self.c.is_some(), self.remainders.len()) {
            (false, 0) => bring::<ROWS, false, 0>,
            (false, 1) => bring::<ROWS, false, 1>,
            (false, _) => bring::<ROWS, false, MANY>,
            (true, 0) => bring::<ROWS, true, 0>,
            (true, 1) => bring::<ROWS, true, 1>,
            (true, _) => bring::<ROWS, true, MANY>,
        }
    }

    /// Eight values of it, from the two halves of a sum. `LATE` says that c has a factor of its own, and `REST`
    /// how many remainders there are.
    ///
    /// # Safety
    /// The processor has IFMA, and from `rest` on there are lanes for every remainder.
    #[inline(always)]
    unsafe fn of<const LATE: bool, const REST: usize>(
        &self,
        p: &Prime,
        [low, high]: [Lazy; 2],
        rest: *const u64,
        c: Lazy,
    ) -> Lazy {
        let [first, second] = self.sum;
        let mut all = Products::from(Lazy::splat(0)).plus(low, first);
        all = all.plus(high.add(low.above()), second);
        let remainders = if REST == MANY { &self.remainders } else { &self.remainders[..REST] };
        for &(factor, place) in remainders {
            // SAFETY: the caller's promise.
            all = all.plus(unsafe { Lazy::load(rest.add(place * PAIR)) }, factor);
        }
        if let (true, Some(factor)) = (LATE, self.c) {
            all = all.plus(c, factor);
        }
        all.reduced(p)
    }
}

/// As many remainders as there are.
const MANY: usize = usize::MAX;

type Bring<const ROWS: usize> =
    unsafe fn(&Job<'_, ROWS>, &Prime, usize, *const u64, [[*mut u32; 2]; ROWS]);

impl<'a, const ROWS: usize> Job<'a, ROWS> {
    #[inline(always)]
    fn new(sums: &Sums<'a>, rows: [&Values<'a>; ROWS], out: [[*mut u32; 2]; ROWS]) -> Self {
        let m = sums.table.modulus();
        let (digits, remainders) = (rows[0].digits.len(), rows[0].remainders.len());
        let places = digits + 2 * remainders;
        let (mut transforms, mut ready) = (vec![], vec![]);
        for (k, row) in rows.into_iter().enumerate() {
            let mut place = k * places..;
            for (&digit, place) in row.digits.iter().zip(&mut place) {
                match digit {
                    Digit::Integers(x) => transforms.push((coefficients(x), place)),
                    Digit::Values(values, factor) => {
                        let factor = factor.map(|(w, k)| Factor::splat(m, w.values()[k]));
                        ready.push(Ready { values, place, factor });
                    }
                }
            }
            let remainders = row.remainders.iter().flatten().map(|&x| coefficients(x));
            transforms.extend(remainders.zip(k * places + digits..));
        }
        Self {
            key: sums.key,
            key_step: 2 * SIXTEEN * sums.key_digits,
            c: std::array::from_fn(|k| Sums::pointers(rows[k].c, out[k])),
            digits,
            places,
            transforms,
            ready,
            way: Combination::new(sums.way, m, digits),
        }
    }
}

fn coefficients(integers: Integers<'_>) -> Coefficients<'_> {
    match integers {
        Integers::Sums { .. } => unreachable!("for transforms with other lanes"),
        Integers::Raised(x) => Coefficients::Raised(x),
        Integers::Pairs(x) => Coefficients::Pairs(x),
    }
}

impl<const ROWS: usize> Job<'_, ROWS> {
    /// Asks for the part `t` of the key's words for [`PAIR`] values from `at` on, of as many parts as there are
    /// transforms: while these are finished, it comes.
    #[inline(always)]
    fn ask_for_key(&self, at: usize, t: usize) {
        let lines = PAIR / SIXTEEN * self.key_step / SIXTEEN;
        let each = lines.div_ceil(self.transforms.len());
        let from = self.key.as_ptr().wrapping_add(at / SIXTEEN * self.key_step);
        for line in t * each..(t + 1) * each {
            ask(from.wrapping_add(line * SIXTEEN));
        }
    }

    /// Sixteen values of one component of all rows, from `at` on; what there is for them begins at `finished`,
    /// [`PAIR`] lanes from one place to the next.
    ///
    /// # Safety
    /// As for [`bring`].
    #[inline(always)]
    unsafe fn sixteen<const LATE: bool, const REST: usize>(
        &self,
        p: &Prime,
        component: usize,
        at: usize,
        finished: *const u64,
        out: [*mut u32; ROWS],
    ) {
        let zero = Lazy::splat(0);
        let (mut c, mut high) = ([[zero; 2]; ROWS], [[zero; 2]; ROWS]);
        let row_of =
            |row: usize, place: usize| finished.wrapping_add((row * self.places + place) * PAIR);
        // SAFETY: the caller's promise.
        unsafe {
            for (c, from) in c.iter_mut().zip(self.c) {
                if let Some(from) = from {
                    *c = Lazy::even_odd(from[component].add(at));
                }
            }
            let mut low = if LATE { [[zero; 2]; ROWS] } else { c };
            let key =
                self.key.as_ptr().wrapping_add(at / SIXTEEN * self.key_step + component * SIXTEEN);
            for j in 0..self.digits {
                let key = Lazy::even_odd(key.add(j * 2 * SIXTEEN));
                for row in 0..ROWS {
                    for h in 0..2 {
                        let digit = Lazy::load(row_of(row, j).add(h * Lazy::N));
                        [low[row][h], high[row][h]] =
                            Lazy::add_wide([low[row][h], high[row][h]], digit, key[h]);
                    }
                }
            }
            for row in 0..ROWS {
                let rest = row_of(row, component);
                let even =
                    self.way.of::<LATE, REST>(p, [low[row][0], high[row][0]], rest, c[row][0]);
                let rest = rest.add(Lazy::N);
                let odd =
                    self.way.of::<LATE, REST>(p, [low[row][1], high[row][1]], rest, c[row][1]);
                Lazy::store_residues(even, odd, p, out[row].add(at));
            }
        }
    }
}

/// [`PAIR`] values of both components of all rows, from `at` on, of what stands at `finished`. A function by itself:
/// within [`run`] the compiler keeps sums in memory.
///
/// # Safety
/// As for [`run`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512ifma,avx2,fma")]
#[inline(never)]
unsafe fn bring<const ROWS: usize, const LATE: bool, const REST: usize>(
    job: &Job<'_, ROWS>,
    p: &Prime,
    at: usize,
    finished: *const u64,
    out: [[*mut u32; 2]; ROWS],
) {
    for place in (0..PAIR).step_by(SIXTEEN) {
        for component in 0..2 {
            let (from, out) = (finished.wrapping_add(place), out.map(|out| out[component]));
            // SAFETY: the caller's promise.
            unsafe { job.sixteen::<LATE, REST>(p, component, at + place, from, out) };
        }
    }
}
