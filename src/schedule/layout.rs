//! When and where: the rows of every value in chunks, the order in which chunks are computed, and
//! the place of each in its value's tile.
//!
//! Depth first: the answer asks for what it reads, chunk by chunk, and that for what it reads. A
//! chunk's place is free again after its last reader, so a value's tile has room for what of it
//! lives at one time, and small chunks make small tiles.

use super::inline::inlined;
use super::order::{orders, seams};
use super::stages::{Stage, in_parts, whole};
use crate::plan::{Program, Value};
use crate::ring::{BlockMatrix, Shape};
use std::collections::HashMap;
use std::ops::Range;

/// Some rows of a value, computed together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// 0 is the input, k the result of stage k − 1.
    pub value: usize,
    /// Which rows, as places in [`Layout::orders`].
    pub rows: Range<usize>,
    /// Where the first of them lies in the value's tile; the others follow.
    pub at: usize,
}

/// Stages cut to pieces.
#[derive(Clone, Debug)]
pub struct Layout {
    /// For each value, its rows in the order in which they are computed.
    pub orders: Vec<Vec<u32>>,
    /// For each value, where each of its rows lies in its tile while it lives.
    pub slots: Vec<Vec<u32>>,
    /// For each value, which of the tiles it lies in: the parts of a sum in one, others alone.
    pub tile_of: Vec<usize>,
    /// The extents of each tile.
    pub tiles: Vec<Shape>,
    /// What is done, one after another.
    pub tasks: Vec<Task>,
    /// Bytes of all tiles, and of the largest sum that waits to be switched: less of it where an engine keeps a part
    /// among the results.
    pub bytes: u64,
}

/// Rows of equal support stay together up to so many times the grain: torn apart, each of them would
/// read all that they share.
const WHOLE: usize = 32;

/// Chunks of a value, its rows as places in its order.
type Chunks = Vec<Range<usize>>;

impl Layout {
    /// Cuts stages over a ring of degree `degree` to chunks whose sums take about `grain` bytes.
    pub fn new(input: &Value, stages: &[Stage<'_>], degree: usize, grain: u64) -> Self {
        let orders = orders(input.rows, stages);
        let chunks = cut(input, stages, degree, grain, &orders);
        let reads = reads(stages, &orders, &chunks);
        let sequence = on_demand(stages, &chunks, &reads);
        let tile_of = tiles(stages);
        let (starts, rooms) = place(stages, &tile_of, &chunks, &reads, &sequence);

        let mut tiles = vec![Shape { primes: input.level, components: 2, rows: rooms[0], degree }];
        for stage in stages.iter().filter(|s| s.onto.is_none()) {
            let (primes, components, rows) = (stage.primes, stage.components, rooms[tiles.len()]);
            tiles.push(Shape { primes, components, rows, degree });
        }
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
            .filter(|t| t.value > 0 && stages[t.value - 1].switch.is_some())
            .map(|t| stages[t.value - 1].bytes_of_sum(degree) * t.rows.len() as u64)
            .max();
        let bytes = tiles.iter().map(|t| 4 * t.residues() as u64).sum::<u64>() + sum.unwrap_or(0);
        Self { orders, slots, tile_of, tiles, tasks, bytes }
    }

    /// The stages of a program and their layout with the coarsest chunks, of at most about `grain`
    /// bytes, that takes at most `budget` bytes; or with the one that takes least. Sums are made where
    /// they are squared if that may be, fits, and pays.
    pub fn within(
        program: &Program,
        degree: usize,
        grain: u64,
        budget: u64,
        inline: bool,
    ) -> (Vec<Stage<'_>>, Self) {
        let of_steps = |steps| Self::of_steps(program, steps, degree, grain, budget);
        let all = inline.then(|| of_steps(inlined(program)));
        let good = all.filter(|(stages, layout)| layout.bytes <= budget && layout.pays(stages));
        good.unwrap_or_else(|| of_steps(whole(program)))
    }

    fn of_steps<'a>(
        program: &Program,
        steps: Vec<Stage<'a>>,
        degree: usize,
        mut grain: u64,
        budget: u64,
    ) -> (Vec<Stage<'a>>, Self) {
        /// About one polynomial of the smallest ring.
        const FINEST: u64 = 1 << 12;
        let of_grain = |grain| {
            let stages = in_parts(program, steps.clone(), degree, grain);
            let layout = Self::new(&program.input, &stages, degree, grain);
            (stages, layout)
        };
        let mut best = of_grain(grain);
        while best.1.bytes > budget && grain > FINEST {
            grain /= 2;
            let finer = of_grain(grain);
            if finer.1.bytes < best.1.bytes {
                best = finer;
            }
        }
        best
    }

    /// Whether sums made where they are squared, again by each chunk that reads them, take no longer than
    /// writing them once and reading them as often.
    fn pays(&self, stages: &[Stage<'_>]) -> bool {
        /// Multiply-adds in the time in which a residue goes to memory or comes, and in which a sum of them
        /// is reduced: 50·10⁹ and 2.5·10⁹ a second, and 25 instructions for 16 sums.
        const MOVED: usize = 20;
        const REDUCED: usize = 25;
        let mut made: HashMap<usize, (&BlockMatrix, usize)> = HashMap::new();
        for task in self.tasks.iter().filter(|task| task.value > 0) {
            for (t, inner) in stages[task.value - 1].inners() {
                let rows = &self.orders[task.value][task.rows.clone()];
                made.entry(inner.step).or_insert((inner.matrix, 0)).1 += t.sources(rows).len();
            }
        }
        made.into_values().all(|(matrix, made)| {
            let once = matrix.outputs();
            let each = matrix.multiply_adds() / once.max(1) + REDUCED;
            made.saturating_sub(once) * each <= (made + once) * MOVED
        })
    }

    /// The task after which each value is complete.
    pub fn completions(&self) -> Vec<usize> {
        let mut last = vec![0; self.orders.len()];
        self.tasks.iter().enumerate().for_each(|(i, t)| last[t.value] = i);
        last
    }
}

/// Chunks of about `grain` bytes, at least a row; a part of a sum is one chunk. Rows of equal support
/// stay together where they fit.
fn cut(
    input: &Value,
    stages: &[Stage<'_>],
    degree: usize,
    grain: u64,
    orders: &[Vec<u32>],
) -> Vec<Chunks> {
    orders
        .iter()
        .enumerate()
        .map(|(value, order)| {
            let stage = value.checked_sub(1).map(|k| &stages[k]);
            let bytes = stage.map_or(8 * (input.level * degree) as u64, |s| s.bytes_of_sum(degree));
            let most = match stage {
                Some(Stage { is_part: true, .. }) => order.len().max(1),
                _ => (grain / bytes).max(1) as usize,
            };
            let seams = stage
                .and_then(|s| s.terms.first())
                .map_or_else(|| vec![true; order.len()], |t| seams(order, &t.matrix));
            let (mut chunks, mut start) = (Vec::new(), 0);
            while start < order.len() {
                let end = order.len().min(start + most);
                let before = (start..end).rev().find(|&at| seams[at]);
                let block = order.len().min(start.saturating_add(most.saturating_mul(WHOLE)));
                let seam = before.or_else(|| (end..block).find(|&at| seams[at]));
                let end = seam.map_or(end, |at| at + 1);
                chunks.push(start..end);
                start = end;
            }
            chunks
        })
        .collect()
}

/// For each chunk, the chunks (value, index) that it reads.
fn reads(
    stages: &[Stage<'_>],
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
    for (stage, value) in stages.iter().zip(1..) {
        let mut own: Vec<Vec<(usize, usize)>> = vec![vec![]; chunks[value].len()];
        for t in &stage.terms {
            for (i, block) in t.matrix.blocks().iter().enumerate() {
                let mut sources: Vec<u32> =
                    t.reads(i).iter().map(|&c| chunk_of[t.source][c as usize]).collect();
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
            own.extend(stage.onto.map(|before| (before, 0)));
            // Latest values first: they ask for most, and for parts before what is added to them.
            own.sort_unstable_by_key(|&(v, i)| (std::cmp::Reverse(v), i));
            own.dedup();
        }
        reads.push(own);
    }
    reads
}

/// Chunks (value, index), each value's in order: each when a reader asks for it, and parts of sums as
/// soon as what they read is there.
fn on_demand(
    stages: &[Stage<'_>],
    chunks: &[Chunks],
    reads: &[Vec<Vec<(usize, usize)>>],
) -> Vec<(usize, usize)> {
    let mut waiting = HashMap::new();
    let mut missing = vec![0; chunks.len()];
    for (value, _) in (1..).zip(stages).filter(|(_, stage)| stage.is_part) {
        missing[value] = reads[value].iter().flatten().count();
        for &source in reads[value].iter().flatten() {
            waiting.entry(source).or_insert_with(Vec::new).push(value);
        }
    }
    let done = vec![0; chunks.len()];
    let mut demand = Demand { reads, waiting, missing, done, sequence: vec![] };
    // The answer asks for all that it depends on; what nobody reads comes at the end.
    for value in (0..chunks.len()).rev() {
        demand.run(value, chunks[value].len());
    }
    demand.sequence
}

struct Demand<'a> {
    reads: &'a [Vec<Vec<(usize, usize)>>],
    /// The parts that read a chunk, and how many chunks each of them still misses.
    waiting: HashMap<(usize, usize), Vec<usize>>,
    missing: Vec<usize>,
    /// How many of its chunks each value has.
    done: Vec<usize>,
    sequence: Vec<(usize, usize)>,
}

impl Demand<'_> {
    /// The first `upto` chunks of a value.
    fn run(&mut self, value: usize, upto: usize) {
        while self.done[value] < upto {
            let index = self.done[value];
            // Sources are earlier values: the recursion is as deep as there are stages.
            for &(v, i) in &self.reads[value][index] {
                self.run(v, i + 1);
            }
            // A part may have been computed on the way, by the last of what it reads.
            if self.done[value] == index {
                self.sequence.push((value, index));
                self.done[value] += 1;
                for part in self.waiting.remove(&(value, index)).unwrap_or_default() {
                    self.missing[part] -= 1;
                    if self.missing[part] == 0 {
                        self.run(part, 1);
                    }
                }
            }
        }
    }
}

/// The tile of each value.
fn tiles(stages: &[Stage<'_>]) -> Vec<usize> {
    let mut tile_of = vec![0];
    let mut count = 1;
    for stage in stages {
        tile_of.push(stage.onto.map_or(count, |before| tile_of[before]));
        count += usize::from(stage.onto.is_none());
    }
    tile_of
}

/// Where each chunk starts in its tile, and the rows of each tile.
fn place(
    stages: &[Stage<'_>],
    tile_of: &[usize],
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
    let tiles = tile_of.iter().max().map_or(0, |last| last + 1);
    let mut starts: Vec<Vec<usize>> = chunks.iter().map(|c| vec![0; c.len()]).collect();
    let mut living: Vec<Vec<Range<usize>>> = vec![vec![]; tiles];
    let mut rooms = vec![0; tiles];
    for &(value, i) in sequence {
        let (rows, tile) = (chunks[value][i].len(), tile_of[value]);
        let onto = value.checked_sub(1).and_then(|k| stages[k].onto);
        if let Some(before) = onto {
            starts[value][i] = starts[before][i];
        } else {
            let start = first_fit(&living[tile], rows);
            starts[value][i] = start;
            rooms[tile] = rooms[tile].max(start + rows);
            if readers[value][i] > 0 {
                let at = living[tile].partition_point(|l| l.start < start);
                living[tile].insert(at, start..start + rows);
            }
        }
        // What it is added to goes on living as its own.
        for &(v, source) in reads[value][i].iter().filter(|r| Some(r.0) != onto) {
            readers[v][source] -= 1;
            if readers[v][source] == 0 {
                living[tile_of[v]].retain(|l| l.start != starts[v][source]);
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
