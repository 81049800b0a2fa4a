//! `classify --trace`: a file that Chrome's viewer takes, on both devices.
#![cfg(feature = "cli")]

use serde_json::Value;
use std::process::Command;
use tempfile::TempDir;

/// The events of a run, or `None` where there is no device.
fn events(backend: &str) -> Option<Vec<Value>> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("trace.json");
    let out = Command::new(env!("CARGO_BIN_EXE_cipherbatch"))
        .args(["classify", "--model", "cryptonets", "--limit", "10", "--backend", backend])
        .arg("--trace")
        .arg(&path)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&out.stderr);
    if errors.contains("no GPU") {
        assert!(std::env::var_os("CIPHERBATCH_REQUIRE_GPU").is_none(), "{errors}");
        return None;
    }
    assert!(out.status.success(), "{errors}");
    let trace: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    Some(trace["traceEvents"].as_array().unwrap().clone())
}

fn names(events: &[Value], line: u64) -> Vec<&str> {
    let took = |e: &&Value| e["ph"] == "X" && e["tid"] == line;
    events.iter().filter(took).map(|e| e["name"].as_str().unwrap()).collect()
}

#[test]
fn every_layer_is_there() {
    let events = events("cpu").unwrap();
    let layers = names(&events, 0);
    // The first layer is made where it is read.
    for layer in ["input", "layer 1 and layer 2", "layer 3"] {
        assert!(layers.iter().any(|name| name.starts_with(layer)), "{layer}: {layers:?}");
    }
    // One after another, and not instantly.
    let spans = events.iter().filter(|e| e["ph"] == "X");
    let ends = spans.map(|e| (e["ts"].as_f64().unwrap(), e["dur"].as_f64().unwrap()));
    let ends: Vec<_> = ends.collect();
    assert!(ends.windows(2).all(|w| w[0].0 + w[0].1 <= w[1].0), "{ends:?}");
    assert!(ends.iter().map(|e| e.1).sum::<f64>() > 100.0, "{ends:?}");
}

#[test]
#[cfg(feature = "gpu")]
fn kernels_are_there_where_the_device_has_a_clock() {
    let Some(events) = events("gpu") else { return };
    assert!(names(&events, 0).iter().any(|name| name.starts_with("layer 3")));
    let kernels = names(&events, 1);
    if kernels.is_empty() {
        return;
    }
    for kernel in ["expand", "matmul", "ntt_inverse", "key_switch", "rescale"] {
        assert!(kernels.contains(&kernel), "{kernel}: {kernels:?}");
    }
}
