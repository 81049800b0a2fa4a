//! One function a reader: it gives the reader any bytes, and must neither panic nor take more memory
//! than they justify. `fuzz_targets/` hands them to cargo-fuzz, the program `mutate` to a mutator that
//! needs no nightly compiler, `tests/` replays what either has found.

// The program's own readers, which are no part of the library.
#[allow(dead_code)]
#[path = "../../src/bin/cipherbatch/failure.rs"]
mod failure;
#[allow(dead_code)]
#[path = "../../src/bin/cipherbatch/idx.rs"]
mod idx;
#[allow(dead_code)]
#[path = "../../src/bin/cipherbatch/npy.rs"]
mod npy;

mod seeds;

pub use seeds::seeds;

use cipherbatch::model::{Dense, Polynomial};
use cipherbatch::wire::Message;
use cipherbatch::{
    Client, EncryptedAnswer, EncryptedBatch, EvaluationKeys, Network, Plan, PlanOptions, PublicPlan,
};
use ndarray::array;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// A reader under its name.
pub type Target = (&'static str, fn(&[u8]));

/// All readers.
pub const TARGETS: [Target; 9] = [
    ("secret", secret),
    ("keys", keys),
    ("batch", batch),
    ("answer", answer),
    ("public_plan", public_plan),
    ("plan", plan),
    ("onnx", onnx),
    ("idx", idx),
    ("npy", npy),
];

/// The plan under which messages are read, over a ring of 16 slots.
static PLAN: LazyLock<Plan> = LazyLock::new(|| {
    let plan = Plan::new_insecure(&network(), &PlanOptions::default(), 16);
    plan.expect("a small network has a plan over a small ring")
});

static PUBLIC: LazyLock<PublicPlan> = LazyLock::new(|| PLAN.public());

/// Two squares, so that there is something to relinearise.
fn network() -> Network {
    let build = || {
        let mut b = Network::builder(&[2])?;
        let square = || Polynomial::uniform(&[0.0, 0.0, 1.0]);
        let sums = Dense::new(array![[1.0, 1.0], [1.0, -1.0]], vec![0.0; 2]);
        let x = b.dense("sums", b.input(), sums)?;
        let x = b.polynomial("square", x, square())?;
        let x = b.dense("difference", x, Dense::new(array![[0.25, -0.25]], vec![0.0]))?;
        let x = b.polynomial("again", x, square())?;
        b.finish(x)
    };
    build().expect("a sound network")
}

/// The bytes under a head and a checksum that are right, so that the content is looked at.
fn sealed(data: &[u8], kind: u16, plan: [u8; 32]) -> Vec<u8> {
    let mut bytes = data[..data.len().saturating_sub(32)].to_vec();
    if bytes.len() >= 68 {
        bytes[..8].copy_from_slice(b"\x89CBW\r\n\x1a\n");
        bytes[8..10].copy_from_slice(&1u16.to_le_bytes());
        bytes[10..12].copy_from_slice(&kind.to_le_bytes());
        bytes[12..44].copy_from_slice(&plan);
    }
    let checksum = Sha256::digest(&bytes);
    bytes.extend(checksum);
    bytes
}

/// As they are, and sealed.
fn both(data: &[u8], kind: u16, read: impl Fn(&[u8])) {
    read(data);
    read(&sealed(data, kind, PUBLIC.digest().bytes()));
}

pub fn secret(data: &[u8]) {
    both(data, 1, |bytes| drop(Client::read_secret(&*PUBLIC, bytes)));
}

pub fn keys(data: &[u8]) {
    both(data, 2, |bytes| drop(EvaluationKeys::read(&PUBLIC, bytes)));
}

pub fn batch(data: &[u8]) {
    both(data, 3, |bytes| drop(EncryptedBatch::read(&PUBLIC, bytes)));
}

pub fn answer(data: &[u8]) {
    both(data, 4, |bytes| drop(EncryptedAnswer::read(&PUBLIC, bytes)));
}

pub fn public_plan(data: &[u8]) {
    both(data, 5, |bytes| drop(PublicPlan::read(bytes)));
}

pub fn plan(data: &[u8]) {
    drop(Plan::from_bytes(data));
}

pub fn onnx(data: &[u8]) {
    drop(Network::from_onnx_bytes(data));
}

pub fn idx(data: &[u8]) {
    for dimensions in [1, 3] {
        drop(idx::Idx::parse("file", data, dimensions));
    }
}

pub fn npy(data: &[u8]) {
    drop(npy::parse("file", data));
}
