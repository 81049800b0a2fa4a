//! Files and streams that cross between client and server. `docs/format.md` describes every byte.
//!
//! Each is one frame: what it is, whose it is, how long it is, its content, a checksum. A reader
//! trusts none of it: what belongs to another plan, and what has another length than the plan gives
//! it, is refused before any memory is taken for the content; memory is taken as bytes arrive, at most
//! four times as much and a megabyte; and every residue is below its prime.
//!
//! ```
//! use cipherbatch::model::Dense;
//! use cipherbatch::wire::Message;
//! use cipherbatch::{Client, Device, EncryptedBatch, Network, Plan, PlanOptions, PublicPlan, Server};
//! use ndarray::array;
//!
//! # fn main() -> Result<(), cipherbatch::Error> {
//! # let mut b = Network::builder(&[2])?;
//! # let x = b.dense("half", b.input(), Dense::new(array![[0.5, 0.5]], vec![0.0]))?;
//! # let network = b.finish(x)?;
//! let plan = Plan::new(&network, &PlanOptions::default())?; // the server's
//! let mut file = Vec::new(); // or any other `Write`: a file, a socket
//! plan.public().write(&mut file)?;
//!
//! let public = PublicPlan::read(&file[..])?; // all that the client gets to see of it
//! let client = Client::new(&public)?;
//! let mut sent = Vec::new();
//! client.encrypt(array![[0.25f32, 0.75]].view())?.write(&public, &mut sent)?;
//!
//! let batch = EncryptedBatch::read(&public, &sent[..])?; // checked, residue by residue
//! let server = Server::new(&plan, client.evaluation_keys(), Device::cpu())?;
//! let half = client.decrypt(&server.evaluate(&batch)?)?;
//! assert!((half[[0, 0]] - 0.5).abs() < 0.02);
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod answer;
mod batch;
mod error;
mod file;
mod frame;
mod keys;
mod message;
mod public;
mod residues;
mod span;
mod tiles;

pub use error::WireError;
pub use file::{Access, Existing, check_writable, save};
pub use frame::Kind;
pub(crate) use frame::{Head, Reader, Writer};
pub use message::Message;
