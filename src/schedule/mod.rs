//! When and where: runs a program on an engine, tiles resident from the first layer to the last.

#[cfg(feature = "gpu")]
use crate::device::gpu::GpuEngine;
use crate::device::{Device, DeviceError, Engine, Term, cpu::CpuEngine};
use crate::plan::{Plan, Program, Step};
use crate::ring::Tile;
use crate::scheme::{Parameters, RelinKey, SeededTile};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where the time of one evaluation went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// Expanding seeds and bringing ciphertexts in.
    pub upload: Duration,
    /// The layers.
    pub evaluate: Duration,
    /// Taking the answer out.
    pub download: Duration,
}

impl std::ops::AddAssign for Timing {
    fn add_assign(&mut self, other: Self) {
        self.upload += other.upload;
        self.evaluate += other.evaluate;
        self.download += other.download;
    }
}

/// A program with its weights resident on an engine.
pub struct Runner<E: Engine> {
    engine: E,
    params: Parameters,
    program: Arc<Program>,
    steps: Vec<Resident<E>>,
    /// The last step that reads each source; its tile is freed after it.
    last_use: Vec<usize>,
}

struct Resident<E: Engine> {
    matrices: Vec<E::Matrix>,
    /// `[primes][rows]` residues.
    bias: Vec<u32>,
}

/// What a server needs of a runner, whatever its engine.
pub trait Evaluate: Send + Sync {
    /// The engine's name.
    fn device(&self) -> String;

    /// Evaluates one batch; `progress` is called with each layer's index when it is done.
    ///
    /// # Errors
    /// [`DeviceError`] where the batch does not fit the program, or the device failed.
    fn evaluate(
        &self,
        batch: &SeededTile,
        progress: &mut dyn FnMut(usize),
    ) -> Result<(Tile, Timing), DeviceError>;
}

/// Opens a device for a plan.
///
/// # Errors
/// [`DeviceError`] where the key is not of this plan, or the device is missing or too small.
pub fn open(
    device: &Device,
    plan: &Plan,
    key: Option<&RelinKey>,
) -> Result<Box<dyn Evaluate>, DeviceError> {
    let params = plan.parameters();
    let program = plan.shared_program();
    if program.needs_relin_key() && key.is_none() {
        return Err(DeviceError::NoKey);
    }
    Ok(match device {
        Device::Cpu => Box::new(Runner::new(CpuEngine::open(params, key)?, params, program)?),
        #[cfg(feature = "gpu")]
        Device::Gpu(adapter) => {
            Box::new(Runner::new(GpuEngine::open(adapter, params, key)?, params, program)?)
        }
    })
}

impl<E: Engine> Runner<E> {
    /// Makes the program's weights resident.
    ///
    /// # Errors
    /// Where the device has no room for them.
    pub fn new(engine: E, params: &Parameters, program: Arc<Program>) -> Result<Self, DeviceError> {
        let resident = |step: &Step| {
            let matrices =
                step.terms.iter().map(|t| engine.matrix(&t.matrix)).collect::<Result<_, _>>()?;
            let bias = (0..step.level())
                .flat_map(|i| {
                    step.bias.iter().map(move |&b| params.basis().modulus(i).from_i128(b))
                })
                .collect();
            Ok(Resident { matrices, bias })
        };
        let steps = program.steps.iter().map(resident).collect::<Result<_, DeviceError>>()?;
        let mut last_use = vec![0; program.steps.len() + 1];
        for (index, step) in program.steps.iter().enumerate() {
            step.terms.iter().for_each(|t| last_use[t.source] = index);
        }
        Ok(Self { engine, params: params.clone(), program, steps, last_use })
    }

    /// The tile of every source, from the input to the answer, downloaded: for comparing engines.
    ///
    /// # Errors
    /// As [`Evaluate::evaluate`].
    pub fn trace(&self, input: Tile) -> Result<Vec<Tile>, DeviceError> {
        let mut tiles = vec![self.engine.upload(input)?];
        for index in 0..self.steps.len() {
            let next = self.step(index, |source| tiles.get(source))?;
            tiles.push(next);
        }
        tiles.iter().map(|t| self.engine.download(t)).collect()
    }

    fn step<'t>(
        &self,
        index: usize,
        tile: impl Fn(usize) -> Option<&'t E::Tile>,
    ) -> Result<E::Tile, DeviceError>
    where
        E::Tile: 't,
    {
        let (step, resident) = (&self.program.steps[index], &self.steps[index]);
        let terms = step
            .terms
            .iter()
            .zip(&resident.matrices)
            .map(|(t, matrix)| {
                let tile = tile(t.source).ok_or_else(|| DeviceError::Shape {
                    what: "a layer's source",
                    found: format!("{} is gone", t.source),
                    expected: "a checked program".into(),
                })?;
                Ok(Term { tile, squared: t.squared, matrix })
            })
            .collect::<Result<Vec<_>, DeviceError>>()?;
        let sum = self.engine.linear(&terms, &resident.bias, step.level())?;
        match step.switch {
            Some(rescale) => self.engine.switch(sum, rescale),
            None => Ok(sum),
        }
    }
}

impl<E: Engine> Evaluate for Runner<E> {
    fn device(&self) -> String {
        self.engine.name()
    }

    fn evaluate(
        &self,
        batch: &SeededTile,
        progress: &mut dyn FnMut(usize),
    ) -> Result<(Tile, Timing), DeviceError> {
        let mut timing = Timing::default();
        let mut clock = Instant::now();
        let mut lap =
            |slot: &mut Duration| *slot += std::mem::replace(&mut clock, Instant::now()).elapsed();

        let input = self.engine.upload(batch.expand(self.params.basis()))?;
        let mut tiles = vec![Some(input)];
        self.engine.wait()?;
        lap(&mut timing.upload);
        for index in 0..self.steps.len() {
            let next = self.step(index, |source| tiles.get(source).and_then(Option::as_ref))?;
            tiles.push(Some(next));
            for (source, tile) in tiles.iter_mut().enumerate().take(index + 1) {
                if self.last_use[source] <= index {
                    *tile = None;
                }
            }
            progress(index);
        }
        self.engine.wait()?;
        lap(&mut timing.evaluate);
        let answer = tiles.pop().flatten().ok_or_else(|| DeviceError::Shape {
            what: "a program's layers",
            found: "none".into(),
            expected: "at least one".into(),
        })?;
        let answer = self.engine.download(&answer)?;
        lap(&mut timing.download);
        Ok((answer, timing))
    }
}
