//! The two kernels, once for every instruction set.

use super::avx2::Avx2;
use super::avx512::Vnni;
use super::vector::{Residues, Vector};
use super::{Halves, ROWS, Segment, size};
use crate::device::cpu::product::partial::{PASS, Partial, finish, order_streams};
use crate::device::cpu::product::{Loaded, Rows, Slice};
use crate::math::{
    Modulus,
    ahead::ask,
    simd::{Level, Simd},
};

/// Rows of inputs lie pages apart, where no processor looks ahead by itself: so many pairs before they
/// are used memory is asked for them.
const AHEAD: usize = 2;

/// Words of a cache line.
const LINE: usize = 16;

/// Compiles `fn name<V, COUNT>(args) { body }` for every instruction set with a [`Vector`], `COUNT`
/// vectors of columns at once, and adds the first argument, a [`Simd`], that chooses.
macro_rules! per_vector {
    ($(#[$doc:meta])* pub fn $name:ident<$v:ident, $count:ident>($($arg:ident: $ty:ty),* $(,)?) $body:block) => {
        $(#[$doc])*
        pub fn $name(simd: Simd, $($arg: $ty),*) {
            #[inline(always)]
            fn body<$v: Vector, const $count: usize>($($arg: $ty),*) $body
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma")]
            fn vnni($($arg: $ty),*) { body::<Vnni, 2>($($arg),*) }
            #[target_feature(enable = "avx2,fma")]
            fn avx2($($arg: $ty),*) { body::<Avx2, 1>($($arg),*) }
            match simd.level() {
                // SAFETY: a `Simd` exists only for what the processor was asked about.
                Level::Ifma | Level::Amx => unsafe { vnni($($arg),*) },
                // SAFETY: as above.
                Level::Avx2 | Level::Avx512 => unsafe { avx2($($arg),*) },
                Level::Portable => unreachable!("asked for what does not suit"),
            }
        }
    };
}

per_vector! {
    /// What [`super::load`] says. The width is a multiple of `COUNT` vectors.
    pub fn fill<V, COUNT>(m: &Modulus, slice: Slice<'_>, out: &mut [u32]) {
        let k = Residues::<V>::new(m);
        let columns = COUNT * V::LANES;
        let rows = slice.support.len();
        let pairs = rows.div_ceil(2);
        let size = size(pairs, slice.width);
        let components = slice.held;
        let piece = |component: usize, row: usize| match row < rows && component < components {
            true => slice.piece(component, row),
            false => &[],
        };
        for pair in 0..pairs {
            let (row, next) = (2 * pair, 2 * (pair + AHEAD));
            let a = [piece(0, row), piece(1, row), piece(2, row)];
            let b = [piece(0, row + 1), piece(1, row + 1), piece(2, row + 1)];
            let ahead = [piece(0, next), piece(1, next), piece(0, next + 1), piece(1, next + 1)];
            for column in (0..slice.width).step_by(V::LANES) {
                if column % LINE == 0 && !slice.near {
                    for piece in ahead {
                        ask(piece.as_ptr().wrapping_add(column));
                    }
                }
                let mut x = a.map(|a| vector::<V>(a, column));
                let mut y = b.map(|b| vector::<V>(b, column));
                if slice.squared {
                    x = k.signed_squares(x[0], x[1]);
                    y = k.signed_squares(y[0], y[1]);
                }
                let at = (column / columns * pairs + pair) * 2 * columns + column % columns;
                for component in 0..slice.components() {
                    let (l, h) = k.halvable(x[component]).halves(k.halvable(y[component]));
                    let out = &mut out[component * size + at..][..columns + V::LANES];
                    // SAFETY: a vector at either end.
                    unsafe {
                        l.store(out.as_mut_ptr());
                        h.store(out.as_mut_ptr().add(columns));
                    }
                }
            }
        }
    }
}

/// Columns of a row, zeros where there is none.
#[inline(always)]
fn vector<V: Vector>(piece: &[u32], column: usize) -> V {
    match piece.get(column..column + V::LANES) {
        // SAFETY: as many words.
        Some(x) => unsafe { V::load(x.as_ptr()) },
        None => V::splat(0),
    }
}

per_vector! {
    /// y += matrix·x modulo the prime, for one component x of what [`super::load`] makes. `sums` has
    /// room for [`PASS`] columns of all rows.
    pub fn product<V, COUNT>(
        m: &Modulus,
        loaded: Loaded,
        matrix: &Halves,
        x: &[u32],
        sums: &mut [u32],
        y: &mut Rows<'_>,
    ) {
        let columns = COUNT * V::LANES;
        let (words, width) = (2 * columns * matrix.pairs, loaded.width);
        assert!(width.is_multiple_of(columns) && words * (width / columns) <= x.len());
        let gather = Gather::<V>::new(m, loaded.squared);
        for first in (0..width).step_by(PASS) {
            let pass = PASS.min(width - first);
            for segment in &matrix.segments {
                let own = &mut sums[segment.rows.start * pass..segment.rows.end * pass];
                for at in (0..pass).step_by(columns) {
                    let x = &x[words * ((first + at) / columns)..][..words];
                    let direct = is_direct(segment, pass, columns);
                    let mut to = Partial::new(own, pass, first, at, segment.first, y);
                    match segment.rows.len() {
                        1 => part::<V, COUNT, 1>(&gather, matrix, segment, x, direct, &mut to),
                        2 => part::<V, COUNT, 2>(&gather, matrix, segment, x, direct, &mut to),
                        3 => part::<V, COUNT, 3>(&gather, matrix, segment, x, direct, &mut to),
                        4 => part::<V, COUNT, 4>(&gather, matrix, segment, x, direct, &mut to),
                        5 => part::<V, COUNT, 5>(&gather, matrix, segment, x, direct, &mut to),
                        ROWS => part::<V, COUNT, ROWS>(&gather, matrix, segment, x, direct, &mut to),
                        rows => unreachable!("{rows} rows in a segment"),
                    }
                }
                if segment.last && !is_direct(segment, pass, columns) {
                    let rows = &matrix.rows[segment.rows.clone()];
                    finish::<V>(own, pass, first, rows, y);
                }
            }
        }
        order_streams();
    }
}

/// Whether a segment's sums are complete as they come, in whole lines: they need not be kept together first.
#[inline(always)]
fn is_direct(segment: &Segment, pass: usize, columns: usize) -> bool {
    segment.first && segment.last && pass == columns
}

/// What brings sums of high and low halves together.
struct Gather<V> {
    residues: Residues<V>,
    /// What the sums of high halves and those of low halves are multiplied with, unless that is 2¹⁶ and 1.
    factors: Option<[V; 2]>,
}

impl<V: Vector> Gather<V> {
    #[inline(always)]
    fn new(m: &Modulus, squared: bool) -> Self {
        let low = m.to_montgomery(m.to_montgomery(1));
        let high = m.mul(low, (1 << 16) % m.value());
        let factors = squared.then_some([V::splat(high), V::splat(low)]);
        Self { residues: Residues::new(m), factors }
    }

    /// In [0, p).
    #[inline(always)]
    fn sum(&self, h: V, l: V) -> V {
        match self.factors {
            Some([high, low]) => self.residues.gathered(h, l, high, low),
            None => self.residues.of_halves(h, l),
        }
    }
}

/// One segment of `R` rows, in the columns that `x` holds.
#[inline(always)]
fn part<V: Vector, const COUNT: usize, const R: usize>(
    gather: &Gather<V>,
    matrix: &Halves,
    segment: &Segment,
    x: &[u32],
    direct: bool,
    to: &mut Partial<'_, '_>,
) {
    let columns = COUNT * V::LANES;
    let list = &matrix.list[segment.list.clone()];
    let words = &matrix.words[segment.words..][..list.len() * R];
    assert!(x.len() == 2 * columns * matrix.pairs);
    let mut h = [[V::splat(0); COUNT]; R];
    let mut l = [[V::splat(0); COUNT]; R];
    for (&pair, w) in list.iter().zip(words.as_chunks::<R>().0) {
        let at = pair as usize * 2 * columns;
        // SAFETY: pairs are below the matrix's, for which `x` has 2·COUNT vectors each.
        let vector = |i: usize| unsafe { V::load(x.as_ptr().add(at + i * V::LANES)) };
        let x_l: [V; COUNT] = std::array::from_fn(vector);
        let x_h: [V; COUNT] = std::array::from_fn(|i| vector(COUNT + i));
        for ((h, l), &w) in h.iter_mut().zip(&mut l).zip(w) {
            let w = V::splat(w);
            for i in 0..COUNT {
                l[i] = l[i].dot(x_l[i], w);
            }
            for i in 0..COUNT {
                h[i] = h[i].dot(x_h[i], w);
            }
        }
    }
    let rows = &matrix.rows[segment.rows.clone()];
    // The sums move: an index that is not constant would keep them in memory from the start.
    for (i, ((h, l), &row)) in h.into_iter().zip(l).zip(rows).enumerate() {
        let mut sums = [V::splat(0); COUNT];
        for j in 0..COUNT {
            sums[j] = gather.sum(h[j], l[j]);
        }
        if let Some(before) = to.before::<V, COUNT>(i, row) {
            for (sum, before) in sums.iter_mut().zip(before) {
                *sum = gather.residues.reduced(before.add(*sum));
            }
        }
        match direct {
            true => to.write(row, sums),
            false => to.put(i, sums),
        }
    }
}
