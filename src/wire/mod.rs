//! Files and streams that cross between client and server. `docs/format.md` describes every byte.
//!
//! Each is one frame: what it is, whose it is, how long it is, its content, a checksum. A reader
//! trusts none of it: what belongs to another plan, and what has another length than the plan gives
//! it, is refused before any memory is taken for the content; memory is taken as bytes arrive, at most
//! four times as much and a megabyte; and every residue is below its prime.
//!
//! ```
//! use cipherbatch::model::Dense;
//! use cipherbatch::wire::{Existing, Message};
//! use cipherbatch::{
//!     Client, Device, EncryptedAnswer, EncryptedBatch, Error, EvaluationKeys, Network, Plan,
//!     PlanOptions, PublicPlan, Server,
//! };
//! use ndarray::array;
//! use std::path::Path;
//!
//! /// The client, on its first day: a secret key for itself, keys and inputs for the server.
//! fn ask(at: &Path) -> Result<(), Error> {
//!     let plan = PublicPlan::load(&at.join("client.plan"))?;
//!     let client = Client::new(&plan)?;
//!     client.save_secret(&at.join("secret.key"), Existing::Keep)?;
//!     client.evaluation_keys().save(&plan, &at.join("server.keys"), Existing::Keep)?;
//!     let batch = client.encrypt(array![[0.25f32, 0.75]].view())?;
//!     Ok(batch.save(&plan, &at.join("x.batch"), Existing::Keep)?)
//! }
//!
//! /// The server: it has the network, and no secret.
//! fn serve(plan: &Plan, at: &Path) -> Result<(), Error> {
//!     let public = plan.public();
//!     let keys = EvaluationKeys::load(&public, &at.join("server.keys"))?;
//!     let batch = EncryptedBatch::load(&public, &at.join("x.batch"))?;
//!     let answer = Server::new(plan, &keys, Device::cpu())?.evaluate(&batch)?;
//!     Ok(answer.save(&public, &at.join("y.answer"), Existing::Keep)?)
//! }
//!
//! /// The client again, in another process.
//! fn look(at: &Path) -> Result<f32, Error> {
//!     let plan = PublicPlan::load(&at.join("client.plan"))?;
//!     let client = Client::load_secret(&plan, &at.join("secret.key"))?;
//!     let answer = EncryptedAnswer::load(&plan, &at.join("y.answer"))?;
//!     Ok(client.decrypt(&answer)?[[0, 0]])
//! }
//!
//! # fn main() -> Result<(), Error> {
//! # let mut b = Network::builder(&[2])?;
//! # let x = b.dense("mean", b.input(), Dense::new(array![[0.5, 0.5]], vec![0.0]))?;
//! # let network = b.finish(x)?;
//! # let folder = tempfile::tempdir().unwrap();
//! # let at = folder.path();
//! let plan = Plan::new(&network, &PlanOptions::default())?; // of a network that takes the mean
//! plan.public().save(&at.join("client.plan"), Existing::Keep)?;
//! ask(at)?;
//! serve(&plan, at)?;
//! assert!((look(at)? - 0.5).abs() < 0.02);
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
