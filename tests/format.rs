//! `docs/format.md` says all: a reader that was made from it alone, in Python with numpy, decrypts what
//! the program encrypts.
//!
//! `CIPHERBATCH_PYTHON` names an interpreter that has numpy; without one the test says that it is
//! skipped, and fails where `CIPHERBATCH_REQUIRE_NUMPY` is set.

use cipherbatch::model::{Dense, Polynomial};
use cipherbatch::wire::{Existing, Message};
use cipherbatch::{Client, Device, Network, Plan, PlanOptions, Server};
use ndarray::{Array2, ArrayD, array};
use std::path::Path;
use std::process::Command;

const READER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reader/reader.py");

/// An interpreter that has numpy.
fn python() -> Option<String> {
    let name = std::env::var("CIPHERBATCH_PYTHON").unwrap_or_else(|_| "python3".into());
    let has = Command::new(&name).args(["-c", "import numpy"]).output();
    if has.is_ok_and(|out| out.status.success()) {
        return Some(name);
    }
    assert!(std::env::var_os("CIPHERBATCH_REQUIRE_NUMPY").is_none(), "no python with numpy");
    eprintln!("skipped: no python3 with numpy here (CIPHERBATCH_PYTHON names another)");
    None
}

/// What the reader finds in a file of a folder, beside the public plan and the secret.
fn read(python: &str, folder: &Path, name: &str) -> ArrayD<f32> {
    let mut command = Command::new(python);
    let at = |name: &str| folder.join(name);
    command.arg(READER).args(["public", "secret", name].map(at)).arg(at("read.npy"));
    let out = command.output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    ndarray_npy::read_npy(at("read.npy")).unwrap()
}

/// The largest difference.
fn apart(a: &ArrayD<f32>, b: &ArrayD<f32>) -> f32 {
    assert_eq!(a.shape(), b.shape());
    a.iter().zip(b).fold(0f32, |most, (a, b)| most.max((a - b).abs()))
}

/// x·y in two outputs: their squares and differences are not relinearised, so answers have three
/// components; with `again`, a second square after them, they are, and have as many again.
fn plan(again: bool) -> Plan {
    let mut b = Network::builder(&[2]).unwrap();
    let square = || Polynomial::uniform(&[0.0, 0.0, 1.0]);
    let sums = Dense::new(array![[1.0, 1.0], [1.0, -1.0]], vec![0.0; 2]);
    let x = b.dense("sums", b.input(), sums).unwrap();
    let mut x = b.polynomial("square", x, square()).unwrap();
    if again {
        let some = Dense::new(array![[0.5, -0.25], [0.25, 0.25]], vec![0.0; 2]);
        x = b.dense("some", x, some).unwrap();
        x = b.polynomial("again", x, square()).unwrap();
    }
    let last = Dense::new(array![[0.25, -0.25], [0.5, 0.25]], vec![0.0, 0.125]);
    let x = b.dense("last", x, last).unwrap();
    Plan::new(&b.finish(x).unwrap(), &PlanOptions::default()).unwrap()
}

#[test]
fn the_page_describes_every_byte() {
    let Some(python) = python() else { return };
    for again in [false, true] {
        let (plan, folder) = (plan(again), tempfile::tempdir().unwrap());
        let at = |name: &str| folder.path().join(name);
        let public = plan.public();
        public.save(&at("public"), Existing::Keep).unwrap();
        let client = Client::new(&public).unwrap();
        client.save_secret(&at("secret"), Existing::Keep).unwrap();
        // More than one tile holds.
        let count = plan.slots() + 3;
        let inputs =
            Array2::from_shape_fn((count, 2), |(i, j)| ((i * 7 + j * 3) % 11) as f32 / 10.0);
        let batch = client.encrypt(inputs.view()).unwrap();
        batch.save(&public, &at("batch"), Existing::Keep).unwrap();
        let server = Server::new(&plan, client.evaluation_keys(), Device::cpu()).unwrap();
        let answer = server.evaluate(&batch).unwrap();
        answer.save(&public, &at("answer"), Existing::Keep).unwrap();

        let read = |name: &str| read(&python, folder.path(), name);
        // Up to the noise of an encryption.
        assert!(apart(&read("batch"), &inputs.mapv(|x| x.clamp(0.0, 1.0)).into_dyn()) < 0.02);
        // Up to the rounding of doubles.
        assert!(apart(&read("answer"), &client.decrypt(&answer).unwrap()) < 1e-5);
    }
}

/// Answers modulo primes of their own.
#[cfg(feature = "onnx")]
#[test]
fn the_page_describes_answers_of_deep() {
    let Some(python) = python() else { return };
    let network = Network::from_onnx("models/deep.onnx").unwrap();
    let images: ArrayD<f32> = ndarray_npy::read_npy("models/deep.calibration.npy").unwrap();
    let options = PlanOptions { calibration: Some(images.clone()), ..PlanOptions::default() };
    let (plan, folder) = (Plan::new(&network, &options).unwrap(), tempfile::tempdir().unwrap());
    assert!(!plan.parameters().literal().result_primes.is_empty());
    let (public, at) = (plan.public(), |name: &str| folder.path().join(name));
    public.save(&at("public"), Existing::Keep).unwrap();
    let client = Client::new(&public).unwrap();
    client.save_secret(&at("secret"), Existing::Keep).unwrap();
    let server = Server::new(&plan, client.evaluation_keys(), Device::cpu()).unwrap();
    let answer = server.evaluate(&client.encrypt(images.view()).unwrap()).unwrap();
    answer.save(&public, &at("answer"), Existing::Keep).unwrap();
    let read = read(&python, folder.path(), "answer");
    assert!(apart(&read, &client.decrypt(&answer).unwrap()) < 1e-5);
}
