//! Sums of the input that only squares read are made where they are squared: they are no stages, and have no
//! tiles.

use super::stages::{Inner, Stage, whole};
use crate::plan::{Program, Step};
use crate::ring::{Block, BlockMatrix};

/// A stage a step, but for sums of the input that only squares read: their readers make them.
pub fn inlined(program: &Program) -> Vec<Stage<'_>> {
    let is_squared = |value: usize| {
        let terms = program.steps.iter().flat_map(|s| &s.terms);
        let mut readers = terms.filter(|t| t.source == value).peekable();
        readers.peek().is_some() && readers.all(|t| t.squared)
    };
    let is_inner = |step: &Step, value: usize| {
        let of_input = matches!(&step.terms[..], [t] if t.source == 0 && !t.squared);
        of_input && step.switch.is_none() && is_squared(value)
    };
    let mut values = vec![0];
    let mut inner: Vec<Option<usize>> = vec![None];
    let mut stages: Vec<Stage<'_>> = Vec::new();
    for (index, mut stage) in whole(program).into_iter().enumerate() {
        if is_inner(&program.steps[index], index + 1) {
            inner.push(Some(index));
            values.push(0);
            continue;
        }
        for t in &mut stage.terms {
            if let Some(step) = inner[t.source] {
                let Step { terms, bias, .. } = &program.steps[step];
                let matrix = &terms[0].matrix;
                let reach = reach(&t.matrix, matrix);
                t.inner = Some(Inner { step, matrix, bias, reach });
            }
            t.source = values[t.source];
        }
        stages.push(stage);
        inner.push(None);
        values.push(stages.len());
    }
    // Its last reader is done with it.
    for step in inner.into_iter().flatten() {
        let reads = |s: &&mut Stage<'_>| s.inners().any(|(_, inner)| inner.step == step);
        stages.iter_mut().rev().find(reads).into_iter().for_each(|s| s.inlined.push(step));
    }
    stages
}

/// For each block of `outer`, what it depends on through `inner`.
fn reach(outer: &BlockMatrix, inner: &BlockMatrix) -> Vec<Vec<u32>> {
    let mut block_of = vec![0; inner.outputs()];
    for (i, block) in inner.blocks().iter().enumerate() {
        inner.rows()[block.rows.clone()].iter().for_each(|&row| block_of[row as usize] = i);
    }
    let of_block = |block: &Block| {
        let mut blocks: Vec<usize> =
            outer.columns()[block.columns.clone()].iter().map(|&c| block_of[c as usize]).collect();
        blocks.sort_unstable();
        blocks.dedup();
        let columns = |b: usize| inner.columns()[inner.blocks()[b].columns.clone()].iter().copied();
        let mut rows: Vec<u32> = blocks.into_iter().flat_map(columns).collect();
        rows.sort_unstable();
        rows.dedup();
        rows
    };
    outer.blocks().iter().map(of_block).collect()
}
