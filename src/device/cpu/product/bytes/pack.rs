//! Weights in tiles.

use super::{Bytes, DEPTH, NORM, QUADS, ROWS, SUM, Segment};
use crate::math::Lines;
use crate::ring::{Block, BlockMatrix};
use std::collections::HashMap;
use std::ops::Range;

impl Bytes {
    /// Packs a matrix that suits. Neighbouring inputs are best read by the same outputs.
    pub fn new(source: &BlockMatrix) -> Self {
        let height = source.blocks().iter().flat_map(|b| panels(b.rows.clone())).map(|p| p.len());
        let mut packer = Packer {
            source,
            depth: depth(source),
            height: height.max().unwrap_or(1),
            steps: Vec::new(),
            weights: Vec::new(),
            segments: Vec::new(),
            known: HashMap::new(),
        };
        for block in source.blocks() {
            let mut own: Vec<(usize, Segment)> = Vec::new();
            panels(block.rows.clone()).for_each(|rows| own.extend(packer.panel(block, rows)));
            // Panels side by side, as far as they have come.
            own.sort_by_key(|&(turn, _)| turn);
            packer.segments.extend(own.into_iter().map(|(_, segment)| segment));
        }
        Self {
            quads: source.inputs().div_ceil(4),
            depth: packer.depth,
            height: packer.height,
            rows: source.rows().to_vec(),
            steps: packer.steps,
            weights: Lines::from(&packer.weights[..]),
            segments: packer.segments,
        }
    }
}

/// A matrix on its way into tiles.
struct Packer<'a> {
    source: &'a BlockMatrix,
    depth: usize,
    height: usize,
    steps: Vec<u32>,
    weights: Vec<i8>,
    segments: Vec<Segment>,
    /// Where weights that are packed already start.
    known: HashMap<Vec<i8>, usize>,
}

impl Packer<'_> {
    /// Packs up to [`ROWS`] rows of a block, in segments that come one after another.
    fn panel(
        &mut self,
        block: &Block,
        rows: Range<usize>,
    ) -> impl Iterator<Item = (usize, Segment)> {
        let columns = &self.source.columns()[block.columns.clone()];
        let weights = &self.source.weights()[block.weights..];
        let order = ascending(columns);
        let steps = steps(order.iter().map(|&k| columns[k] / 4), self.depth);
        let is_sum = self.source.max_weight() <= SUM;
        let mut out: Vec<Segment> = Vec::new();
        let mut part = Part::new(0, rows.len());
        let mut tile = vec![0; self.height * 4 * DEPTH];
        for byte in 0..2 {
            if byte == 1 && !is_sum {
                out.extend(
                    self.segment(&rows, std::mem::replace(&mut part, Part::new(1, rows.len()))),
                );
            }
            let mut rest = &order[..];
            for &quad in &steps {
                let end = quad as usize + self.depth;
                let count = rest.partition_point(|&k| (columns[k] as usize / 4) < end);
                let (inside, after) = rest.split_at(count);
                rest = after;
                tile.fill(0);
                let mut more = vec![0; rows.len()];
                for (i, row) in rows.clone().enumerate() {
                    let weights = &weights[(row - block.rows.start) * columns.len()..];
                    for &k in inside {
                        let w = bytes(weights[k], is_sum)[byte];
                        tile[i * 4 * DEPTH + (columns[k] - 4 * quad) as usize] = w;
                        more[i] += u32::from(w.unsigned_abs());
                    }
                }
                if more.iter().all(|&m| m == 0) {
                    continue;
                }
                // A tile alone has at most 64·128 = NORM/2.
                let heavy = part.sums.iter().zip(&more).any(|(s, m)| s + m > NORM);
                if heavy || part.steps.len() == QUADS / self.depth {
                    let next = Part::new(part.byte, rows.len());
                    out.extend(self.segment(&rows, std::mem::replace(&mut part, next)));
                }
                part.sums.iter_mut().zip(&more).for_each(|(s, m)| *s += m);
                part.steps.push(quad);
                part.packed.extend_from_slice(&tile);
            }
        }
        out.extend(self.segment(&rows, part));
        if out.is_empty() {
            // Outputs that read nothing have constants still.
            let steps = self.steps.len()..self.steps.len();
            let rows = rows.clone();
            out.push(Segment { first: true, last: true, byte: 0, steps, rows, weights: 0 });
        }
        out[0].first = true;
        out.iter_mut().last().into_iter().for_each(|segment| segment.last = true);
        out.into_iter().enumerate()
    }

    /// What has been gathered, if anything has.
    fn segment(&mut self, rows: &Range<usize>, part: Part) -> Option<Segment> {
        let Part { byte, steps, packed, .. } = part;
        if steps.is_empty() {
            return None;
        }
        let weights = *self.known.entry(packed).or_insert_with_key(|packed| {
            self.weights.extend_from_slice(packed);
            self.weights.len() - packed.len()
        });
        let start = self.steps.len();
        self.steps.extend(steps);
        let (steps, rows) = (start..self.steps.len(), rows.clone());
        Some(Segment { first: false, last: false, byte, steps, rows, weights })
    }
}

/// A segment on its way.
struct Part {
    byte: usize,
    steps: Vec<u32>,
    packed: Vec<i8>,
    /// Σ|w| so far, of each row.
    sums: Vec<u32>,
}

impl Part {
    fn new(byte: usize, rows: usize) -> Self {
        Self { byte, steps: Vec::new(), packed: Vec::new(), sums: vec![0; rows] }
    }
}

/// Positions in the order of what stands there.
fn ascending(columns: &[u32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..columns.len()).collect();
    order.sort_unstable_by_key(|&k| columns[k]);
    order
}

/// Where tiles of `depth` quads begin that cover all quads of an ascending list.
fn steps(quads: impl Iterator<Item = u32>, depth: usize) -> Vec<u32> {
    let mut starts: Vec<u32> = Vec::new();
    for quad in quads {
        if starts.last().is_none_or(|&s| quad >= s + depth as u32) {
            starts.push(quad);
        }
    }
    starts
}

/// Quads of a tile so that there are few tiles, and small ones: a convolution reads a few runs of
/// neighbours, and a product of fewer rows takes less reading.
fn depth(source: &BlockMatrix) -> usize {
    let lists: Vec<(usize, Vec<u32>)> = source
        .blocks()
        .iter()
        .map(|block| {
            let mut quads: Vec<u32> =
                source.columns()[block.columns.clone()].iter().map(|c| c / 4).collect();
            quads.sort_unstable();
            quads.dedup();
            (block.rows.len().div_ceil(ROWS), quads)
        })
        .collect();
    let cost = |depth: usize| {
        let tiles = |(panels, quads): &(usize, Vec<u32>)| {
            panels * steps(quads.iter().copied(), depth).len()
        };
        lists.iter().map(tiles).sum::<usize>() * (4 * ROWS + depth)
    };
    (1..=DEPTH).min_by_key(|&d| cost(d)).unwrap_or(DEPTH)
}

/// Rows in as few panels as there can be, of about one size.
fn panels(rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let count = rows.len().div_ceil(ROWS);
    let at = move |i: usize| rows.start + rows.len() * i / count;
    (0..count).map(move |i| at(i)..at(i + 1))
}

/// Two signed bytes with w = w₀ + w₁, for weights within ±[`SUM`]; or with w = w₀ + w₁·2⁸, within
/// ±[`super::HEAVIEST`].
fn bytes(w: i32, is_sum: bool) -> [i8; 2] {
    let low = if is_sum { w.clamp(-127, 127) as i8 } else { w as i8 };
    let rest = w - i32::from(low);
    [low, if is_sum { rest } else { rest >> 8 } as i8]
}
