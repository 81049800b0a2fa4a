//! Records where time goes, while somebody wants to know.

use super::trace::{Span, Track};
use crate::device::{DeviceError, Engine};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Instant;

/// Spans of evaluations. What is recorded runs alone.
#[derive(Debug, Default)]
pub struct Recorder {
    record: Mutex<Option<Record>>,
    alone: RwLock<()>,
}

#[derive(Debug)]
struct Record {
    since: Instant,
    spans: Vec<Span>,
}

/// Holds off whoever may not evaluate now.
#[allow(dead_code, reason = "guards are there to be dropped")]
pub enum Turn<'a> {
    Together(RwLockReadGuard<'a, ()>),
    Alone(RwLockWriteGuard<'a, ()>),
}

impl Recorder {
    fn record(&self) -> MutexGuard<'_, Option<Record>> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins or ends to record.
    pub fn switch(&self, on: bool) {
        *self.record() = on.then(|| Record { since: Instant::now(), spans: Vec::new() });
    }

    /// Takes what has been recorded.
    pub fn spans(&self) -> Vec<Span> {
        self.record().as_mut().map(|r| std::mem::take(&mut r.spans)).unwrap_or_default()
    }

    /// Waits for the turn of an evaluation.
    pub fn turn(&self) -> Turn<'_> {
        match self.clock() {
            Some(_) => Turn::Alone(self.alone.write().unwrap_or_else(PoisonError::into_inner)),
            None => Turn::Together(self.alone.read().unwrap_or_else(PoisonError::into_inner)),
        }
    }

    /// The time, where somebody records.
    pub fn clock(&self) -> Option<Instant> {
        self.record().as_ref().map(|_| Instant::now())
    }

    /// Records what an engine has been doing for a layer since `began`, when it is done.
    pub fn note<E: Engine>(
        &self,
        engine: &E,
        began: Option<Instant>,
        layer: Option<usize>,
        name: impl FnOnce() -> String,
    ) -> Result<(), DeviceError> {
        let Some(began) = began else { return Ok(()) };
        engine.wait()?;
        let (length, took) = (began.elapsed(), engine.took()?);
        if let Some(record) = &mut *self.record() {
            let start = began.duration_since(record.since);
            record.spans.push(Span { track: Track::Layers, name: name(), layer, start, length });
            record.spans.extend(took.into_iter().map(|t| Span {
                track: Track::Kernels,
                name: t.name.to_owned(),
                layer,
                start: start + t.start,
                length: t.length,
            }));
        }
        Ok(())
    }
}
