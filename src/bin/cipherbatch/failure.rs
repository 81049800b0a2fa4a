//! What ends a command: one line, and 2 where the input was wrong, 1 where the machine failed.

use cipherbatch::pipeline::PipelineError;
use cipherbatch::wire::WireError;
use cipherbatch::{ClientError, DeviceError, ModelError, PlanError, ServerError};
use std::fmt;
use std::process::ExitCode;

/// The end of a command that did not succeed.
#[derive(Debug)]
pub struct Failure {
    line: String,
    code: u8,
}

/// The result of all that a command does.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// The user gave something that cannot be used.
    pub fn input(line: impl fmt::Display) -> Self {
        Self { line: line.to_string(), code: 2 }
    }

    /// A file that cannot be used.
    pub fn file(path: impl fmt::Display, reason: impl fmt::Display) -> Self {
        Self::input(format_args!("{path}: {reason}"))
    }

    /// The machine failed.
    pub fn machine(line: impl fmt::Display) -> Self {
        Self { line: line.to_string(), code: 1 }
    }

    /// The failure, of something of this name.
    pub fn at(self, name: impl fmt::Display) -> Self {
        Self { line: format!("{name}: {}", self.line), ..self }
    }

    /// The failure, and what to do about it.
    pub fn and(self, advice: impl fmt::Display) -> Self {
        Self { line: format!("{}; {advice}", self.line), ..self }
    }

    /// 1 or 2.
    pub fn exit_code(&self) -> ExitCode {
        self.code.into()
    }
}

impl fmt::Display for Failure {
    /// One line, whatever the error behind it printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.line.split_whitespace().collect();
        f.write_str(&words.join(" "))
    }
}

impl From<ModelError> for Failure {
    fn from(e: ModelError) -> Self {
        Self::input(e)
    }
}

impl From<PlanError> for Failure {
    fn from(e: PlanError) -> Self {
        Self::input(e)
    }
}

impl From<ClientError> for Failure {
    fn from(e: ClientError) -> Self {
        match e {
            ClientError::Entropy(_) => Self::machine(e),
            ClientError::Wire(e) => e.into(),
            _ => Self::input(e),
        }
    }
}

impl From<DeviceError> for Failure {
    fn from(e: DeviceError) -> Self {
        match e {
            DeviceError::NoAdapter { .. } => Self::input(e),
            _ => Self::machine(e),
        }
    }
}

impl From<ServerError> for Failure {
    fn from(e: ServerError) -> Self {
        match e {
            ServerError::Device(e) => e.into(),
            ServerError::Foreign(_) => Self::input(e),
        }
    }
}

impl From<PipelineError> for Failure {
    fn from(e: PipelineError) -> Self {
        match e {
            PipelineError::Client(e) => e.into(),
            PipelineError::Server(e) => e.into(),
        }
    }
}

impl From<WireError> for Failure {
    fn from(e: WireError) -> Self {
        if e.is_machine() { Self::machine(e) } else { Self::input(e) }
    }
}
