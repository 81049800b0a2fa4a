//! When and where: the rows of every value in chunks, the order in which chunks are computed, and
//! the place of each in its value's tile.
//!
//! Depth first: of all chunks whose sources are there, the one of the deepest layer is next. A
//! chunk's place is free again after its last reader, so a value's tile has room for what of it
//! lives at one time, and small chunks make small tiles.

use super::order::{orders, seams};
use crate::plan::Program;
use crate::ring::Shape;
use std::ops::Range;

/// Some rows of a value, computed together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// 0 is the input, k the result of step k − 1.
    pub value: usize,
    /// Which rows, as places in [`Layout::orders`].
    pub rows: Range<usize>,
    /// Where the first of them lies in the value's tile; the others follow.
    pub at: usize,
}

/// A program cut to pieces.
#[derive(Clone, Debug)]
pub struct Layout {
    /// For each value, its rows in the order in which they are computed.
    pub orders: Vec<Vec<u32>>,
    /// For each value, where each of its rows lies in the value's tile while it lives.
    pub slots: Vec<Vec<u32>>,
    /// The tile of each value.
    pub tiles: Vec<Shape>,
    /// What is done, one after another.
    pub tasks: Vec<Task>,
    /// Bytes of all tiles, and of the largest sum that waits to be switched.
    pub bytes: u64,
}

/// Chunks of a value, its rows as places in its order.
type Chunks = Vec<Range<usize>>;

impl Layout {
    /// Cuts a program over a ring of degree `degree` to chunks whose sums take about `grain` bytes.
    pub fn new(program: &Program, degree: usize, grain: u64) -> Self {
        let orders = orders(program);
        let chunks = cut(program, degree, grain, &orders);
        let reads = reads(program, &orders, &chunks);
        let sequence = depth_first(&chunks, &reads);
        let (starts, rooms) = place(&chunks, &reads, &sequence);

        let values = std::iter::once(&program.input).chain(program.steps.iter().map(|s| &s.value));
        let tiles: Vec<Shape> = values
            .zip(&rooms)
            .map(|(v, &rows)| Shape { primes: v.level, components: v.components, rows, degree })
            .collect();
        let slots = orders
            .iter()
            .zip(chunks.iter().zip(&starts))
            .map(|(order, (chunks, starts))| {
                let mut slots = vec![0; order.len()];
                for (rows, &start) in chunks.iter().zip(starts) {
                    let own = order[rows.clone()].iter().zip(start as u32..);
                    own.for_each(|(&row, slot)| slots[row as usize] = slot);
                }
                slots
            })
            .collect();
        let tasks: Vec<Task> = sequence
            .iter()
            .map(|&(value, i)| Task { value, rows: chunks[value][i].clone(), at: starts[value][i] })
            .collect();
        let sum = tasks
            .iter()
            .filter(|t| t.value > 0 && program.steps[t.value - 1].switch.is_some())
            .map(|t| bytes_of_sum(program, degree, t.value) * t.rows.len() as u64)
            .max();
        let bytes = tiles.iter().map(|t| 4 * t.residues() as u64).sum::<u64>() + sum.unwrap_or(0);
        Self { orders, slots, tiles, tasks, bytes }
    }

    /// The layout with the coarsest chunks that takes at most `budget` bytes; or the one that takes
    /// least.
    pub fn within(program: &Program, degree: usize, budget: u64) -> Self {
        /// Large enough to keep all threads busy, small enough that tiles stay small.
        const COARSEST: u64 = 256 << 20;
        /// About one polynomial of the smallest ring.
        const FINEST: u64 = 1 << 12;
        let mut grain = COARSEST;
        let mut best = Self::new(program, degree, grain);
        while best.bytes > budget && grain > FINEST {
            grain /= 2;
            let finer = Self::new(program, degree, grain);
            if finer.bytes < best.bytes {
                best = finer;
            }
        }
        best
    }

    /// The task after which each value is complete.
    pub fn completions(&self) -> Vec<usize> {
        let mut last = vec![0; self.tiles.len()];
        self.tasks.iter().enumerate().for_each(|(i, t)| last[t.value] = i);
        last
    }
}

/// Bytes of one row of a value's sum, as wide as it can be; of a row of the input.
fn bytes_of_sum(program: &Program, degree: usize, value: usize) -> u64 {
    let polys = match value {
        0 => 2 * program.input.level,
        k => 3 * program.steps[k - 1].level(),
    };
    4 * (polys * degree) as u64
}

/// Chunks of about `grain` bytes, at least a row. Rows of equal support stay together where they
/// fit.
fn cut(program: &Program, degree: usize, grain: u64, orders: &[Vec<u32>]) -> Vec<Chunks> {
    orders
        .iter()
        .enumerate()
        .map(|(value, order)| {
            let most = (grain / bytes_of_sum(program, degree, value)).max(1) as usize;
            let seams = match value {
                0 => vec![true; order.len()],
                k => program.steps[k - 1]
                    .terms
                    .first()
                    .map_or_else(|| vec![true; order.len()], |t| seams(order, &t.matrix)),
            };
            let (mut chunks, mut start) = (Vec::new(), 0);
            while start < order.len() {
                let end = order.len().min(start + most);
                let seam = (start..end).rev().find(|&at| seams[at]).map(|at| at + 1);
                chunks.push(start..seam.unwrap_or(end));
                start = seam.unwrap_or(end);
            }
            chunks
        })
        .collect()
}

/// For each chunk, the chunks (value, index) that it reads.
fn reads(
    program: &Program,
    orders: &[Vec<u32>],
    chunks: &[Chunks],
) -> Vec<Vec<Vec<(usize, usize)>>> {
    // The chunk of each row of each value.
    let chunk_of: Vec<Vec<u32>> = orders
        .iter()
        .zip(chunks)
        .map(|(order, chunks)| {
            let mut of = vec![0; order.len()];
            for (rows, i) in chunks.iter().zip(0..) {
                order[rows.clone()].iter().for_each(|&row| of[row as usize] = i);
            }
            of
        })
        .collect();
    let mut reads = vec![vec![vec![]; chunks[0].len()]];
    for (step, value) in program.steps.iter().zip(1..) {
        let mut own: Vec<Vec<(usize, usize)>> = vec![vec![]; chunks[value].len()];
        for t in &step.terms {
            for block in t.matrix.blocks() {
                let mut sources: Vec<u32> = t.matrix.columns()[block.columns.clone()]
                    .iter()
                    .map(|&c| chunk_of[t.source][c as usize])
                    .collect();
                sources.sort_unstable();
                sources.dedup();
                let mut readers: Vec<u32> = t.matrix.rows()[block.rows.clone()]
                    .iter()
                    .map(|&row| chunk_of[value][row as usize])
                    .collect();
                readers.sort_unstable();
                readers.dedup();
                for reader in readers {
                    own[reader as usize].extend(sources.iter().map(|&s| (t.source, s as usize)));
                }
            }
        }
        for own in &mut own {
            own.sort_unstable();
            own.dedup();
        }
        reads.push(own);
    }
    reads
}

/// Chunks (value, index), the deepest first whose sources are there, each value's in order.
fn depth_first(chunks: &[Chunks], reads: &[Vec<Vec<(usize, usize)>>]) -> Vec<(usize, usize)> {
    let mut done = vec![0; chunks.len()];
    let mut sequence = Vec::new();
    let total: usize = chunks.iter().map(Vec::len).sum();
    while sequence.len() < total {
        // Sources come before their readers, so that some chunk is always ready.
        let next = (0..chunks.len()).rev().find(|&value| {
            let index = done[value];
            index < chunks[value].len() && reads[value][index].iter().all(|&(v, i)| i < done[v])
        });
        let Some(value) = next else { break };
        sequence.push((value, done[value]));
        done[value] += 1;
    }
    sequence
}

/// Where each chunk starts in its value's tile, and the rows of each tile.
fn place(
    chunks: &[Chunks],
    reads: &[Vec<Vec<(usize, usize)>>],
    sequence: &[(usize, usize)],
) -> (Vec<Vec<usize>>, Vec<usize>) {
    let mut readers: Vec<Vec<usize>> = chunks.iter().map(|c| vec![0; c.len()]).collect();
    for &(v, i) in reads.iter().flatten().flatten() {
        readers[v][i] += 1;
    }
    // The answer is read when all is done.
    if let Some(answer) = readers.last_mut() {
        answer.iter_mut().for_each(|r| *r += 1);
    }
    let mut starts: Vec<Vec<usize>> = chunks.iter().map(|c| vec![0; c.len()]).collect();
    let mut living: Vec<Vec<Range<usize>>> = vec![vec![]; chunks.len()];
    let mut rooms = vec![0; chunks.len()];
    for &(value, i) in sequence {
        let rows = chunks[value][i].len();
        let start = first_fit(&living[value], rows);
        starts[value][i] = start;
        rooms[value] = rooms[value].max(start + rows);
        if readers[value][i] > 0 {
            let at = living[value].partition_point(|l| l.start < start);
            living[value].insert(at, start..start + rows);
        }
        for &(v, source) in &reads[value][i] {
            readers[v][source] -= 1;
            if readers[v][source] == 0 {
                living[v].retain(|l| l.start != starts[v][source]);
            }
        }
    }
    (starts, rooms)
}

/// The first gap of `rows` rows between places in ascending order.
fn first_fit(living: &[Range<usize>], rows: usize) -> usize {
    let mut at = 0;
    for l in living {
        if l.start >= at + rows {
            break;
        }
        at = l.end;
    }
    at
}
