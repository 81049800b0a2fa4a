//! The party that computes: it sees public keys and ciphertexts only.

#![forbid(unsafe_code)]

use crate::device::{Device, DeviceError};
use crate::messages::{
    AnswerTile, EncryptedAnswer, EncryptedBatch, EvaluationKeys, Foreign, Owner,
};
use crate::plan::Plan;
use crate::schedule::{self, Evaluate, Timing};
use crate::scheme::RelinKey;

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
    runner: Box<dyn Evaluate>,
    steps: usize,
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
        let basis = plan.parameters().basis();
        let relin = keys.relin.as_ref().and_then(|key| RelinKey::new(key.expand(basis)));
        let runner = schedule::open(&device, plan, relin.as_ref(), memory)?;
        Ok(Self { owner: keys.owner, runner, steps: plan.program().steps.len() })
    }

    /// What computes, for people.
    pub fn device(&self) -> String {
        self.runner.device()
    }

    /// Bytes that the ciphertexts of one batch take on the device.
    pub fn memory(&self) -> u64 {
        self.runner.memory()
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
            let (answer, spent) = self.runner.evaluate(tile, &mut progress)?;
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
