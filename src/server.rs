//! The party that computes: it sees public keys and ciphertexts only.

#![forbid(unsafe_code)]

use crate::device::{Device, DeviceError, Traffic};
use crate::messages::{
    AnswerTile, EncryptedAnswer, EncryptedBatch, EvaluationKeys, Foreign, Owner,
};
use crate::plan::Plan;
use crate::ring::Tile;
use crate::schedule::trace::Span;
use crate::schedule::{self, Evaluate, Timing};
use crate::scheme::{RelinKey, SeededTile};
use std::sync::{Arc, PoisonError, RwLock};

/// Why nothing is evaluated.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Keys or ciphertexts of another plan, or ciphertexts under another key.
    #[error(transparent)]
    Foreign(#[from] Foreign),
    /// The device is missing, too small, or failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// A plan, opened on a device.
pub struct Server {
    owner: Owner,
    open: RwLock<Open>,
    /// What the processor needs to take over.
    spare: Option<Spare>,
    steps: usize,
}

/// What computes at present.
struct Open {
    runner: Arc<dyn Evaluate>,
    /// Why it is not what was asked for.
    fallen: Option<String>,
}

struct Spare {
    plan: Plan,
    keys: EvaluationKeys,
    memory: Option<u64>,
}

/// A plan on a device, with the keys in full.
fn runner(
    device: &Device,
    plan: &Plan,
    keys: &EvaluationKeys,
    memory: Option<u64>,
) -> Result<Arc<dyn Evaluate>, DeviceError> {
    let basis = plan.parameters().basis();
    let relin = keys.relin.as_ref().and_then(|key| RelinKey::new(key.expand(basis)));
    Ok(schedule::open(device, plan, relin.as_ref(), memory)?.into())
}

impl Server {
    /// Opens the device for the plan's parameters and the client's public keys, and makes the
    /// network's weights resident there.
    ///
    /// # Errors
    /// [`ServerError`] where the keys are not of this plan, or the device is missing or too small.
    pub fn new(plan: &Plan, keys: &EvaluationKeys, device: Device) -> Result<Self, ServerError> {
        Self::with_memory(plan, keys, device, None)
    }

    /// [`Server::new`], taking at most `memory` bytes for the ciphertexts of one batch.
    ///
    /// # Errors
    /// As [`Server::new`]; what does not fit says how much it needs.
    pub fn with_memory(
        plan: &Plan,
        keys: &EvaluationKeys,
        device: Device,
        memory: Option<u64>,
    ) -> Result<Self, ServerError> {
        Foreign::check_plan("evaluation keys", keys.owner.plan, plan.digest())?;
        let open = RwLock::new(Open { runner: runner(&device, plan, keys, memory)?, fallen: None });
        Ok(Self { owner: keys.owner, open, spare: None, steps: plan.program().steps.len() })
    }

    /// [`Server::with_memory`], for which a device that fails is no end: the processor takes over, with the batch
    /// in work, and [`Server::fallen`] says why.
    ///
    /// # Errors
    /// As [`Server::with_memory`], of the processor.
    pub fn resilient(
        plan: &Plan,
        keys: &EvaluationKeys,
        device: Device,
        memory: Option<u64>,
    ) -> Result<Self, ServerError> {
        let (opened, fallen) = match Self::with_memory(plan, keys, device, memory) {
            Err(ServerError::Device(e)) if e.is_of_the_machine() => {
                (Self::with_memory(plan, keys, Device::cpu(), memory), Some(e.to_string()))
            }
            opened => (opened, None),
        };
        let opened = opened?;
        opened.open.write().unwrap_or_else(PoisonError::into_inner).fallen = fallen;
        let spare = Spare { plan: plan.clone(), keys: keys.clone(), memory };
        Ok(Self { spare: Some(spare), ..opened })
    }

    /// Why the processor has taken over, where it has.
    pub fn fallen(&self) -> Option<String> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).fallen.clone()
    }

    /// How many batches are evaluated at a time.
    pub fn lanes(&self) -> usize {
        self.runner().lanes()
    }

    fn runner(&self) -> Arc<dyn Evaluate> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).runner.clone()
    }

    /// One tile; where the device fails and there is a spare, the processor does it.
    fn evaluate_tile(
        &self,
        tile: &SeededTile,
        progress: &mut dyn FnMut(usize),
    ) -> Result<(Tile, Timing), DeviceError> {
        match (self.runner().evaluate(tile, progress), &self.spare) {
            (Err(e), Some(spare)) if e.is_of_the_machine() => {
                self.fall(spare, e)?.evaluate(tile, progress)
            }
            (outcome, _) => outcome,
        }
    }

    /// The processor's runner, opened by whoever comes first. Where it has failed itself, `reason` is the end.
    fn fall(&self, spare: &Spare, reason: DeviceError) -> Result<Arc<dyn Evaluate>, DeviceError> {
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        if open.fallen.is_none() {
            open.runner = runner(&Device::cpu(), &spare.plan, &spare.keys, spare.memory)?;
            open.fallen = Some(reason.to_string());
        }
        Ok(open.runner.clone())
    }

    /// What computes, for people.
    pub fn device(&self) -> String {
        self.runner().device()
    }

    /// Bytes that the ciphertexts of one batch take on the device.
    pub fn memory(&self) -> u64 {
        self.runner().memory()
    }

    /// Begins or ends to record where time goes; batches then take longer.
    pub fn record(&self, on: bool) {
        self.runner().record(on);
    }

    /// What has been recorded, for [`crate::schedule::trace::chrome`].
    pub fn spans(&self) -> Vec<Span> {
        self.runner().spans()
    }

    /// Bytes that have crossed to the device and back since it was opened.
    pub fn traffic(&self) -> Traffic {
        self.runner().traffic()
    }

    /// Layers of one evaluation, as [`Server::evaluate_with`] counts them.
    pub fn layers(&self) -> usize {
        self.steps
    }

    /// Evaluates the network on encrypted inputs.
    ///
    /// # Errors
    /// [`ServerError`] where the batch is not of this plan, or the device failed.
    pub fn evaluate(&self, batch: &EncryptedBatch) -> Result<EncryptedAnswer, ServerError> {
        self.evaluate_with(batch, |_| ()).map(|(answer, _)| answer)
    }

    /// [`Server::evaluate`], timed, calling `progress` after each layer of each ciphertext batch.
    ///
    /// # Errors
    /// As [`Server::evaluate`].
    pub fn evaluate_with(
        &self,
        batch: &EncryptedBatch,
        mut progress: impl FnMut(usize),
    ) -> Result<(EncryptedAnswer, Timing), ServerError> {
        Foreign::check("ciphertexts", batch.owner, self.owner)?;
        let mut timing = Timing::default();
        let mut tiles = Vec::with_capacity(batch.tiles.len());
        for tile in &batch.tiles {
            let (answer, spent) = self.evaluate_tile(tile, &mut progress)?;
            timing += spent;
            tiles.push(AnswerTile { answers: tile.seed, tile: answer });
        }
        Ok((EncryptedAnswer { owner: self.owner, span: batch.span, tiles }, timing))
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("device", &self.device())
            .field("layers", &self.steps)
            .finish()
    }
}
