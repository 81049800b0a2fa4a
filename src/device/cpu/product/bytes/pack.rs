//! Weights in tiles.

use super::{Bytes, DEPTH, NORM, ROWS, Segment};
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
            let own = packer.segments.len();
            panels(block.rows.clone()).for_each(|rows| packer.panel(block, rows));
            // Panels side by side, as far as they have come.
            let steps = &packer.steps;
            packer.segments[own..]
                .sort_by_key(|s| (!s.first, steps[s.steps.clone()].first().copied()));
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
    /// Packs up to [`ROWS`] rows of a block.
    fn panel(&mut self, block: &Block, rows: Range<usize>) {
        let columns = &self.source.columns()[block.columns.clone()];
        let order = ascending(columns);
        let steps = steps(order.iter().map(|&k| columns[k] / 4), self.depth);
        let (mut tile, mut none) = (vec![0; self.height * 4 * DEPTH], true);
        for byte in 0..2 {
            let mut segment = Vec::new();
            let mut packed = Vec::new();
            let mut sums = vec![0; rows.len()];
            let mut rest = &order[..];
            for &quad in &steps {
                let end = quad as usize + self.depth;
                let count = rest.partition_point(|&k| (columns[k] as usize / 4) < end);
                let (inside, after) = rest.split_at(count);
                rest = after;
                tile.fill(0);
                let mut more = vec![0; rows.len()];
                for (i, row) in rows.clone().enumerate() {
                    let at = block.weights + (row - block.rows.start) * columns.len();
                    for &k in inside {
                        let w = bytes(self.source.weights()[at + k])[byte];
                        tile[i * 4 * DEPTH + (columns[k] - 4 * quad) as usize] = w;
                        more[i] += u32::from(w.unsigned_abs());
                    }
                }
                if more.iter().all(|&m| m == 0) {
                    continue;
                }
                // A tile alone has at most 64·128 = NORM/2.
                if sums.iter().zip(&more).any(|(s, m)| s + m > NORM) {
                    self.segment(&mut none, byte, &mut segment, &rows, &mut packed);
                    sums.fill(0);
                }
                sums.iter_mut().zip(&more).for_each(|(s, m)| *s += m);
                segment.push(quad);
                packed.extend_from_slice(&tile);
            }
            if !segment.is_empty() {
                self.segment(&mut none, byte, &mut segment, &rows, &mut packed);
            }
        }
        if none {
            // Outputs that read nothing have constants still.
            self.segment(&mut none, 0, &mut Vec::new(), &rows, &mut Vec::new());
        }
    }

    /// Takes the steps gathered.
    fn segment(
        &mut self,
        none: &mut bool,
        byte: usize,
        steps: &mut Vec<u32>,
        rows: &Range<usize>,
        packed: &mut Vec<i8>,
    ) {
        let weights = *self.known.entry(std::mem::take(packed)).or_insert_with_key(|packed| {
            self.weights.extend_from_slice(packed);
            self.weights.len() - packed.len()
        });
        let start = self.steps.len();
        self.steps.append(steps);
        let steps = start..self.steps.len();
        let first = std::mem::replace(none, false);
        self.segments.push(Segment { first, byte, steps, rows: rows.clone(), weights });
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

/// w₀ and w₁ with w = w₀ + w₁·2⁸, for weights within ±[`super::HEAVIEST`].
fn bytes(w: i32) -> [i8; 2] {
    let low = w as i8;
    [low, ((w - i32::from(low)) >> 8) as i8]
}
