//! The modular product on 16-bit halves, with the dot products of AVX-512 VNNI: one instruction
//! multiplies and adds 32 pairs of them.
//!
//! A centred residue |x| ≤ p/2 < 2³⁰ is h·2¹⁵ + l with −2¹⁵ ≤ h < 2¹⁵ and 0 ≤ l < 2¹⁵. Where the
//! weights of a row add up to at most [`NORM`] in absolute value, the sums of w·h and of w·l stay
//! within 2³⁰, so rows are cut into segments of that weight. A segment's sums are brought together
//! and reduced at once: Montgomery's reduction of h·c₁ + l·c₀ for suitable c₁ and c₀.
//!
//! Squares come as Montgomery products, short of a factor 2³² that c₁ and c₀ make up for.

use super::{Rows, Slice, Start};
use crate::math::{
    Lines, Modulus,
    simd::{Level, Simd},
};
use crate::ring::BlockMatrix;
use std::arch::x86_64::*;
use std::collections::HashMap;
use std::ops::Range;

/// Σ|w| of a row's segment, at most.
const NORM: u32 = (1 << 15) - 1;

/// Rows of weights at once: with two vectors of columns and two halves, 24 accumulators.
const ROWS: usize = 6;

/// Columns of a slice: 845 rows of 128 residues are 432 KB, a share of L2. Longer pieces of memory are
/// read faster: 64 columns took a tenth more time for the whole of either shipped network, 256 no
/// less.
pub const WIDTH: usize = 128;

/// Lanes of a vector.
const LANES: usize = 16;

/// Columns at once.
const COLUMNS: usize = 2 * LANES;

/// Pairs of a segment, at most: 24 KB of what they are of, which all panels of a block read from L1.
const PAIRS: usize = 96;

/// Rows of inputs and segments of outputs lie pages apart, where no processor looks ahead by itself: so
/// many pairs and segments before they are used memory is asked for them.
const AHEAD: usize = 2;

/// Words of a pair in [`COLUMNS`] columns: its low and its high halves.
const PAIR: usize = 2 * COLUMNS;

/// A matrix whose inputs are taken in pairs (2j, 2j+1), two weights a word.
#[derive(Debug)]
pub struct Halves {
    /// Pairs of inputs, the last one perhaps with nothing in its second place.
    pairs: usize,
    /// Which pairs a segment reads.
    list: Vec<u32>,
    /// Output rows, in the order of the source's blocks.
    rows: Vec<u32>,
    /// `[pair][ROWS]` for each segment; equal segments share theirs.
    words: Vec<u32>,
    segments: Vec<Segment>,
}

/// Up to [`ROWS`] outputs and some of what they read.
#[derive(Debug)]
struct Segment {
    /// Whether no other segment of these outputs comes before.
    first: bool,
    list: Range<usize>,
    rows: Range<usize>,
    words: usize,
}

impl Halves {
    /// Packs a matrix. Neighbouring inputs are best read by the same outputs.
    pub fn new(source: &BlockMatrix) -> Self {
        let mut out = Self {
            pairs: source.inputs().div_ceil(2),
            list: vec![],
            rows: source.rows().to_vec(),
            words: vec![],
            segments: vec![],
        };
        let mut known = HashMap::new();
        for block in source.blocks() {
            let columns = &source.columns()[block.columns.clone()];
            let weights = &source.weights()[block.weights..];
            let own = out.segments.len();
            for start in block.rows.clone().step_by(ROWS) {
                let rows = start..block.rows.end.min(start + ROWS);
                let first = start - block.rows.start;
                let weight = |row: usize, k: usize| weights[(first + row) * columns.len() + k];
                out.panel(columns, rows, weight, &mut known);
            }
            // Panels side by side, as far as they have come.
            let list = &out.list;
            out.segments[own..].sort_by_key(|s| list[s.list.clone()].first().copied());
        }
        out
    }

    /// Packs up to [`ROWS`] rows of a block.
    fn panel(
        &mut self,
        columns: &[u32],
        rows: Range<usize>,
        weight: impl Fn(usize, usize) -> i32,
        known: &mut HashMap<Vec<u32>, usize>,
    ) {
        let mut order: Vec<usize> = (0..columns.len()).collect();
        order.sort_unstable_by_key(|&k| columns[k]);
        let mut entries: Vec<(u32, [[i16; 2]; ROWS])> = Vec::new();
        for k in order {
            let (pair, half) = (columns[k] / 2, columns[k] as usize % 2);
            if entries.last().is_none_or(|e| e.0 != pair) {
                entries.push((pair, [[0; 2]; ROWS]));
            }
            let Some((_, words)) = entries.last_mut() else { continue };
            for (row, word) in words.iter_mut().enumerate().take(rows.len()) {
                // Weights are below 2¹⁵ in absolute value (`WEIGHT_BOUND`).
                word[half] = weight(row, k) as i16;
            }
        }
        // A pair whose two weights are too much for one segment goes to two.
        let heavy = |w: &[[i16; 2]; ROWS]| w.iter().any(|w| norm(*w) > NORM);
        let entries = entries.into_iter().flat_map(|(pair, words)| match heavy(&words) {
            false => vec![(pair, words)],
            true => {
                let half = |h: usize| words.map(|w| if h == 0 { [w[0], 0] } else { [0, w[1]] });
                vec![(pair, half(0)), (pair, half(1))]
            }
        });
        let mut sums = [0u32; ROWS];
        let (mut list, mut packed) = (Vec::new(), Vec::new());
        for (pair, words) in entries {
            let more: [u32; ROWS] = std::array::from_fn(|row| sums[row] + norm(words[row]));
            if more.iter().any(|&s| s > NORM) || list.len() == PAIRS {
                self.segment(&mut list, rows.clone(), &mut packed, known);
                sums = words.map(norm);
            } else {
                sums = more;
            }
            list.push(pair);
            packed.extend(words.map(|w| w[0] as u16 as u32 | (w[1] as u16 as u32) << 16));
        }
        self.segment(&mut list, rows, &mut packed, known);
    }

    /// Takes the entries gathered; the first segment of a panel may have none.
    fn segment(
        &mut self,
        list: &mut Vec<u32>,
        rows: Range<usize>,
        packed: &mut Vec<u32>,
        known: &mut HashMap<Vec<u32>, usize>,
    ) {
        let first = self.segments.last().is_none_or(|s| s.rows != rows);
        if list.is_empty() && !first {
            return;
        }
        let words = *known.entry(std::mem::take(packed)).or_insert_with_key(|packed| {
            self.words.extend_from_slice(packed);
            self.words.len() - packed.len()
        });
        let start = self.list.len();
        self.list.append(list);
        self.segments.push(Segment { first, list: start..self.list.len(), rows, words });
    }

    /// Whether the processor has what it takes, and slices are whole vectors.
    pub fn suits(simd: Simd, degree: usize) -> bool {
        simd.level() == Level::Ifma && degree >= COLUMNS
    }

    /// y += matrix·x for one component of what [`load`] made. Only where it suits.
    pub fn add(
        &self,
        simd: Simd,
        m: &Modulus,
        x: Slice<'_>,
        component: usize,
        room: &[u32],
        y: &mut Rows<'_>,
    ) {
        assert!(Self::suits(simd, x.width) && x.width.is_multiple_of(COLUMNS), "whole vectors");
        let size = size(x);
        let room = &room[component * size..][..size];
        // SAFETY: the processor was asked, and `room` has all pairs of these columns.
        unsafe { product(m, x.squared, self, x.width, room, y) };
    }
}

/// Words of one component of a slice.
fn size(x: Slice<'_>) -> usize {
    x.support.len().div_ceil(2) * 2 * x.width
}

/// A slice as halves, `[component][COLUMNS columns][pair][low, high][COLUMNS]`. Squares are Montgomery
/// products. Only where it suits.
pub fn load(simd: Simd, m: &Modulus, slice: Slice<'_>, out: &mut Lines<u32>) {
    assert!(
        Halves::suits(simd, slice.width) && slice.width.is_multiple_of(COLUMNS),
        "whole vectors"
    );
    let words = slice.components() * size(slice);
    // SAFETY: the processor was asked.
    unsafe { fill(m, slice, out.at_least(words)) };
}

fn norm(w: [i16; 2]) -> u32 {
    u32::from(w[0].unsigned_abs()) + u32::from(w[1].unsigned_abs())
}

/// The constants of one prime.
#[derive(Clone, Copy)]
struct Constants {
    p: __m512i,
    half: __m512i,
    /// p⁻¹ mod 2³².
    inverse: __m512i,
}

impl Constants {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn new(m: &Modulus) -> Self {
        let p = m.value() as i32;
        Self {
            p: _mm512_set1_epi32(p),
            half: _mm512_set1_epi32(p / 2),
            inverse: _mm512_set1_epi32(m.neg_inv().wrapping_neg() as i32),
        }
    }

    /// The high words of 64-bit lanes: of `even` in even lanes, of `odd` in odd ones.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn high(even: __m512i, odd: __m512i) -> __m512i {
        let even = _mm512_castps_si512(_mm512_movehdup_ps(_mm512_castsi512_ps(even)));
        _mm512_mask_blend_epi32(0xaaaa, even, odd)
    }

    /// Odd lanes to even ones.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn odd(x: __m512i) -> __m512i {
        _mm512_castps_si512(_mm512_movehdup_ps(_mm512_castsi512_ps(x)))
    }

    /// From (−p, p) to [0, p).
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn canonical(&self, r: __m512i) -> __m512i {
        // Where r < 0 its word is above every sum's.
        _mm512_min_epu32(r, _mm512_add_epi32(r, self.p))
    }

    /// a·b·2⁻³² mod p in [0, p), for residues in [0, p).
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn montgomery(&self, a: __m512i, b: __m512i) -> __m512i {
        let even = _mm512_mul_epu32(a, b);
        let odd = _mm512_mul_epu32(Self::odd(a), Self::odd(b));
        let m_even = _mm512_mul_epu32(_mm512_mul_epu32(even, self.inverse), self.p);
        let m_odd = _mm512_mul_epu32(_mm512_mul_epu32(odd, self.inverse), self.p);
        // Both high words are below p, and the low ones agree.
        let r = _mm512_sub_epi32(Self::high(even, odd), Self::high(m_even, m_odd));
        self.canonical(r)
    }

    /// (a², 2ab, b²)·2⁻³² mod p in [0, p), for residues in [0, p).
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn squares(&self, a: __m512i, b: __m512i) -> [__m512i; 3] {
        let ab = self.montgomery(a, b);
        let twice = _mm512_add_epi32(ab, ab);
        let twice = _mm512_min_epu32(twice, _mm512_sub_epi32(twice, self.p));
        [self.montgomery(a, a), twice, self.montgomery(b, b)]
    }

    /// (h·c₁ + l·c₀)·2⁻³² mod p in [0, p), for |h| ≤ 2³⁰ − 2¹⁵ and |l| below that, and residues c.
    ///
    /// The sum stays below 2³¹·p, its high word below p/2 and m·p's within p/2.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn gathered(&self, h: __m512i, l: __m512i, c1: __m512i, c0: __m512i) -> __m512i {
        let even = _mm512_add_epi64(_mm512_mul_epi32(h, c1), _mm512_mul_epi32(l, c0));
        let (h, l) = (Self::odd(h), Self::odd(l));
        let odd = _mm512_add_epi64(_mm512_mul_epi32(h, c1), _mm512_mul_epi32(l, c0));
        let m_even = _mm512_mul_epi32(_mm512_mul_epi32(even, self.inverse), self.p);
        let m_odd = _mm512_mul_epi32(_mm512_mul_epi32(odd, self.inverse), self.p);
        let r = _mm512_sub_epi32(Self::high(even, odd), Self::high(m_even, m_odd));
        self.canonical(r)
    }

    /// From [0, p) to within ±p/2.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn centred(&self, x: __m512i) -> __m512i {
        let above = _mm512_cmpgt_epu32_mask(x, self.half);
        _mm512_mask_sub_epi32(x, above, x, self.p)
    }
}

/// # Safety
/// For processors with AVX-512 F. The width is a multiple of [`COLUMNS`], and `out` is as long as
/// [`load`] says.
#[target_feature(enable = "avx512f")]
unsafe fn fill(m: &Modulus, slice: Slice<'_>, out: &mut [u32]) {
    let k = Constants::new(m);
    let (rows, size) = (slice.support.len(), size(slice));
    let pairs = rows.div_ceil(2);
    let components = slice.tile.shape().components;
    let piece = |component: usize, row: usize| match row < rows && component < components {
        true => slice.piece(component, row),
        false => &[],
    };
    let vector = |piece: &[u32], column: usize| match piece.get(column..column + LANES) {
        // SAFETY: 16 words.
        Some(x) => unsafe { _mm512_loadu_epi32(x.as_ptr().cast()) },
        None => _mm512_setzero_si512(),
    };
    let (low, high) = (_mm512_set1_epi32(0x7fff), _mm512_set1_epi32(0xffff));
    for pair in 0..pairs {
        let (row, next) = (2 * pair, 2 * (pair + AHEAD));
        let a = [piece(0, row), piece(1, row), piece(2, row)];
        let b = [piece(0, row + 1), piece(1, row + 1), piece(2, row + 1)];
        let ahead = [piece(0, next), piece(1, next), piece(0, next + 1), piece(1, next + 1)];
        for column in (0..slice.width).step_by(LANES) {
            for piece in ahead {
                _mm_prefetch::<_MM_HINT_T0>(piece.as_ptr().wrapping_add(column).cast());
            }
            let mut x = [vector(a[0], column), vector(a[1], column), vector(a[2], column)];
            let mut y = [vector(b[0], column), vector(b[1], column), vector(b[2], column)];
            if slice.squared {
                x = k.squares(x[0], x[1]);
                y = k.squares(y[0], y[1]);
            }
            let at = (column / COLUMNS * pairs + pair) * PAIR + column % COLUMNS;
            for component in 0..slice.components() {
                let (x, y) = (k.centred(x[component]), k.centred(y[component]));
                let l = _mm512_or_si512(
                    _mm512_and_si512(x, low),
                    _mm512_slli_epi32::<16>(_mm512_and_si512(y, low)),
                );
                let h = _mm512_or_si512(
                    _mm512_and_si512(_mm512_srli_epi32::<15>(x), high),
                    _mm512_slli_epi32::<16>(_mm512_srli_epi32::<15>(y)),
                );
                let out = &mut out[component * size + at..][..COLUMNS + LANES];
                // SAFETY: 48 words.
                unsafe {
                    _mm512_storeu_epi32(out.as_mut_ptr().cast(), l);
                    _mm512_storeu_epi32(out.as_mut_ptr().add(COLUMNS).cast(), h);
                }
            }
        }
    }
}

/// y += matrix·x modulo the prime, for one component x of what [`load`] makes.
///
/// # Safety
/// For processors with AVX-512 F and VNNI. `width` is a multiple of [`COLUMNS`].
#[target_feature(enable = "avx512f,avx512vnni")]
unsafe fn product(
    m: &Modulus,
    squared: bool,
    matrix: &Halves,
    width: usize,
    x: &[u32],
    y: &mut Rows<'_>,
) {
    assert!(width.is_multiple_of(COLUMNS) && 2 * matrix.pairs * width <= x.len());
    let k = Constants::new(m);
    let r = m.to_montgomery(1);
    let c0 = if squared { m.to_montgomery(r) } else { r };
    let c1 = m.mul(c0, (1 << 15) % m.value());
    let (c0, c1) = (_mm512_set1_epi32(c0 as i32), _mm512_set1_epi32(c1 as i32));
    for column in (0..width).step_by(COLUMNS) {
        let x = &x[column / COLUMNS * matrix.pairs * PAIR..][..matrix.pairs * PAIR];
        for (i, segment) in matrix.segments.iter().enumerate() {
            if let Some(next) = matrix.segments.get(i + AHEAD) {
                for &row in &matrix.rows[next.rows.clone()] {
                    for line in y.row(row as usize)[column..column + COLUMNS].chunks(LANES) {
                        _mm_prefetch::<_MM_HINT_ET0>(line.as_ptr().cast());
                    }
                }
            }
            let list = &matrix.list[segment.list.clone()];
            let words = &matrix.words[segment.words..][..list.len() * ROWS];
            let mut h = [[_mm512_setzero_si512(); 2]; ROWS];
            let mut l = [[_mm512_setzero_si512(); 2]; ROWS];
            for (&pair, w) in list.iter().zip(words.chunks_exact(ROWS)) {
                // SAFETY: pairs are below the matrix's, for which `x` has four vectors each.
                let (x_l, x_h) = unsafe {
                    let at = x.as_ptr().add(pair as usize * PAIR);
                    let vector = |i: usize| _mm512_loadu_epi32(at.add(i * LANES).cast());
                    ([vector(0), vector(1)], [vector(2), vector(3)])
                };
                for ((h, l), &w) in h.iter_mut().zip(&mut l).zip(w) {
                    let w = _mm512_set1_epi32(w as i32);
                    l[0] = _mm512_dpwssd_epi32(l[0], x_l[0], w);
                    l[1] = _mm512_dpwssd_epi32(l[1], x_l[1], w);
                    h[0] = _mm512_dpwssd_epi32(h[0], x_h[0], w);
                    h[1] = _mm512_dpwssd_epi32(h[1], x_h[1], w);
                }
            }
            let rows = &matrix.rows[segment.rows.clone()];
            let start = y.start;
            // The sums move: an index that is not constant would keep them in memory from the start.
            for ((h, l), &to) in h.into_iter().zip(l).zip(rows) {
                let sums = [k.gathered(h[0], l[0], c1, c0), k.gathered(h[1], l[1], c1, c0)];
                let y = &mut y.row(to as usize)[column..column + COLUMNS];
                for (y, sum) in y.chunks_exact_mut(LANES).zip(sums) {
                    // SAFETY: the chunk has 16 words.
                    unsafe {
                        let before = match start {
                            Start::Constants(constants) if segment.first => {
                                _mm512_set1_epi32(constants[to as usize] as i32)
                            }
                            Start::Zero if segment.first => _mm512_setzero_si512(),
                            _ => _mm512_loadu_epi32(y.as_ptr().cast()),
                        };
                        let sum = _mm512_add_epi32(before, sum);
                        let sum = _mm512_min_epu32(sum, _mm512_sub_epi32(sum, k.p));
                        _mm512_storeu_epi32(y.as_mut_ptr().cast(), sum);
                    }
                }
            }
        }
    }
}
