//! Networks that cipherbatch was not made for, against an ONNX runtime that shares nothing with it.
//!
//! A [`Blueprint`] is drawn by proptest (`Blueprint::strategy`), assembled into the bytes of an ONNX
//! file ([`assemble`]), and then evaluated three times: by [tract](https://github.com/sonos/tract)
//! ([`runtime`]), by cipherbatch in the clear, and by cipherbatch encrypted ([`encrypted`]).
//!
//! A crate of its own, since tract is a hundred crates that nobody who uses cipherbatch should wait
//! for: `cargo test --release -p conformance`. `CONFORMANCE_FACTOR=10` tries ten times as many networks,
//! `CONFORMANCE_SEED=1` others.

pub mod assemble;
pub mod blueprint;
pub mod encrypted;
pub mod inputs;
pub mod mnist;
pub mod onnx_file;
pub mod property;
pub mod runtime;
mod strategy;

pub use blueprint::Blueprint;
