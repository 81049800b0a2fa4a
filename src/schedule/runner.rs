//! Runs a program on an engine, chunk by chunk.

use super::lanes::Lanes;
use super::layout::{Layout, Task};
use super::recorder::Recorder;
use super::stages::{Stage, Summand, whole};
use super::trace::Span;
use super::{Evaluate, Timing};
use crate::device::{Affine, DeviceError, Engine, Layer, Term, Traffic};
use crate::plan::{Program, Value};
use crate::ring::{Shape, Tile};
use crate::scheme::{Parameters, SeededTile, Switch};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A program with its weights resident on an engine.
pub struct Runner<E: Engine> {
    engine: E,
    params: Parameters,
    input: Value,
    layout: Layout,
    /// One a task.
    chunks: Vec<Option<Chunk<E>>>,
    /// Tiles of finished evaluations, for the next ones.
    tiles: Mutex<Vec<Vec<E::Tile>>>,
    lanes: Lanes,
    recorder: Recorder,
}

/// The coarsest layout that fits `memory` bytes, or what the engine has.
///
/// # Errors
/// [`DeviceError::Memory`] where the finest chunks do not fit.
pub fn fitting<'a, E: Engine>(
    engine: &E,
    params: &Parameters,
    program: &'a Program,
    memory: Option<u64>,
) -> Result<(Vec<Stage<'a>>, Layout), DeviceError> {
    let limit = limit(engine, memory);
    let (stages, layout) =
        Layout::within(program, params.degree(), engine.grain(), limit, engine.has_quadratic());
    match layout.bytes <= limit {
        true => Ok((stages, layout)),
        false => Err(DeviceError::Memory {
            device: engine.name(),
            what: "the ciphertexts of one batch between layers",
            needed: layout.bytes,
            limit,
        }),
    }
}

/// Bytes that ciphertexts may take.
fn limit<E: Engine>(engine: &E, memory: Option<u64>) -> u64 {
    memory.into_iter().chain(engine.memory()).min().unwrap_or(u64::MAX)
}

/// A task's share of its stage; `None` for rows of the input.
struct Chunk<E: Engine> {
    /// The step of the program that it is of.
    step: usize,
    /// For people: its layer, and those that are made for it.
    name: String,
    /// The steps of the program that are complete after it.
    completes: Vec<usize>,
    /// The tile and the matrix of every term.
    terms: Vec<(usize, E::Matrix)>,
    /// `[primes][rows]` residues.
    bias: Vec<u32>,
    primes: usize,
    /// The place of the first of them.
    first: usize,
    onto: bool,
    switch: Option<Switch>,
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
        let (stages, layout) = fitting(&engine, params, &program, memory)?;
        let chunks = chunks(&engine, params, &stages, &layout)?;
        let room = limit(&engine, memory) / layout.bytes.max(1);
        let lanes = engine.lanes().min(usize::try_from(room).unwrap_or(usize::MAX));
        Ok(Self::new_with(engine, params, &program, layout, chunks, lanes))
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
        let stages = whole(&program);
        let layout = Layout::new(&program.input, &stages, params.degree(), u64::MAX);
        let chunks = chunks(&engine, params, &stages, &layout)?;
        Ok(Self::new_with(engine, params, &program, layout, chunks, 1))
    }

    fn new_with(
        engine: E,
        params: &Parameters,
        program: &Program,
        layout: Layout,
        chunks: Vec<Option<Chunk<E>>>,
        lanes: usize,
    ) -> Self {
        let (params, tiles, lanes) = (params.clone(), Mutex::default(), Lanes::new(lanes));
        let (input, recorder) = (program.input, Recorder::default());
        Self { engine, params, input, layout, chunks, tiles, lanes, recorder }
    }

    /// The tile of every value, from the input to the answer, as far as it is still there when all is
    /// done: all of it in a runner that was made [`whole`](Runner::whole).
    ///
    /// # Errors
    /// As [`Evaluate::evaluate`].
    pub fn trace(&self, batch: &SeededTile) -> Result<Vec<Tile>, DeviceError> {
        let mut tiles = self.allocate()?;
        self.run(batch, &mut tiles, &mut |_| (), &mut Timing::default())?;
        let values = self.layout.tile_of.iter().zip(&self.layout.slots);
        let download = |tile: usize| self.engine.download(&tiles[tile]);
        values.map(|(&tile, slots)| Ok(sorted(&download(tile)?, slots))).collect()
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
        let Value { rows, level, components, .. } = self.input;
        let expected = Shape { primes: level, components, rows, degree: self.params.degree() };
        if batch.shape() != expected {
            let (found, expected) = (format!("{:?}", batch.shape()), format!("{expected:?}"));
            return Err(DeviceError::Shape { what: "the batch", found, expected });
        }
        let mut clock = Instant::now();
        let mut lap =
            |slot: &mut Duration| *slot += std::mem::replace(&mut clock, Instant::now()).elapsed();
        for (i, (task, chunk)) in self.layout.tasks.iter().zip(&self.chunks).enumerate() {
            let Task { value, ref rows, at } = *task;
            let began = self.recorder.clock();
            // What is read lies in the tiles of earlier values.
            let (sources, rest) = tiles.split_at_mut(self.layout.tile_of[value]);
            let into = &mut rest[0];
            let Some(chunk) = chunk else {
                let order = &self.layout.orders[0][rows.clone()];
                self.engine.expand(into, at, order, batch)?;
                self.engine.wait()?;
                let name = || format!("input, rows {rows:?}");
                self.recorder.note(&self.engine, began, None, name)?;
                lap(&mut timing.upload);
                continue;
            };
            let terms: Vec<_> = chunk
                .terms
                .iter()
                .map(|(tile, matrix)| Term { tile: &sources[*tile], matrix })
                .collect();
            let Chunk { ref bias, primes, first, onto, switch, .. } = *chunk;
            let layer = Layer { terms: &terms, bias, primes, first, onto, switch };
            self.engine.layer(&layer, into, at)?;
            let name = || format!("{}, rows {rows:?}", chunk.name);
            self.recorder.note(&self.engine, began, Some(chunk.step), name)?;
            let next_is_input = self.layout.tasks.get(i + 1).is_none_or(|t| t.value == 0);
            if next_is_input {
                self.engine.wait()?;
            }
            lap(&mut timing.evaluate);
            chunk.completes.iter().copied().for_each(&mut *progress);
        }
        Ok(())
    }
}

/// Every task's share of its stage.
fn chunks<E: Engine>(
    engine: &E,
    params: &Parameters,
    stages: &[Stage<'_>],
    layout: &Layout,
) -> Result<Vec<Option<Chunk<E>>>, DeviceError> {
    let completions = layout.completions();
    let chunk = |(i, task): (usize, &Task)| {
        let Some(stage) = task.value.checked_sub(1).map(|k| &stages[k]) else { return Ok(None) };
        let last = completions[task.value] == i && !stage.is_part;
        let steps = || stage.inlined.iter().copied().chain([stage.step]).collect();
        let completes = if last { steps() } else { vec![] };
        chunk(engine, params, stage, layout, task, completes).map(Some)
    };
    layout.tasks.iter().enumerate().map(chunk).collect()
}

/// A task's share of its stage's matrices, over the places of rows in tiles, and of its bias.
fn chunk<E: Engine>(
    engine: &E,
    params: &Parameters,
    stage: &Stage<'_>,
    layout: &Layout,
    task: &Task,
    completes: Vec<usize>,
) -> Result<Chunk<E>, DeviceError> {
    let rows = &layout.orders[task.value][task.rows.clone()];
    let term = |t: &Summand<'_>| {
        let (slots, tile) = (&layout.slots[t.source], layout.tile_of[t.source]);
        let inputs = layout.tiles[tile].rows;
        let slot = |column: u32| slots[column as usize];
        let Some(inner) = &t.inner else {
            return Ok((tile, engine.matrix(&t.matrix.part(rows, inputs, slot), t.squared)?));
        };
        // Neighbours are best read together.
        let mut between = t.sources(rows);
        inner.sort(&mut between);
        let mut place = vec![0; t.matrix.inputs()];
        between.iter().zip(0..).for_each(|(&row, at)| place[row as usize] = at);
        let outer = t.matrix.part(rows, between.len(), |row| place[row as usize]);
        let matrix = inner.matrix.part(&between, inputs, slot);
        let constants: Vec<i128> = between.iter().map(|&row| inner.bias[row as usize]).collect();
        let inner = Affine { matrix: &matrix, constants: &constants };
        Ok((tile, engine.quadratic(inner, &outer)?))
    };
    let terms = stage.terms.iter().map(term).collect::<Result<_, DeviceError>>()?;
    let constant = |row: u32| stage.bias.map_or(0, |bias| bias[row as usize]);
    let first = if stage.of_results { params.first_of_results() } else { 0 };
    let residue = |i: usize, row: u32| params.basis().modulus(first + i).from_i128(constant(row));
    let bias =
        (0..stage.level).flat_map(|i| rows.iter().map(move |&row| residue(i, row))).collect();
    let (primes, onto, switch) = (stage.level, stage.onto.is_some(), stage.switch);
    let step = stage.step;
    let layers = stage.inners().map(|(_, inner)| inner.step).chain([step]);
    let layers: Vec<String> = layers.map(|step| format!("layer {}", step + 1)).collect();
    let name = layers.join(" and ");
    Ok(Chunk { step, name, completes, terms, bias, primes, first, onto, switch })
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

    fn lanes(&self) -> usize {
        self.lanes.count()
    }

    fn record(&self, on: bool) {
        self.engine.look(on);
        self.recorder.switch(on);
    }

    fn spans(&self) -> Vec<Span> {
        self.recorder.spans()
    }

    fn traffic(&self) -> Traffic {
        self.engine.traffic()
    }

    fn evaluate(
        &self,
        batch: &SeededTile,
        progress: &mut dyn FnMut(usize),
    ) -> Result<(Tile, Timing), DeviceError> {
        let _lane = self.lanes.enter();
        let _turn = self.recorder.turn();
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
