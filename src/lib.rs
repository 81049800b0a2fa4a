//! Classification of batches of **encrypted** inputs with neural networks, on any GPU or on the CPU.
//!
//! The client encrypts; the server computes on ciphertexts and sees neither inputs nor answers; the
//! client decrypts. One ciphertext holds one value of the network, one image a slot, so thousands of
//! images cost what one does.
//!
//! ```
//! use cipherbatch::model::{Dense, Polynomial};
//! use cipherbatch::{Client, Device, Network, Plan, PlanOptions, Server};
//! use ndarray::{Array2, array};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Usually Network::from_onnx("model.onnx")?; here by hand: 2 → 2 → t² → 1, which is x·y.
//! let mut b = Network::builder(&[2])?;
//! let sums = Dense::new(array![[1.0, 1.0], [1.0, -1.0]], vec![0.0; 2]);
//! let x = b.dense("sum and difference", b.input(), sums)?;
//! let x = b.polynomial("square", x, Polynomial::uniform(&[0.0, 0.0, 1.0]))?;
//! let x = b.dense("quarter of the difference", x, Dense::new(array![[0.25, -0.25]], vec![0.0]))?;
//! let network = b.finish(x)?;
//!
//! let plan = Plan::new(&network, &PlanOptions::default())?; // parameters, levels, scales
//! let client = Client::new(&plan)?; // holds the secret key
//! let batch = client.encrypt(array![[0.5f32, 0.8], [0.9, 0.9]].view())?; // [images, …]
//! let server = Server::new(&plan, client.evaluation_keys(), Device::cpu())?;
//! let answer = server.evaluate(&batch)?; // never sees a secret
//! let products = client.decrypt(&answer)?; // [images, 1]
//! assert!((products[[0, 0]] - 0.40).abs() < 0.02);
//! assert!((products[[1, 0]] - 0.81).abs() < 0.02);
//! # Ok(())
//! # }
//! ```
//!
//! # The rooms
//!
//! | room | what it knows |
//! |---|---|
//! | [`math`] | one residue: primes, modular arithmetic, naive oracles |
//! | [`ring`] | many residues: RNS basis, NTT, tiles of ciphertexts, integer matrices |
//! | [`scheme`] | parameters and security, encoding, keys, encryption; the only room with secrets |
//! | [`model`] | the network in the clear: graph, ONNX, folding, the normal form; no cryptography |
//! | [`plan`] | network → program: ranges, parameters, levels, scales, the check |
//! | [`device`] | the trait of the engines and its sides: CPU and GPU; no networks |
//! | [`schedule`] | runs a program on an engine, tiles resident |
//! | [`wire`] | files and streams between client and server |
//! | [`Client`], [`Server`], [`pipeline`] | the door; both at work on many batches |
//!
//! # Features
//!
//! All on by default: `gpu` (wgpu), `onnx` (import of ONNX files), `cli` (the command line). The
//! library builds and passes its tests with none of them.

#![deny(missing_docs)]
#![warn(clippy::missing_errors_doc)]
// Files of kernels allow it for themselves, with their reasons.
#![deny(unsafe_code)]

/// The README's example is a test.
#[cfg(all(doctest, feature = "onnx"))]
#[doc = include_str!("../README.md")]
pub struct Readme;

mod client;
pub mod device;
mod error;
pub mod math;
mod messages;
pub mod model;
pub mod pipeline;
pub mod plan;
pub mod ring;
pub mod schedule;
pub mod scheme;
mod server;
pub mod wire;

pub use client::{Client, ClientError, Flood};
pub use device::{Device, DeviceError};
pub use error::Error;
pub use messages::{EncryptedAnswer, EncryptedBatch, EvaluationKeys, Foreign, KeyId, Owner, Span};
pub use model::{ModelError, Network};
pub use plan::{Plan, PlanError, PlanOptions, PublicPlan};
pub use schedule::Timing;
pub use server::{Server, ServerError};
