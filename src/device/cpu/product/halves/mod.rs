//! The modular product on 16-bit halves, with the dot products of their pairs that x86 has.
//!
//! A residue x in (−p, p), below 2³¹ − 2¹⁵, is h·2¹⁶ + l with halves in [−2¹⁵, 2¹⁵); a prime that leaves no
//! room for that has its residues centred. Where the weights of a row add up to at most [`NORM`] in
//! absolute value, the sums of w·h and of w·l stay within 2³⁰ − 2¹⁵, so rows are cut into segments of
//! that weight. A segment's sums are brought together and reduced at once: Montgomery's reduction of
//! h·c₁ + l·c₀ for suitable c₁ and c₀.
//!
//! Squares come as Montgomery products, short of a factor 2³² that c₁ and c₀ make up for.

mod avx2;
pub mod avx512;
mod kernel;
mod multiply;
pub mod vector;

use super::partial::PASS;
use super::{Loaded, Room, Rows, Slice};
use crate::math::{
    Lines, Modulus,
    simd::{Level, Simd},
};
use crate::ring::BlockMatrix;
use std::collections::HashMap;
use std::ops::Range;

/// Σ|w| of a row's segment, at most.
const NORM: u32 = (1 << 15) - 1;

/// Rows of weights at once: with two halves, 24 accumulators for two vectors of columns in the 32
/// registers of AVX-512, 12 for one in the 16 of AVX2.
const ROWS: usize = 6;

/// Columns of a slice: 845 rows of 128 residues are 432 KB, a share of L2. Longer pieces of memory are
/// read faster: 64 columns took a tenth more time for the whole of either shipped network, 256 no
/// less.
pub const WIDTH: usize = 128;

/// Pairs of a segment, at most: 24 KB of what they are of, which all panels of a block read from L1.
const PAIRS: usize = 96;

/// A matrix whose inputs are taken in pairs (2j, 2j+1), two weights a word.
#[derive(Debug)]
pub struct Halves {
    /// Pairs of inputs, the last one perhaps with nothing in its second place.
    pairs: usize,
    /// Which pairs a segment reads.
    list: Vec<u32>,
    /// Output rows, in the order of the source's blocks.
    rows: Vec<u32>,
    /// `[pair][row]` for each segment; equal segments share theirs.
    words: Vec<u32>,
    segments: Vec<Segment>,
}

/// Up to [`ROWS`] outputs and some of what they read.
#[derive(Debug)]
struct Segment {
    /// Whether no other segment of these outputs comes before, or after.
    first: bool,
    last: bool,
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
            for rows in panels(block.rows.clone()) {
                let first = rows.start - block.rows.start;
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
            let words = words[..rows.len()].iter();
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
        if let Some(before) = self.segments.last_mut().filter(|_| !first) {
            before.last = false;
        }
        let list = start..self.list.len();
        self.segments.push(Segment { first, last: true, list, rows, words });
    }

    /// About how many cycles 16 columns take with VNNI: five dot products in three cycles, two of
    /// them for each pair and row, four for a pair's reading, and a row's sums 13 to be brought
    /// together.
    pub fn cycles(&self) -> usize {
        let segment = |s: &Segment| (s.list.len() * (6 * s.rows.len() / 5 + 4)) + s.rows.len() * 13;
        self.segments.iter().map(segment).sum()
    }

    /// Whether the processor has what it takes, and slices are whole vectors.
    pub fn suits(simd: Simd, degree: usize) -> bool {
        columns(simd).is_some_and(|columns| degree.is_multiple_of(columns))
    }

    /// y += matrix·x for one component of what [`load`] made. Only where it suits.
    pub fn add(
        &self,
        simd: Simd,
        m: &Modulus,
        x: Loaded,
        component: usize,
        room: &mut Room,
        y: &mut Rows<'_>,
    ) {
        assert!(Self::suits(simd, x.width), "whole vectors");
        let size = size(self.pairs, x.width);
        let sums = room.sums.at_least(self.rows.len() * PASS);
        let words = &room.words[component * size..][..size];
        kernel::product(simd, m, x, self, words, sums, y);
    }
}

/// Columns at once, where the processor has what it takes. AVX-512 without VNNI has a third less on
/// doubles, measured, than AVX2 on halves.
fn columns(simd: Simd) -> Option<usize> {
    match simd.level() {
        Level::Ifma | Level::Amx => Some(32),
        Level::Avx2 | Level::Avx512 => Some(8),
        Level::Portable => None,
    }
}

/// Words of one component of a slice.
fn size(pairs: usize, width: usize) -> usize {
    2 * pairs * width
}

/// A slice as halves, `[component][some columns][pair][low, high][some columns]`, as many columns as go
/// at once. Squares are Montgomery products. Only where it suits.
pub fn load(simd: Simd, m: &Modulus, slice: Slice<'_>, out: &mut Lines<u32>) {
    assert!(Halves::suits(simd, slice.width), "whole vectors");
    let words = slice.components() * size(slice.support.len().div_ceil(2), slice.width);
    kernel::fill(simd, m, slice, out.at_least(words));
}

/// Rows in as few panels of up to [`ROWS`] as there can be, of about one size.
fn panels(rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let count = rows.len().div_ceil(ROWS);
    let at = move |i: usize| rows.start + rows.len() * i / count;
    (0..count).map(move |i| at(i)..at(i + 1))
}

fn norm(w: [i16; 2]) -> u32 {
    u32::from(w[0].unsigned_abs()) + u32::from(w[1].unsigned_abs())
}
