//! In which order the rows of a value are computed.
//!
//! The answer's rows ask for what they read, and that for what it reads: a row is computed when its
//! first reader is, and can go when its last one is done. What one row reads goes in the order in which
//! it can be had: a row's *key* is where the last of its sources stands among the rows of its own
//! value, sorted by their keys. For a convolution that is an order from top to bottom, all channels of
//! a position together; for networks of other kinds it is what their matrices make it. Nothing here
//! knows of images.

use super::stages::Stage;
use crate::ring::BlockMatrix;

/// For each value (0 is the input, k the result of stage k − 1): its rows in order.
///
/// The last value, the answer, keeps its own.
pub fn orders(inputs: usize, stages: &[Stage<'_>]) -> Vec<Vec<u32>> {
    let (keys, blocks) = (keys(inputs, stages), blocks(stages));
    let seen = keys.iter().map(|k| vec![false; k.len()]).collect();
    let orders = vec![vec![]; keys.len()];
    let mut walk = Walk { stages, blocks, keys, seen, orders };
    // The answer asks for all that it depends on; what nobody reads comes at the end.
    for value in (0..walk.keys.len()).rev() {
        (0..walk.keys[value].len() as u32).for_each(|row| walk.visit(value, row));
    }
    walk.orders
}

/// When a row can be had, at the earliest: where the last and the first of its sources stand, as
/// fractions of their values in 2³² parts. Constants come first.
pub type Key = (u64, u64);

/// The keys of the rows of every value.
pub fn keys(inputs: usize, stages: &[Stage<'_>]) -> Vec<Vec<Key>> {
    let mut keys = vec![input_keys(inputs, stages)];
    let mut places = vec![fractions(&keys[0])];
    for stage in stages {
        let mut own = vec![(0, u64::MAX); stage.rows];
        for t in &stage.terms {
            for (i, block) in t.matrix.blocks().iter().enumerate() {
                let at = t.reads(i).iter().map(|&c| places[t.source][c as usize]);
                let (last, first) = (at.clone().max(), at.min());
                for &row in &t.matrix.rows()[block.rows.clone()] {
                    let own = &mut own[row as usize];
                    own.0 = own.0.max(last.unwrap_or(0));
                    own.1 = own.1.min(first.unwrap_or(u64::MAX));
                }
            }
        }
        places.push(fractions(&own));
        keys.push(own);
    }
    keys
}

/// The input's keys, by who reads it first: of an image, the channels of a position together.
fn input_keys(inputs: usize, stages: &[Stage<'_>]) -> Vec<Key> {
    let mut keys = vec![(u64::MAX, 0); inputs];
    let reader = stages.iter().flat_map(|s| &s.terms).find(|t| t.source == 0);
    if let Some(t) = reader {
        for (i, block) in t.matrix.blocks().iter().enumerate() {
            let row = t.matrix.rows()[block.rows.clone()].iter().min();
            for &c in t.reads(i) {
                let key = &mut keys[c as usize];
                key.0 = row.map_or(key.0, |&row| key.0.min(row.into()));
            }
        }
    }
    keys
}

/// Where each row stands among those of its value, sorted by their keys: equal keys, equal places.
pub fn fractions(keys: &[Key]) -> Vec<u64> {
    let mut sorted: Vec<usize> = (0..keys.len()).collect();
    sorted.sort_by_key(|&row| keys[row]);
    let mut out = vec![0; keys.len()];
    let mut place = 0;
    for (i, &row) in sorted.iter().enumerate() {
        if i == 0 || keys[sorted[i - 1]] != keys[row] {
            place = ((i + 1) as u64) << 32;
        }
        out[row] = place / keys.len() as u64;
    }
    out
}

/// For each stage, for each term, the block of each row.
fn blocks(stages: &[Stage<'_>]) -> Vec<Vec<Vec<u32>>> {
    let of_term = |m: &BlockMatrix| {
        let mut of = vec![0; m.outputs()];
        for (block, i) in m.blocks().iter().zip(0..) {
            m.rows()[block.rows.clone()].iter().for_each(|&row| of[row as usize] = i);
        }
        of
    };
    stages.iter().map(|s| s.terms.iter().map(|t| of_term(&t.matrix)).collect()).collect()
}

/// Rows in the order in which they are asked for, depth first.
struct Walk<'a> {
    stages: &'a [Stage<'a>],
    /// As [`blocks`] says.
    blocks: Vec<Vec<Vec<u32>>>,
    keys: Vec<Vec<Key>>,
    seen: Vec<Vec<bool>>,
    orders: Vec<Vec<u32>>,
}

impl Walk<'_> {
    /// A row, after all that it depends on. Sources are earlier values: the recursion is as deep as
    /// there are stages.
    fn visit(&mut self, value: usize, row: u32) {
        if std::mem::replace(&mut self.seen[value][row as usize], true) {
            return;
        }
        if let Some(stage) = value.checked_sub(1) {
            if let Some(onto) = self.stages[stage].onto {
                self.visit(onto, row);
            }
            let mut wanted = Vec::new();
            for (t, block_of) in self.stages[stage].terms.iter().zip(&self.blocks[stage]) {
                let columns = t.reads(block_of[row as usize] as usize).iter();
                let new = columns.filter(|&&c| !self.seen[t.source][c as usize]);
                wanted.extend(new.map(|&c| (self.keys[t.source][c as usize], t.source, c)));
            }
            wanted.sort_unstable();
            wanted.into_iter().for_each(|(_, source, column)| self.visit(source, column));
        }
        self.orders[value].push(row);
    }
}

/// Where rows of equal support end in an order: cuts there tear no block apart.
pub fn seams(order: &[u32], matrix: &BlockMatrix) -> Vec<bool> {
    let mut block = vec![0; order.len()];
    for (i, b) in matrix.blocks().iter().enumerate() {
        matrix.rows()[b.rows.clone()].iter().for_each(|&row| block[row as usize] = i);
    }
    let of = |at: usize| block[order[at] as usize];
    (0..order.len()).map(|at| at + 1 == order.len() || of(at) != of(at + 1)).collect()
}
