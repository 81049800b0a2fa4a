//! Slices to bytes, and tiles of sums to residues.

use super::tiles::{LINE, Shapes, Tiles};
use super::{Bytes, COLUMNS, QUAD, ROWS, Segment};
use crate::device::cpu::product::halves::{
    avx512::Vnni,
    vector::{Residues, Vector},
};
use crate::device::cpu::product::partial::{PASS, Partial, finish, order_streams};
use crate::device::cpu::product::{Loaded, Rows, Slice};
use crate::math::{Modulus, ahead::ask};
use std::mem::MaybeUninit;

/// What [`Bytes::load`] says, with room for `padded` quads.
///
/// # Safety
/// The processor has AVX-512 with BW.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma")]
pub unsafe fn fill(m: &Modulus, slice: Slice<'_>, padded: usize, out: &mut [u32]) {
    let k = Residues::<Vnni>::new(m);
    let rows = slice.support.len();
    let components = slice.held;
    let size = slice.width / COLUMNS * padded * QUAD;
    // Closures given to `array::map` and the like are compiled without this function's instruction set,
    // and called: loops, here and below.
    let pieces = |quad: usize| {
        let mut pieces: [[&[u32]; 3]; 4] = [[&[]; 3]; 4];
        for (row, pieces) in (4 * quad..rows).zip(&mut pieces) {
            for (component, piece) in pieces.iter_mut().enumerate().take(components) {
                *piece = slice.piece(component, row);
            }
        }
        pieces
    };
    let mut ahead = pieces(0);
    for quad in 0..rows.div_ceil(4) {
        let inputs = ahead;
        ahead = pieces(quad + 1);
        for column in (0..slice.width).step_by(COLUMNS) {
            // Rows lie pages apart, where no processor looks ahead by itself.
            for piece in ahead.iter().flat_map(|pieces| &pieces[..2]) {
                ask(piece.as_ptr().wrapping_add(column));
            }
            let mut x = [[Vnni::splat(0); 3]; 4];
            for (x, pieces) in x.as_flattened_mut().iter_mut().zip(inputs.as_flattened()) {
                *x = vector(pieces, column);
            }
            if slice.squared {
                for x in &mut x {
                    *x = k.squares(x[0], x[1]);
                }
            }
            let at = (column / COLUMNS * padded + quad) * QUAD;
            for component in 0..slice.components() {
                let digits = [x[0][component], x[1][component], x[2][component], x[3][component]];
                let digits = Vnni::digits(digits);
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

/// Sums of four digits in two times 16 columns, as tiles are stored.
#[repr(align(64))]
struct Sums([MaybeUninit<[[[i32; COLUMNS]; ROWS]; 4]>; PASS / COLUMNS]);

/// y += matrix·x modulo the prime, for one component x of what [`fill`] makes. `sums` has room for
/// [`PASS`] columns of all rows.
///
/// # Safety
/// The processor has AVX-512 with VNNI, and AMX.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma")]
pub unsafe fn product(
    m: &Modulus,
    loaded: Loaded,
    matrix: &Bytes,
    x: &[u32],
    sums: &mut [u32],
    y: &mut Rows<'_>,
) {
    let (words, width) = (matrix.padded() * QUAD, loaded.width);
    assert!(words * (width / COLUMNS) <= x.len());
    let gather = Gather::new(m, loaded.squared);
    // SAFETY: the caller's promise; nothing called from here uses tiles.
    let tiles = unsafe { Tiles::new(&Shapes::new(matrix.height, matrix.depth)) };
    let mut stores = [const { Sums([MaybeUninit::uninit(); PASS / COLUMNS]) }; 2];
    for column in (0..width).step_by(PASS) {
        let pass = PASS.min(width - column);
        let x = &x[words * (column / COLUMNS)..][..words * (pass / COLUMNS)];
        let multiply = |segment: &Segment, sums: &mut Sums| {
            let steps = &matrix.steps[segment.steps.clone()];
            let weights = &matrix.weights[segment.weights..];
            assert!(weights.len() >= steps.len() * matrix.height * LINE);
            for (x, sums) in x.chunks_exact(words).zip(&mut sums.0) {
                // SAFETY: a step begins with one of `quads` quads, and `depth` more have room; weights
                // have been counted, and there is room for four tiles.
                unsafe {
                    let sums = sums.as_mut_ptr().cast();
                    tiles.multiply(steps, x.as_ptr(), weights.as_ptr(), matrix.height, sums);
                }
            }
        };
        // While one segment's sums are brought together, the next one's are under way.
        let [mut done, mut next] = stores.each_mut();
        if let Some(segment) = matrix.segments.first() {
            multiply(segment, done);
        }
        for (i, segment) in matrix.segments.iter().enumerate() {
            if let Some(following) = matrix.segments.get(i + 1) {
                multiply(following, next);
            }
            let rows = &matrix.rows[segment.rows.clone()];
            let own = &mut sums[segment.rows.start * pass..segment.rows.end * pass];
            for (at, done) in (0..pass).step_by(COLUMNS).zip(&done.0) {
                let to = Partial::new(own, pass, column, at, segment.first, y);
                // SAFETY: the tiles have been stored, as many rows of them as the segment has.
                unsafe { gather.add(segment.byte, rows, done.as_ptr().cast(), to) };
            }
            if segment.last {
                finish::<Vnni>(own, pass, column, rows, y);
            }
            std::mem::swap(&mut done, &mut next);
        }
    }
    order_streams();
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

    /// Adds sums of digits, `[digit][16 rows][column]`, to those of `rows`.
    ///
    /// # Safety
    /// At `digits` there are as many rows in each tile as in `rows`.
    #[inline(always)]
    unsafe fn add(&self, byte: usize, rows: &[u32], digits: *const u32, mut to: Partial<'_, '_>) {
        let (k, [low, high]) = (&self.residues, self.factors[byte]);
        for (i, &row) in rows.iter().enumerate() {
            // SAFETY: the caller's promise.
            let load =
                |digit: usize| unsafe { Vnni::load(digits.add((digit * ROWS + i) * COLUMNS)) };
            let s = [load(0), load(1), load(2), load(3)];
            let (l, h) = (s[0].add(s[1].times_256()), s[2].add(s[3].times_256()));
            let sum = k.gathered(h, l, high, low);
            let before = to.before::<Vnni, 1>(i, row);
            let sum = before.map_or(sum, |[before]| k.reduced(before.add(sum)));
            to.put(i, [sum]);
        }
    }
}
