//! The modular product on bytes, with the tiles of AMX.
//!
//! A residue x < 2³¹ is Σ xᵢ·2⁸ⁱ with its own four bytes, and a weight is a signed byte, the sum of two,
//! or w₀ + w₁·2⁸ with two. One instruction multiplies 16 rows of 64 weights with 64 rows of 16
//! columns, so that the sums Sᵢ = Σ w·xᵢ of 16 outputs stay in four registers. Where the weights of a
//! row add up to at most [`NORM`] in absolute value, l = S₀ + S₁·2⁸ and h = S₂ + S₃·2⁸ stay below 2³⁰;
//! rows are cut into segments of that weight, and a segment's h·2¹⁶ + l is reduced at once, as on
//! halves. Products with w₁ are segments of their own, with a factor 2⁸.
//!
//! Squares come as Montgomery products, short of a factor 2³², which that reduction makes up for.

mod kernel;
mod pack;
mod tiles;

use super::partial::PASS;
use super::{Loaded, Room, Rows, Slice};
use crate::math::{
    Lines, Modulus,
    simd::{Level, Simd},
};
use crate::ring::BlockMatrix;
use std::ops::Range;

/// Σ|w| of a row's segment, at most: |Sᵢ| ≤ 255·2¹⁴, and |l| ≤ 65535·2¹⁴ < 2³⁰.
const NORM: u32 = 1 << 14;

/// Rows of outputs, and columns, of a tile of sums.
const ROWS: usize = 16;
const COLUMNS: usize = 16;

/// Quads of inputs of a tile, at most.
const DEPTH: usize = 16;

/// Quads of a segment, at most: 24 KB of what they are of in a pass, which all panels of a block read
/// from L1.
const QUADS: usize = 48;

/// Words of a quad of inputs in 16 columns: four digits of 64 bytes.
const QUAD: usize = 64;

/// Weights up to this one are sums of two signed bytes, and all up to this one such bytes with a
/// factor 2⁸ between them.
const SUM: u32 = 2 * 127;
const HEAVIEST: u32 = 127 * 256 + 127;

/// Columns of a slice, as on halves.
pub const WIDTH: usize = 128;

/// A matrix whose inputs are taken in quads 4j … 4j + 3, and some neighbouring quads at a time.
#[derive(Debug)]
pub struct Bytes {
    /// Quads of inputs, the last one perhaps with nothing in its last places.
    quads: usize,
    /// Quads of a tile, and rows of outputs.
    depth: usize,
    height: usize,
    /// Output rows, in the order of the source's blocks.
    rows: Vec<u32>,
    /// The first quad of each step of a segment.
    steps: Vec<u32>,
    /// `[step][height][16 quads][4]` for each segment; equal segments share theirs.
    weights: Lines<i8>,
    segments: Vec<Segment>,
}

/// Up to [`ROWS`] outputs and some of what they read.
#[derive(Debug)]
struct Segment {
    /// Whether no other segment of these outputs comes before, or after.
    first: bool,
    last: bool,
    /// Which byte of the weights.
    byte: usize,
    steps: Range<usize>,
    rows: Range<usize>,
    /// Where its weights start.
    weights: usize,
}

impl Bytes {
    /// Whether the processor has what it takes, slices are whole vectors, and weights are two bytes.
    pub fn suits(simd: Simd, degree: usize, source: &BlockMatrix) -> bool {
        simd.level() >= Level::Amx
            && degree.is_multiple_of(COLUMNS)
            && source.max_weight() <= HEAVIEST
    }

    /// About how many cycles 16 columns take: a multiplication one a row, and at least eight, a tile 8
    /// to load and 16 to store, and a row's sums 15 to be brought together.
    pub fn cycles(&self) -> usize {
        let step = 4 * self.height.max(8) + 16;
        self.segments.iter().map(|s| s.steps.len() * step + 64 + s.rows.len() * 15).sum()
    }

    /// A slice as bytes, `[component][16 columns][quad][digit][column][input of the quad]`. Squares are
    /// Montgomery products.
    pub fn load(&self, simd: Simd, m: &Modulus, x: Slice<'_>, out: &mut Lines<u32>) {
        assert!(simd.level() >= Level::Amx && x.width.is_multiple_of(COLUMNS));
        let (size, padded) = (self.size(x.width), self.padded());
        // SAFETY: a `Simd` exists only for what the processor was asked about.
        unsafe { kernel::fill(m, x, padded, out.at_least(x.components() * size)) };
    }

    /// y += matrix·x for one component of what [`Bytes::load`] made.
    pub fn add(
        &self,
        simd: Simd,
        m: &Modulus,
        x: Loaded,
        component: usize,
        room: &mut Room,
        y: &mut Rows<'_>,
    ) {
        assert!(simd.level() >= Level::Amx && x.width.is_multiple_of(COLUMNS));
        let size = self.size(x.width);
        let sums = room.sums.at_least(self.rows.len() * PASS);
        let words = &room.words[component * size..][..size];
        // SAFETY: a `Simd` exists only for what the processor was asked about.
        unsafe { kernel::product(m, x, self, words, sums, y) };
    }

    /// Quads that 16 columns have room for: a tile may begin with any quad that there is, and reads
    /// `depth`, with weights 0 beyond.
    fn padded(&self) -> usize {
        self.quads + self.depth
    }

    /// Words of one component of a slice.
    fn size(&self, width: usize) -> usize {
        width / COLUMNS * self.padded() * QUAD
    }
}
