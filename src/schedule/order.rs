//! In which order the rows of a value are computed.
//!
//! A layer of a network often reads a few neighbours: a row can be computed as soon as the rows that
//! it reads are there, and what it reads can go as soon as its last reader is done. So rows are
//! ordered by when they are *ready*: by the last input value that they depend on. For a convolution
//! that is an order from top to bottom, all channels of a position together; for networks of other
//! kinds it is what their matrices make it. Nothing here knows of images.

use crate::plan::Program;
use crate::ring::BlockMatrix;

/// For each value of a program (0 is the input, k the result of step k − 1): its rows in order.
///
/// The last value, the answer, keeps its own.
pub fn orders(program: &Program) -> Vec<Vec<u32>> {
    let input = inputs(program);
    // When each row is ready, as a place in the order of the input.
    let mut ready = vec![places(&input)];
    let mut place = vec![ready[0].clone()];
    let mut orders = vec![input];
    for (index, step) in program.steps.iter().enumerate() {
        let mut when = vec![(0u32, u32::MAX); step.value.rows];
        for t in &step.terms {
            for block in t.matrix.blocks() {
                let columns = &t.matrix.columns()[block.columns.clone()];
                let last = columns.iter().map(|&c| ready[t.source][c as usize]).max();
                let first = columns.iter().map(|&c| place[t.source][c as usize]).min();
                for &row in &t.matrix.rows()[block.rows.clone()] {
                    let when = &mut when[row as usize];
                    when.0 = when.0.max(last.unwrap_or(0));
                    when.1 = when.1.min(first.unwrap_or(u32::MAX));
                }
            }
        }
        let mut order: Vec<u32> = (0..step.value.rows as u32).collect();
        if index + 1 < program.steps.len() {
            // Rows of equal support stay together: they are computed together.
            order.sort_by_key(|&row| (when[row as usize], row));
        }
        ready.push(when.iter().map(|w| w.0).collect());
        place.push(places(&order));
        orders.push(order);
    }
    orders
}

/// The input's rows by who reads them first: of an image, the channels of a position together.
fn inputs(program: &Program) -> Vec<u32> {
    let mut first = vec![u32::MAX; program.input.rows];
    let reader = program.steps.iter().flat_map(|s| &s.terms).find(|t| t.source == 0);
    if let Some(t) = reader {
        for block in t.matrix.blocks() {
            let row = t.matrix.rows()[block.rows.clone()].iter().min();
            for &c in &t.matrix.columns()[block.columns.clone()] {
                let first = &mut first[c as usize];
                *first = (*first).min(row.copied().unwrap_or(u32::MAX));
            }
        }
    }
    let mut order: Vec<u32> = (0..program.input.rows as u32).collect();
    order.sort_by_key(|&row| (first[row as usize], row));
    order
}

/// The place of each row in an order.
pub fn places(order: &[u32]) -> Vec<u32> {
    let mut places = vec![0; order.len()];
    order.iter().zip(0..).for_each(|(&row, place)| places[row as usize] = place);
    places
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
