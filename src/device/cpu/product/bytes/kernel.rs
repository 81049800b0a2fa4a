//! Slices to bytes, and tiles of sums to residues.

use super::tiles::{Shapes, Tiles};
use super::{Bytes, COLUMNS, QUAD, ROWS, Segment};
use crate::device::cpu::product::halves::{
    avx512::Vnni,
    vector::{Residues, Vector},
};
use crate::device::cpu::product::{Rows, Slice, Start};
use crate::math::Modulus;
use std::arch::x86_64::{_MM_HINT_ET0, _MM_HINT_T0, _mm_prefetch};

/// What [`Bytes::load`] says, with room for `padded` quads.
///
/// # Safety
/// The processor has AVX-512 with BW.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma")]
pub unsafe fn fill(m: &Modulus, slice: Slice<'_>, padded: usize, out: &mut [u32]) {
    let k = Residues::<Vnni>::new(m);
    let rows = slice.support.len();
    let components = slice.tile.shape().components;
    let size = slice.width / COLUMNS * padded * QUAD;
    let piece = |component: usize, row: usize| match row < rows && component < components {
        true => slice.piece(component, row),
        false => &[],
    };
    for quad in 0..rows.div_ceil(4) {
        let inputs: [[&[u32]; 3]; 4] =
            std::array::from_fn(|i| std::array::from_fn(|c| piece(c, 4 * quad + i)));
        let ahead: [[&[u32]; 2]; 4] =
            std::array::from_fn(|i| std::array::from_fn(|c| piece(c, 4 * quad + 4 + i)));
        for column in (0..slice.width).step_by(COLUMNS) {
            // Rows lie pages apart, where no processor looks ahead by itself.
            for piece in ahead.as_flattened() {
                _mm_prefetch::<_MM_HINT_T0>(piece.as_ptr().wrapping_add(column).cast());
            }
            let mut x = inputs.map(|pieces| pieces.map(|piece| vector(piece, column)));
            if slice.squared {
                for x in &mut x {
                    *x = k.squares(x[0], x[1]);
                }
            }
            let at = (column / COLUMNS * padded + quad) * QUAD;
            for component in 0..slice.components() {
                let digits = Vnni::digits([0, 1, 2, 3].map(|i| x[i][component]));
                let out = &mut out[component * size + at..][..QUAD];
                for (digit, out) in digits.into_iter().zip(out.chunks_exact_mut(COLUMNS)) {
                    // SAFETY: as many words.
                    unsafe { digit.store(out.as_mut_ptr()) };
                }
            }
        }
    }
}

/// Columns of a row, zeros where there is none.
#[inline(always)]
fn vector(piece: &[u32], column: usize) -> Vnni {
    match piece.get(column..column + COLUMNS) {
        // SAFETY: as many words.
        Some(x) => unsafe { Vnni::load(x.as_ptr()) },
        None => Vnni::splat(0),
    }
}

/// Sums of four digits, as tiles are stored.
#[repr(align(64))]
struct Sums([[[i32; COLUMNS]; ROWS]; 4]);

/// y += matrix·x modulo the prime, for one component x of what [`fill`] makes.
///
/// # Safety
/// The processor has AVX-512 with VNNI, and AMX.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma")]
pub unsafe fn product(
    m: &Modulus,
    squared: bool,
    matrix: &Bytes,
    width: usize,
    x: &[u32],
    y: &mut Rows<'_>,
) {
    let words = matrix.padded() * QUAD;
    assert!(words * (width / COLUMNS) <= x.len());
    let gather = Gather::new(m, squared);
    // SAFETY: the caller's promise; nothing called from here uses tiles.
    let tiles = unsafe { Tiles::new(&Shapes::new(matrix.height, matrix.depth)) };
    let mut sums = [const { Sums([[[0; COLUMNS]; ROWS]; 4]) }; 2];
    for (x, column) in x.chunks_exact(words).zip((0..width).step_by(COLUMNS)) {
        let multiply = |segment: &Segment, sums: &mut Sums| {
            let steps = &matrix.steps[segment.steps.clone()];
            let weights = &matrix.weights[segment.weights..];
            assert!(weights.len() >= steps.len() * matrix.height * super::tiles::LINE);
            // SAFETY: a step begins with one of `quads` quads, and `depth` more have room; weights have
            // been counted, and `Sums` are four tiles.
            unsafe {
                let sums = sums.0.as_mut_ptr().cast();
                tiles.multiply(steps, x.as_ptr(), weights.as_ptr(), matrix.height, sums);
            }
        };
        // While one segment's sums are brought together, the next one's are under way.
        let [mut done, mut next] = sums.each_mut();
        if let Some(segment) = matrix.segments.first() {
            multiply(segment, done);
        }
        for (i, segment) in matrix.segments.iter().enumerate() {
            if let Some(following) = matrix.segments.get(i + 1) {
                for &row in &matrix.rows[following.rows.clone()] {
                    // Rows lie pages apart, and are about to be written.
                    let line = y.row(row as usize)[column..].as_ptr();
                    _mm_prefetch::<_MM_HINT_ET0>(line.cast());
                }
                multiply(following, next);
            }
            gather.write(segment, &matrix.rows[segment.rows.clone()], done, column, y);
            std::mem::swap(&mut done, &mut next);
        }
    }
}

/// What brings the sums of four digits together.
struct Gather {
    residues: Residues<Vnni>,
    /// For either byte of the weights, what l and h are multiplied with.
    factors: [[Vnni; 2]; 2],
}

impl Gather {
    #[inline(always)]
    fn new(m: &Modulus, squared: bool) -> Self {
        let r = m.to_montgomery(1);
        let low = if squared { m.to_montgomery(r) } else { r };
        let times = |x: u32, log2: u32| m.mul(x, (1 << log2) % m.value());
        let factors = [low, times(low, 8)].map(|l| [l, times(l, 16)].map(Vnni::splat));
        Self { residues: Residues::new(m), factors }
    }

    /// Adds a segment's sums to its outputs, `rows`, from `column` on.
    #[inline(always)]
    fn write(&self, segment: &Segment, rows: &[u32], sums: &Sums, column: usize, y: &mut Rows<'_>) {
        let (k, [low, high], start) = (&self.residues, self.factors[segment.byte], y.start);
        for (i, &row) in rows.iter().enumerate() {
            let y = &mut y.row(row as usize)[column..column + COLUMNS];
            // SAFETY: as many words, on both sides.
            unsafe {
                let s = [0, 1, 2, 3].map(|digit| Vnni::load(sums.0[digit][i].as_ptr().cast()));
                let (l, h) = (s[0].add(s[1].times_256()), s[2].add(s[3].times_256()));
                let sum = k.gathered(h, l, high, low);
                let before = match start {
                    Start::Constants(constants) if segment.first => {
                        Vnni::splat(constants[row as usize])
                    }
                    Start::Zero if segment.first => Vnni::splat(0),
                    _ => Vnni::load(y.as_ptr()),
                };
                k.reduced(before.add(sum)).store(y.as_mut_ptr());
            }
        }
    }
}
