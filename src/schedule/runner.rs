//! Runs a program on an engine, chunk by chunk.

use super::layout::{Layout, Task};
use super::{Evaluate, Timing};
use crate::device::{DeviceError, Engine, Layer, Term};
use crate::plan::{Program, Term as Summand, Value};
use crate::ring::{Shape, Tile};
use crate::scheme::{Parameters, SeededTile};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A program with its weights resident on an engine.
pub struct Runner<E: Engine> {
    engine: E,
    params: Parameters,
    program: Arc<Program>,
    layout: Layout,
    /// One a task.
    chunks: Vec<Chunk<E>>,
    /// Tiles of finished evaluations, for the next ones.
    tiles: Mutex<Vec<Vec<E::Tile>>>,
}

/// The coarsest layout that fits `memory` bytes, or what the engine has.
///
/// # Errors
/// [`DeviceError::Memory`] where the finest chunks do not fit.
pub fn fitting<E: Engine>(
    engine: &E,
    params: &Parameters,
    program: &Program,
    memory: Option<u64>,
) -> Result<Layout, DeviceError> {
    let limit = memory.into_iter().chain(engine.memory()).min().unwrap_or(u64::MAX);
    let layout = Layout::within(program, params.degree(), engine.grain(), limit);
    match layout.bytes <= limit {
        true => Ok(layout),
        false => Err(DeviceError::Memory {
            device: engine.name(),
            what: "the ciphertexts of one batch between layers",
            needed: layout.bytes,
            limit,
        }),
    }
}

/// A task's share of its layer; nothing for rows of the input.
struct Chunk<E: Engine> {
    matrices: Vec<E::Matrix>,
    /// `[primes][rows]` residues.
    bias: Vec<u32>,
}

impl<E: Engine> Runner<E> {
    /// Cuts the program so that it fits `memory` bytes, or what the engine has, and makes its weights
    /// resident.
    ///
    /// # Errors
    /// [`DeviceError::Memory`] where the finest chunks do not fit, or where the device has no room
    /// for the weights.
    pub fn new(
        engine: E,
        params: &Parameters,
        program: Arc<Program>,
        memory: Option<u64>,
    ) -> Result<Self, DeviceError> {
        let layout = fitting(&engine, params, &program, memory)?;
        Self::with_layout(engine, params, program, layout)
    }

    /// All rows of every layer at once, every value kept: for looking at them.
    ///
    /// # Errors
    /// Where the device has no room.
    pub fn whole(
        engine: E,
        params: &Parameters,
        program: Arc<Program>,
    ) -> Result<Self, DeviceError> {
        let layout = Layout::new(&program, params.degree(), u64::MAX);
        Self::with_layout(engine, params, program, layout)
    }

    fn with_layout(
        engine: E,
        params: &Parameters,
        program: Arc<Program>,
        layout: Layout,
    ) -> Result<Self, DeviceError> {
        let chunks = layout
            .tasks
            .iter()
            .map(|task| chunk(&engine, params, &program, &layout, task))
            .collect::<Result<_, _>>()?;
        let (params, tiles) = (params.clone(), Mutex::default());
        Ok(Self { engine, params, program, layout, chunks, tiles })
    }

    /// The tile of every value, from the input to the answer, as far as it is still there when all is
    /// done: all of it in a runner that was made [`whole`](Runner::whole).
    ///
    /// # Errors
    /// As [`Evaluate::evaluate`].
    pub fn trace(&self, batch: &SeededTile) -> Result<Vec<Tile>, DeviceError> {
        let mut tiles = self.allocate()?;
        self.run(batch, &mut tiles, &mut |_| (), &mut Timing::default())?;
        let values = tiles.iter().zip(&self.layout.slots);
        values.map(|(tile, slots)| Ok(sorted(&self.engine.download(tile)?, slots))).collect()
    }

    fn allocate(&self) -> Result<Vec<E::Tile>, DeviceError> {
        self.layout.tiles.iter().map(|&shape| self.engine.tile(shape)).collect()
    }

    fn run(
        &self,
        batch: &SeededTile,
        tiles: &mut [E::Tile],
        progress: &mut dyn FnMut(usize),
        timing: &mut Timing,
    ) -> Result<(), DeviceError> {
        let Value { rows, level, components, .. } = self.program.input;
        let expected = Shape { primes: level, components, rows, degree: self.params.degree() };
        if batch.shape() != expected {
            let (found, expected) = (format!("{:?}", batch.shape()), format!("{expected:?}"));
            return Err(DeviceError::Shape { what: "the batch", found, expected });
        }
        let completions = self.layout.completions();
        let mut clock = Instant::now();
        let mut lap =
            |slot: &mut Duration| *slot += std::mem::replace(&mut clock, Instant::now()).elapsed();
        for (i, (task, chunk)) in self.layout.tasks.iter().zip(&self.chunks).enumerate() {
            let Task { value, ref rows, at } = *task;
            let (sources, rest) = tiles.split_at_mut(value);
            let into = &mut rest[0];
            if value == 0 {
                let order = &self.layout.orders[0][rows.clone()];
                let basis = self.params.basis();
                self.engine.fill(into, at, rows.len(), &|prime, component, row, poly| {
                    batch.expand_poly(basis, prime, component, order[row] as usize, poly);
                })?;
                self.engine.wait()?;
                lap(&mut timing.upload);
                continue;
            }
            let step = &self.program.steps[value - 1];
            let terms: Vec<_> = step
                .terms
                .iter()
                .zip(&chunk.matrices)
                .map(|(t, matrix)| Term { tile: &sources[t.source], matrix })
                .collect();
            let layer = Layer {
                terms: &terms,
                bias: &chunk.bias,
                primes: step.level(),
                switch: step.switch,
            };
            self.engine.layer(&layer, into, at)?;
            let next_is_input = self.layout.tasks.get(i + 1).is_none_or(|t| t.value == 0);
            if next_is_input {
                self.engine.wait()?;
            }
            lap(&mut timing.evaluate);
            if completions[value] == i {
                progress(value - 1);
            }
        }
        Ok(())
    }
}

/// A task's share of its layer's matrices, over the places of rows in tiles, and of its bias.
fn chunk<E: Engine>(
    engine: &E,
    params: &Parameters,
    program: &Program,
    layout: &Layout,
    task: &Task,
) -> Result<Chunk<E>, DeviceError> {
    let Some(step) = task.value.checked_sub(1).map(|k| &program.steps[k]) else {
        return Ok(Chunk { matrices: vec![], bias: vec![] });
    };
    let rows = &layout.orders[task.value][task.rows.clone()];
    let matrix = |t: &Summand| {
        let slots = &layout.slots[t.source];
        let inputs = layout.tiles[t.source].rows;
        let part = t.matrix.part(rows, inputs, |column| slots[column as usize]);
        engine.matrix(&part, t.squared)
    };
    let matrices = step.terms.iter().map(matrix).collect::<Result<_, _>>()?;
    let residue = |i: usize, row: u32| params.basis().modulus(i).from_i128(step.bias[row as usize]);
    let bias =
        (0..step.level()).flat_map(|i| rows.iter().map(move |&row| residue(i, row))).collect();
    Ok(Chunk { matrices, bias })
}

/// A tile's rows, each from its slot, in their own order.
fn sorted(tile: &Tile, slots: &[u32]) -> Tile {
    let shape = Shape { rows: slots.len(), ..tile.shape() };
    let mut out = Tile::zeros(shape);
    for prime in 0..shape.primes {
        for component in 0..shape.components {
            for (row, &slot) in slots.iter().enumerate() {
                let poly = tile.poly(prime, component, slot as usize);
                out.poly_mut(prime, component, row).copy_from_slice(poly);
            }
        }
    }
    out
}

impl<E: Engine> Evaluate for Runner<E> {
    fn device(&self) -> String {
        self.engine.name()
    }

    fn memory(&self) -> u64 {
        self.layout.bytes
    }

    fn evaluate(
        &self,
        batch: &SeededTile,
        progress: &mut dyn FnMut(usize),
    ) -> Result<(Tile, Timing), DeviceError> {
        let shelf = || self.tiles.lock().unwrap_or_else(PoisonError::into_inner);
        let mut timing = Timing::default();
        let kept = shelf().pop();
        let mut tiles = kept.map_or_else(|| self.allocate(), Ok)?;
        self.run(batch, &mut tiles, progress, &mut timing)?;
        let clock = Instant::now();
        let answer = tiles.last().zip(self.layout.slots.last()).ok_or_else(|| {
            let found = "none".into();
            let expected = "at least one".into();
            DeviceError::Shape { what: "a program's layers", found, expected }
        })?;
        let answer = sorted(&self.engine.download(answer.0)?, answer.1);
        timing.download = clock.elapsed();
        shelf().push(tiles);
        Ok((answer, timing))
    }
}
