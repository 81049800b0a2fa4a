//! `benchmark` as its users meet it, on the side that every machine has.
#![cfg(feature = "cli")]

use serde_json::Value;
use std::process::{Command, Output};
use tempfile::TempDir;

fn benchmark(folder: &TempDir, backend: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_benchmark"))
        .args(["--quick", "--runs", "2", "--backend", backend, "--json", "-", "--markdown"])
        .arg(folder.path().join("figures.md"))
        .output()
        .unwrap()
}

/// Median, least and most, in order and above zero.
fn is_spread(value: &Value) -> bool {
    let [least, median, most] = ["min", "median", "max"].map(|key| value[key].as_f64().unwrap());
    0.0 < least && least <= median && median <= most
}

#[test]
fn all_figures_are_there() {
    let folder = TempDir::new().unwrap();
    let done = benchmark(&folder, "cpu");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    // The report alone; the tables make way for it.
    let json: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((&json["model"], &json["slots"]), (&"cryptonets".into(), &4096.into()));
    assert!(json["machine"]["memory_bytes"].as_u64().unwrap() > 1 << 28);
    assert!(!json["machine"]["processor"].as_str().unwrap().is_empty());
    assert!(is_spread(&json["encrypt"]), "{json}");
    // One side alone equals nothing.
    assert_eq!((&json["equal"], &json["no_gpu"]), (&Value::Null, &Value::Null));
    assert!(json["precision_bits"].as_f64().unwrap() > 3.0, "{json}");

    let side = &json["sides"][0];
    assert_eq!(side["backend"], "cpu");
    for stage in ["upload", "evaluate", "download", "decrypt"] {
        assert!(is_spread(&side["seconds"][stage]), "{stage}: {side}");
    }
    for rate in ["resident", "ciphertexts", "end_to_end"] {
        assert!(is_spread(&side["images_per_second"][rate]), "{rate}: {side}");
    }
    for ceiling in ["multiply_adds_per_second", "bytes_per_second"] {
        assert!(side["ceilings"][ceiling].as_f64().unwrap() > 0.0, "{ceiling}: {side}");
    }
    let layers = side["layers"].as_array().unwrap();
    assert_eq!(layers.len(), json["layers"].as_array().unwrap().len());
    // The first layer is made where it is read.
    assert_eq!(layers[0]["seconds"]["max"], 0.0);
    for layer in &layers[1..] {
        assert!(is_spread(&layer["seconds"]), "{layer}");
        assert!(layer["multiply_adds_per_second"].as_f64().unwrap() > 0.0, "{layer}");
    }
    assert_eq!(json["layers"][1]["key_switches"], 100);

    let text = String::from_utf8(done.stderr).unwrap();
    let page = std::fs::read_to_string(folder.path().join("figures.md")).unwrap();
    for line in ["images/s, resident", "ceiling: copied memory", "layers of a batch"] {
        assert!(text.contains(line) && page.contains(line), "{line}: {text}");
    }
    assert!(page.contains("\n|---"), "{page}");
}

/// The same ciphertexts, the same integers.
#[test]
#[cfg(feature = "gpu")]
#[ignore = "half a minute where the GPU is software: .ci/run runs the program itself"]
fn both_sides_agree() {
    let folder = TempDir::new().unwrap();
    let done = benchmark(&folder, "both");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let json: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert!(json["equal"] == true || json["no_gpu"].is_string(), "{json}");
}

#[test]
fn what_cannot_be_measured_is_refused_in_one_line() {
    for (arguments, says) in [
        (["--model", "nowhere.onnx"], "no shipped network of that name"),
        (["--json", "nowhere/figures.json"], "nowhere"),
    ] {
        let done = Command::new(env!("CARGO_BIN_EXE_benchmark")).args(arguments).output().unwrap();
        let line = String::from_utf8(done.stderr).unwrap();
        assert!(!done.status.success() && line.contains(says), "{line}");
        assert_eq!(line.lines().count(), 1, "{line}");
    }
}
