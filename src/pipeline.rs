//! Any number of inputs, batch after batch: while one is evaluated, the next is encrypted and brought to the
//! device, and the last comes back and is decrypted.

use crate::client::{Client, ClientError};
use crate::messages::{EncryptedAnswer, EncryptedBatch};
use crate::plan::Plan;
use crate::schedule::Timing;
use crate::server::{Server, ServerError};
use ndarray::iter::AxisChunksIter;
use ndarray::{ArrayD, ArrayViewD, Axis, IxDyn, concatenate};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Why a pipeline ended early.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// Inputs that are not encrypted, or answers that are not decrypted.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A batch that is not evaluated.
    #[error(transparent)]
    Server(#[from] ServerError),
}

/// Where a batch has got to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It is encrypted.
    Encrypted,
    /// Another layer of it is evaluated.
    Layer,
    /// Its results are here.
    Decrypted,
}

/// How long each stage was at work, all batches together. Stages work side by side, so that they add up to more
/// than `total`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stages {
    /// The client's encryption.
    pub encrypt: Duration,
    /// The server's work.
    pub server: Timing,
    /// The client's decryption.
    pub decrypt: Duration,
    /// From the first input to the last result.
    pub total: Duration,
}

/// A batch on its way, with its number.
type Numbered<T> = (usize, T);
type Evaluated = Result<(EncryptedAnswer, Timing), ServerError>;

/// Results `[images, …]` of inputs `[images, …]`, in batches of as many as there are slots. `watch` is called
/// from many threads with the number of a batch.
///
/// One batch is being encrypted or waits, as many are being evaluated as the server has lanes, one is being
/// decrypted: that is all the memory there is to it.
///
/// # Errors
/// The first [`PipelineError`] that came about; nothing after it is begun.
pub fn run(
    plan: &Plan,
    client: &Client,
    server: &Server,
    inputs: ArrayViewD<'_, f32>,
    watch: impl Fn(usize, Stage) + Sync,
) -> Result<(ArrayD<f32>, Stages), PipelineError> {
    let clock = Instant::now();
    let mut stages = Stages::default();
    let mut results: Vec<Numbered<ArrayD<f32>>> = Vec::new();
    let (batches, waiting) = sync_channel(0);
    let (used, free) = channel();
    let (answers, answered) = sync_channel(0);
    let waiting = Mutex::new(waiting);
    std::thread::scope(|scope| {
        let watch = &watch;
        let inputs = &inputs;
        let encryptor = scope.spawn(move || {
            encrypt(client, inputs.axis_chunks_iter(Axis(0), plan.slots()), &batches, &free, watch)
        });
        for _ in 0..server.lanes() {
            let (answers, used) = (answers.clone(), used.clone());
            let waiting = &waiting;
            scope.spawn(move || evaluate(server, waiting, &used, &answers, watch));
        }
        drop((answers, used));
        // Every way out of this loop drops `answered`, which ends the evaluators, which end the encryptor.
        let collect = || -> Result<(), PipelineError> {
            for (number, outcome) in answered {
                let (answer, timing): (EncryptedAnswer, Timing) = outcome?;
                stages.server += timing;
                let clock = Instant::now();
                results.push((number, client.decrypt(&answer)?));
                stages.decrypt += clock.elapsed();
                watch(number, Stage::Decrypted);
            }
            Ok(())
        };
        let collected = collect();
        if collected.is_err() {
            // Whoever waits to hand over a batch finds nobody there.
            drop(std::mem::replace(
                &mut *waiting.lock().unwrap_or_else(PoisonError::into_inner),
                channel().1,
            ));
        }
        let encrypted = encryptor.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        collected?;
        stages.encrypt = encrypted?;
        Ok::<_, PipelineError>(())
    })?;
    results.sort_by_key(|(number, _)| *number);
    let views: Vec<_> = results.iter().map(|(_, r)| r.view()).collect();
    let all = concatenate(Axis(0), &views).unwrap_or_else(|_| ArrayD::zeros(IxDyn(&[0])));
    stages.total = clock.elapsed();
    Ok((all, stages))
}

fn encrypt(
    client: &Client,
    inputs: AxisChunksIter<'_, f32, IxDyn>,
    batches: &SyncSender<Numbered<EncryptedBatch>>,
    free: &Receiver<EncryptedBatch>,
    watch: &(impl Fn(usize, Stage) + Sync),
) -> Result<Duration, ClientError> {
    let mut spent = Duration::ZERO;
    for (number, chunk) in inputs.enumerate() {
        let clock = Instant::now();
        let batch = client.encrypt_over(free.try_recv().ok(), chunk)?;
        spent += clock.elapsed();
        watch(number, Stage::Encrypted);
        if batches.send((number, batch)).is_err() {
            break;
        }
    }
    Ok(spent)
}

fn evaluate(
    server: &Server,
    waiting: &Mutex<Receiver<Numbered<EncryptedBatch>>>,
    used: &Sender<EncryptedBatch>,
    answers: &SyncSender<Numbered<Evaluated>>,
    watch: &(impl Fn(usize, Stage) + Sync),
) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((number, batch)) = next else { return };
        let outcome = server.evaluate_with(&batch, |_| watch(number, Stage::Layer));
        // Its memory serves the next one; an encryptor that is done wants none.
        drop(used.send(batch));
        if answers.send((number, outcome)).is_err() {
            return;
        }
    }
}
