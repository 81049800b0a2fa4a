//! All that can go wrong at the door, in one type: for callers who pass errors on.

use crate::client::ClientError;
use crate::device::DeviceError;
use crate::model::ModelError;
use crate::pipeline::PipelineError;
use crate::plan::{PlanError, PlanFileError};
use crate::server::ServerError;
use crate::wire::WireError;

/// Any error of this crate. Its message and its source are those of the error that it holds.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
#[non_exhaustive]
pub enum Error {
    /// A network that cannot be run.
    Model(#[from] ModelError),
    /// No plan for a network.
    Plan(#[from] PlanError),
    /// No plan in a file.
    PlanFile(#[from] PlanFileError),
    /// Nothing encrypted or decrypted.
    Client(#[from] ClientError),
    /// Nothing evaluated.
    Server(#[from] ServerError),
    /// Many batches, of which one was not encrypted, evaluated or decrypted.
    Pipeline(#[from] PipelineError),
    /// No device.
    Device(#[from] DeviceError),
    /// A file or a stream that is not read or written.
    Wire(#[from] WireError),
}
