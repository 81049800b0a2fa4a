//! In which order the rows of a value are computed.
//!
//! A layer of a network often reads a few neighbours: a row can be computed as soon as the rows that
//! it reads are there, and what it reads can go as soon as its last reader is done. A row is *ready*
//! with the last input value that it depends on, and *needed* when the first of its readers is ready.
//! Rows are ordered by when they are needed. For a convolution that is an order from top to bottom,
//! all channels of a position together; for networks of other kinds it is what their matrices make
//! it. Nothing here knows of images.

use crate::plan::Program;
use crate::ring::BlockMatrix;

/// For each value of a program (0 is the input, k the result of step k − 1): its rows in order.
///
/// The last value, the answer, keeps its own.
pub fn orders(program: &Program) -> Vec<Vec<u32>> {
    let input = inputs(program);
    // Times are places in the order of the input.
    let ready = ready(program, places(&input));
    let needed = needed(program, &ready);
    let mut place = vec![places(&input)];
    let mut orders = vec![input];
    for (value, step) in (1..).zip(&program.steps) {
        let mut order: Vec<u32> = (0..step.value.rows as u32).collect();
        if value < program.steps.len() {
            // Rows of equal support stay together: they are computed together.
            let first = first_read(program, value, &place);
            order.sort_by_key(|&row| {
                let at = row as usize;
                (needed[value][at], ready[value][at], first[at], row)
            });
        }
        place.push(places(&order));
        orders.push(order);
    }
    orders
}

/// Calls `each` with (term, columns, rows) for every block of a value's layer.
fn blocks(program: &Program, value: usize, mut each: impl FnMut(usize, &[u32], &[u32])) {
    for t in &program.steps[value - 1].terms {
        for block in t.matrix.blocks() {
            let columns = &t.matrix.columns()[block.columns.clone()];
            each(t.source, columns, &t.matrix.rows()[block.rows.clone()]);
        }
    }
}

/// When each row of each value can be computed, `None` for constants, which wait for nothing; for
/// the input, `input` says.
fn ready(program: &Program, input: Vec<u32>) -> Vec<Vec<Option<u32>>> {
    let mut ready = vec![input.into_iter().map(Some).collect::<Vec<_>>()];
    for (value, step) in (1..).zip(&program.steps) {
        let mut own = vec![None; step.value.rows];
        blocks(program, value, |source, columns, rows| {
            let last = columns.iter().filter_map(|&c| ready[source][c as usize]).max();
            rows.iter().for_each(|&row| own[row as usize] = last.max(own[row as usize]));
        });
        ready.push(own);
    }
    ready
}

/// When the first reader of each row of each value can be computed: at the end where there is none.
fn needed(program: &Program, ready: &[Vec<Option<u32>>]) -> Vec<Vec<u32>> {
    let mut needed: Vec<Vec<u32>> = ready.iter().map(|r| vec![u32::MAX; r.len()]).collect();
    for value in (1..needed.len()).rev() {
        let mut reads: Vec<(usize, u32, u32)> = Vec::new();
        blocks(program, value, |source, columns, rows| {
            // A constant is wanted no earlier than by its own readers.
            let when =
                |&row: &u32| ready[value][row as usize].unwrap_or(needed[value][row as usize]);
            let first = rows.iter().map(when).min().unwrap_or(u32::MAX);
            reads.extend(columns.iter().map(|&c| (source, c, first)));
        });
        for (source, column, first) in reads {
            let own = &mut needed[source][column as usize];
            *own = first.min(*own);
        }
    }
    needed
}

/// For each row of a value the first place that it reads.
fn first_read(program: &Program, value: usize, place: &[Vec<u32>]) -> Vec<u32> {
    let mut first = vec![u32::MAX; program.steps[value - 1].value.rows];
    blocks(program, value, |source, columns, rows| {
        let own = columns.iter().map(|&c| place[source][c as usize]).min().unwrap_or(u32::MAX);
        rows.iter().for_each(|&row| first[row as usize] = own.min(first[row as usize]));
    });
    first
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
