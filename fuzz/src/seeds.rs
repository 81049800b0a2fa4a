//! What mutation begins with: well-formed files, and everything that was found.

use crate::{PLAN, PUBLIC, npy};
use cipherbatch::wire::Message;
use cipherbatch::{Client, Device, Plan, PlanOptions, Server};
use flate2::{Compression, write::GzEncoder};
use ndarray::{ArrayD, IxDyn, array};
use std::fs;
use std::io::Write;
use std::path::Path;

/// Files for a target.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    let mut seeds = made(target);
    seeds.extend(folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("found").join(target), ""));
    seeds
}

fn made(target: &str) -> Vec<Vec<u8>> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures");
    match target {
        // Only secure ones are read.
        "plan" => {
            let plan = Plan::new(&crate::network(), &PlanOptions::default());
            plan.iter().map(Plan::to_bytes).collect()
        }
        "onnx" => folder(&fixtures, "onnx"),
        "idx" => {
            let mut images = vec![0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 2];
            images.extend(0..12);
            let labels = vec![0, 0, 8, 1, 0, 0, 0, 2, 7, 9];
            let packed = [&images, &labels].map(|bytes| {
                let mut out = GzEncoder::new(Vec::new(), Compression::fast());
                out.write_all(bytes).expect("memory");
                out.finish().expect("memory")
            });
            [vec![images, labels], packed.to_vec()].concat()
        }
        "npy" => {
            let array = ArrayD::from_shape_fn(IxDyn(&[2, 1, 3]), |i| i[0] as f32);
            vec![npy::bytes(&array).expect("memory")]
        }
        framed => crossing(framed).into_iter().collect(),
    }
}

/// One of what crosses between client and server.
fn crossing(target: &str) -> Option<Vec<u8>> {
    let client = Client::new(&*PLAN).ok()?;
    let batch = client.encrypt(array![[0.5f32, 0.25], [1.0, 0.0]].view()).ok()?;
    let mut bytes = Vec::new();
    match target {
        "secret" => client.write_secret(&mut bytes),
        "keys" => client.evaluation_keys().write(&PUBLIC, &mut bytes),
        "batch" => batch.write(&PUBLIC, &mut bytes),
        "answer" => {
            let server = Server::new(&PLAN, client.evaluation_keys(), Device::cpu()).ok()?;
            server.evaluate(&batch).ok()?.write(&PUBLIC, &mut bytes)
        }
        "public_plan" => {
            let plan = Plan::new(&crate::network(), &PlanOptions::default()).ok()?;
            plan.public().write(&mut bytes)
        }
        _ => return None,
    }
    .ok()?;
    Some(bytes)
}

/// All files of a folder, in order, with this ending if it is one.
fn folder(at: &Path, ending: &str) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(at).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut paths: Vec<_> = entries
        .filter(|path| path.is_file())
        .filter(|path| ending.is_empty() || path.extension().is_some_and(|e| e == ending))
        .collect();
    paths.sort();
    paths.iter().filter_map(|path| fs::read(path).ok()).collect()
}
