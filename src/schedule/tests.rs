//! Layouts hold together, and what they cut computes the same ciphertexts.

use super::inline::inlined;
use super::layout::Layout;
use super::stages::{in_parts, whole};
use super::{Evaluate, Runner};
use crate::device::{DeviceError, cpu::CpuEngine};
use crate::model::{Conv2d, Dense, Network, Padding, Polynomial};
use crate::plan::{Plan, PlanOptions};
use crate::ring::{Block, Shape, Tile};
use crate::scheme::{RelinKey, SeededTile};
use ndarray::{Array2, Array4};
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;

/// Two channels of `side` × `side`, convolutions with a shortcut, two dense layers.
fn network(side: usize, kernel: usize, stride: usize, channels: usize) -> Network {
    let mut b = Network::builder(&[2, side, side]).unwrap();
    let act = Polynomial::uniform(&[0.1, 0.4, 0.3]);
    let weights = |o, i| {
        Array4::from_shape_fn((o, i, kernel, kernel), |(o, i, y, x)| {
            0.3 * ((7 * o + 5 * i + 3 * y + x) as f64).sin()
        })
    };
    let x = b.input();
    let conv = |o, i, stride| {
        Conv2d::new(weights(o, i), vec![0.1; o])
            .with_stride([stride; 2])
            .with_padding(Padding::all(kernel / 2))
    };
    let x = b.conv2d("first", x, conv(channels, 2, stride)).unwrap();
    let x = b.polynomial("a", x, act.clone()).unwrap();
    let y = b.conv2d("second", x, conv(channels, channels, 1)).unwrap();
    let y = b.polynomial("b", y, act.clone()).unwrap();
    let x = b.sum("shortcut", x, y).unwrap();
    let x = b.flatten("flat", x).unwrap();
    let dense = |outputs: usize, inputs: usize| {
        let weight = |(o, i)| ((o + 2 * i) as f64).cos() / inputs as f64;
        Dense::new(Array2::from_shape_fn((outputs, inputs), weight), vec![0.2; outputs])
    };
    let x = b.dense("third", x, dense(7, channels * side.div_ceil(stride).pow(2))).unwrap();
    let x = b.polynomial("c", x, act).unwrap();
    let x = b.dense("last", x, dense(3, 7)).unwrap();
    b.finish(x).unwrap()
}

fn plan(network: &Network) -> Plan {
    Plan::new_insecure(network, &PlanOptions::default(), 32).unwrap()
}

/// Residues of which only equality matters.
fn residues(plan: &Plan, shape: Shape, salt: u32) -> Tile {
    let mut tile = Tile::zeros(shape);
    for (i, x) in tile.data_mut().iter_mut().enumerate() {
        let p = plan.parameters().basis().modulus(i / shape.per_prime()).value();
        *x = (i as u32 ^ salt).wrapping_mul(2_654_435_761) % p;
    }
    tile
}

/// An engine with a key, and a batch: no secret is needed to compute.
fn setting(plan: &Plan) -> (CpuEngine, SeededTile) {
    let (params, value) = (plan.parameters(), plan.program().input);
    let shape = Shape { primes: value.level, components: 2, rows: value.level, degree: 32 };
    let key = RelinKey::new(residues(plan, shape, 1)).unwrap();
    let shape = Shape { components: 1, rows: value.rows, ..shape };
    let batch = SeededTile { seed: [7; 32], c0: residues(plan, shape, 2) };
    (CpuEngine::open(params, Some(&key)).unwrap(), batch)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Played through row by row: whatever a chunk reads lies where it is looked for, and every row
    /// of every value is computed once.
    #[test]
    fn chunks_find_what_they_read(
        side in 3usize..8, kernel in prop::sample::select(vec![1usize, 3, 5]), stride in 1usize..3,
        channels in 1usize..4, grain in 10u32..22, inline: bool,
    ) {
        let plan = plan(&network(side, kernel, stride, channels));
        let program = plan.program();
        let steps = if inline { inlined(program) } else { whole(program) };
        prop_assert!(!inline || steps.len() < program.steps.len());
        let stages = in_parts(program, steps, 32, 1 << grain);
        let layout = Layout::new(&program.input, &stages, 32, 1 << grain);
        // What lies in each slot of each tile: a row of a value.
        let mut held: HashMap<(usize, u32), (usize, u32)> = HashMap::new();
        let mut computed: HashMap<(usize, u32), usize> = HashMap::new();
        for task in &layout.tasks {
            let rows = &layout.orders[task.value][task.rows.clone()];
            let tile = layout.tile_of[task.value];
            if let Some(stage) = task.value.checked_sub(1).map(|k| &stages[k]) {
                for (t, &row) in stage.terms.iter().flat_map(|t| rows.iter().map(move |r| (t, r))) {
                    let holds = |b: &Block| t.matrix.rows()[b.rows.clone()].contains(&row);
                    let block = t.matrix.blocks().iter().position(holds).unwrap();
                    for &column in t.reads(block) {
                        let slot = layout.slots[t.source][column as usize];
                        let place = (layout.tile_of[t.source], slot);
                        prop_assert_eq!(held.get(&place), Some(&(t.source, column)));
                        prop_assert!(place.0 < tile);
                    }
                }
                for (before, &row) in stage.onto.iter().flat_map(|b| rows.iter().map(move |r| (b, r))) {
                    let place = (tile, layout.slots[task.value][row as usize]);
                    prop_assert_eq!(held.get(&place), Some(&(*before, row)));
                }
            }
            for (i, &row) in rows.iter().enumerate() {
                let slot = layout.slots[task.value][row as usize];
                prop_assert_eq!(slot as usize, task.at + i);
                prop_assert!((slot as usize) < layout.tiles[tile].rows);
                held.insert((tile, slot), (task.value, row));
                *computed.entry((task.value, row)).or_default() += 1;
            }
        }
        let rows = program.input.rows + stages.iter().map(|s| s.rows).sum::<usize>();
        prop_assert_eq!(computed.len(), rows);
        prop_assert!(computed.values().all(|&times| times == 1));
        // The answer is whole at the end.
        let answer = stages.len();
        for row in 0..program.output().rows as u32 {
            let slot = layout.slots[answer][row as usize];
            prop_assert_eq!(held[&(layout.tile_of[answer], slot)], (answer, row));
        }
    }
}

#[test]
fn a_budget_changes_no_residue() {
    let plan = plan(&network(7, 3, 1, 2));
    let program = plan.shared_program();
    let runner =
        |memory| Runner::new(setting(&plan).0, plan.parameters(), program.clone(), memory).unwrap();
    let (_, batch) = setting(&plan);
    let free = runner(None);
    let (want, _) = free.evaluate(&batch, &mut |_| ()).unwrap();
    let (stages, layout) = Layout::within(&program, 32, 1 << 26, 0, true);
    assert!(stages.iter().any(|s| s.onto.is_some()), "the dense layer is added up in parts");
    let least = layout.bytes;
    assert!(3 * least < 2 * free.memory(), "{least} of {} bytes", free.memory());
    for memory in [free.memory() * 3 / 4, (least + free.memory()) / 2, least] {
        let bound = runner(Some(memory));
        assert!(bound.memory() <= memory);
        // Twice: the second evaluation works in the memory of the first.
        for _ in 0..2 {
            let mut steps = Vec::new();
            let (got, _) = bound.evaluate(&batch, &mut |step| steps.push(step)).unwrap();
            assert!(got == want, "{memory} bytes");
            steps.sort_unstable();
            assert_eq!(steps, (0..program.steps.len()).collect::<Vec<_>>());
        }
    }
    let refusal = Runner::new(setting(&plan).0, plan.parameters(), program, Some(least - 1));
    let Err(DeviceError::Memory { needed, limit, .. }) = refusal else { panic!("accepted") };
    assert_eq!((needed, limit), (least, least - 1));
}

#[test]
fn foreign_batches_are_refused() {
    let (plan, other) = (plan(&network(5, 3, 2, 1)), plan(&network(6, 3, 2, 1)));
    let runner =
        Runner::new(setting(&plan).0, plan.parameters(), plan.shared_program(), None).unwrap();
    let refusal = runner.evaluate(&setting(&other).1, &mut |_| ()).unwrap_err().to_string();
    assert!(refusal.contains("rows: 72") && refusal.contains("rows: 50"), "{refusal}");
}

/// The values of a traced run are those of a run in chunks, as far as both have them.
#[test]
fn traces_end_in_the_answer() {
    let plan = plan(&network(6, 5, 2, 2));
    let program: Arc<_> = plan.shared_program();
    let (engine, batch) = setting(&plan);
    let whole = Runner::whole(engine, plan.parameters(), program.clone()).unwrap();
    let values = whole.trace(&batch).unwrap();
    assert_eq!(values.len(), program.steps.len() + 1);
    assert!(values[0] == batch.expand(plan.parameters().basis()));
    let least = Layout::within(&program, 32, 1 << 26, 0, true).1.bytes;
    let small = Runner::new(setting(&plan).0, plan.parameters(), program, Some(least));
    let (answer, _) = small.unwrap().evaluate(&batch, &mut |_| ()).unwrap();
    assert!(values.last() == Some(&answer));
}

/// What is made where it is squared is the same, and done when its reader is.
#[test]
fn sums_that_only_squares_read_need_no_tile() {
    let plan = plan(&network(7, 3, 1, 2));
    let program = plan.shared_program();
    let (engine, batch) = setting(&plan);
    let runner = Runner::new(engine, plan.parameters(), program.clone(), None).unwrap();
    let (stages, layout) = Layout::within(&program, 32, 1 << 26, u64::MAX, true);
    let (_, apart) = Layout::within(&program, 32, 1 << 26, u64::MAX, false);
    let inlined: Vec<usize> = stages.iter().flat_map(|s| s.inlined.clone()).collect();
    assert_eq!((runner.memory(), inlined), (layout.bytes, vec![0]));
    assert!(layout.bytes < apart.bytes, "{} and {} bytes", layout.bytes, apart.bytes);
    let mut steps = Vec::new();
    let (answer, _) = runner.evaluate(&batch, &mut |step| steps.push(step)).unwrap();
    steps.sort_unstable();
    assert_eq!(steps, (0..program.steps.len()).collect::<Vec<_>>());
    let whole = Runner::whole(setting(&plan).0, plan.parameters(), program).unwrap();
    assert!(whole.trace(&batch).unwrap().last() == Some(&answer));
}

/// A chunk for each row would make the first layer's sums again and again.
#[test]
fn sums_are_not_made_again_for_too_many_readers() {
    let program = plan(&network(7, 5, 1, 3)).shared_program();
    let inlines = |grain| {
        let (stages, _) = Layout::within(&program, 32, grain, u64::MAX, true);
        stages.iter().any(|s| !s.inlined.is_empty())
    };
    assert!(inlines(1 << 26) && !inlines(1));
}
