//! The command line on a network with ReLU: replaced where asked for, refused with the way out.
#![cfg(feature = "cli")]

use ndarray::{ArrayD, IxDyn};
use ndarray_npy::{read_npy, write_npy};
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

const RELU: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/refused_relu.onnx");

fn npy(folder: &TempDir, name: &str, shape: &[usize], value: impl Fn(usize) -> f32) -> String {
    let count: usize = shape.iter().product();
    let array = ArrayD::from_shape_vec(IxDyn(shape), (0..count).map(value).collect()).unwrap();
    let path = folder.path().join(name).to_str().unwrap().to_owned();
    write_npy(&path, &array).unwrap();
    path
}

fn infer(model: &str, input: &str, output: &Path, more: &[&str]) -> (Output, String) {
    let output = output.to_str().unwrap();
    let arguments = ["infer", "--model", model, "--input", input, "--output", output];
    let mut command = Command::new(env!("CARGO_BIN_EXE_cipherbatch"));
    let out = command.args(arguments).args(["--backend", "cpu"]).args(more).output().unwrap();
    let lines = String::from_utf8(out.stderr.clone()).unwrap();
    (out, lines)
}

#[test]
fn relu_is_replaced_by_polynomials_and_escaping_inputs_are_told() {
    let folder = TempDir::new().unwrap();
    let value = |i: usize| ((i * 37 % 101) as f32 - 50.0) / 40.0;
    let typical = npy(&folder, "typical.npy", &[40, 2, 4, 4], value);
    let y = folder.path().join("y.npy");
    let options = ["--activation", "poly4", "--calibration", typical.as_str()];
    let (out, lines) = infer(RELU, &typical, &y, &options);
    assert!(out.status.success() && lines.is_empty(), "{lines}");
    let (x, got): (ArrayD<f32>, ArrayD<f32>) = (read_npy(&typical).unwrap(), read_npy(&y).unwrap());
    let square: f32 = x.iter().zip(&got).map(|(x, y)| (x.max(0.0) - y).powi(2)).sum();
    assert_eq!(x.shape(), got.shape());
    assert!((square / x.len() as f32).sqrt() < 0.1);

    let far =
        |value| npy(&folder, "far.npy", &[2, 2, 4, 4], move |i| if i < 3 { value } else { 0.5 });
    let (out, lines) = infer(RELU, &far(1.6), &y, &options);
    assert!(out.status.success(), "{lines}");
    assert!(lines.contains("the_Relu") && lines.contains("3 of 64 values"), "{lines}");

    // So far out that the polynomial is out of the plan's ranges.
    let (out, lines) = infer(RELU, &far(9.0), &y, &options);
    assert_eq!(out.status.code(), Some(2), "{lines}");
    assert!(lines.contains("3 of 64 values") && lines.contains("overflowed"), "{lines}");
}

/// Beside the polynomials' accuracy a report gives that of the network as it was trained.
#[test]
fn classify_tells_how_good_the_network_with_relu_is() {
    let folder = TempDir::new().unwrap();
    let file = |name: &str, bytes: Vec<u8>| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    // Image i has row i modulo 3 bright; every fourth label is wrong.
    let row = |i: usize| (0..16).map(move |pixel| if pixel / 4 == i % 3 { 250 } else { 20 });
    let head = [0, 0, 8, 3, 0, 0, 0, 40, 0, 0, 0, 4, 0, 0, 0, 4];
    let images = file("images", head.into_iter().chain((0..40).flat_map(row)).collect());
    let label = |i: usize| ((i + usize::from(i.is_multiple_of(4))) % 3) as u8;
    let head = [0, 0, 8, 1, 0, 0, 0, 40];
    let labels = file("labels", head.into_iter().chain((0..40).map(label)).collect());
    let value = |i: usize| if i / 4 % 4 == i / 16 % 4 { 0.95 } else { 0.1 };
    let typical = npy(&folder, "typical.npy", &[40, 1, 4, 4], value);
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/relu_classes.onnx");
    let out = Command::new(env!("CARGO_BIN_EXE_cipherbatch"))
        .args(["classify", "--model", model, "--images", &images, "--labels", &labels])
        .args(["--activation", "poly2", "--calibration", &typical])
        .args(["--backend", "cpu", "--json", "-"])
        .output()
        .unwrap();
    let lines = String::from_utf8(out.stderr).unwrap();
    assert!(out.status.success(), "{lines}");
    assert!(lines.contains("with ReLU    75.00 %"), "{lines}");
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(report["relu_accuracy"], 0.75);
}

/// What is fitted sees the calibration batch clamped to the input range, as inputs are at encryption.
#[test]
fn the_calibration_batch_is_clamped_to_the_input_range() {
    let folder = TempDir::new().unwrap();
    let value = |i: usize| ((i * 37 % 101) as f32 - 50.0) / 40.0;
    let typical = npy(&folder, "typical.npy", &[40, 2, 4, 4], value);
    let wild = |i: usize| if i.is_multiple_of(5) { 40.0 * value(i) } else { value(i) };
    let wild = npy(&folder, "wild.npy", &[40, 2, 4, 4], wild);
    let y = folder.path().join("y.npy");
    let range = ["--activation", "poly2", "--input-range", "-1,1", "--calibration"];
    let (out, lines) = infer(RELU, &typical, &y, &[&range[..], &[wild.as_str()]].concat());
    assert!(out.status.success() && lines.is_empty(), "{lines}");
    let (x, got): (ArrayD<f32>, ArrayD<f32>) = (read_npy(&typical).unwrap(), read_npy(&y).unwrap());
    let clamped = x.mapv(|x| x.clamp(-1.0, 1.0));
    let square: f32 = clamped.iter().zip(&got).map(|(x, y)| (x.max(0.0) - y).powi(2)).sum();
    let error = (square / x.len() as f32).sqrt();
    assert!(error < 0.12, "{error}");

    // NaN is no number to clamp, and no range is none.
    let nan = npy(&folder, "nan.npy", &[2, 2, 4, 4], |i| if i == 3 { f32::NAN } else { 0.5 });
    let (out, line) = infer(RELU, &typical, &y, &[&range[..], &[nan.as_str()]].concat());
    assert!(out.status.code() == Some(2) && line.contains("NaN"), "{line}");
    let backwards = ["--activation", "poly2", "--input-range", "1,-1", "--calibration", &wild];
    let (out, line) = infer(RELU, &typical, &y, &backwards);
    assert!(out.status.code() == Some(2) && line.contains("1 to -1"), "{line}");
}

#[test]
fn relu_without_what_its_place_needs_is_refused() {
    let folder = TempDir::new().unwrap();
    let x = npy(&folder, "x.npy", &[2, 2, 4, 4], |i| i as f32);
    let y = folder.path().join("y.npy");
    let refused = |model: &str, more: &[&str]| {
        let (out, line) = infer(model, &x, &y, more);
        assert_eq!(out.status.code(), Some(2), "{line}");
        assert!(line.starts_with("error: ") && line.trim_end().lines().count() == 1, "{line}");
        assert!(out.stdout.is_empty() && !y.exists());
        line
    };
    let line = refused(RELU, &["--activation", "poly4"]);
    assert!(line.contains("calibration batch") && line.contains("--calibration"), "{line}");
    let line = refused(RELU, &[]);
    assert!(line.contains("--activation poly2|poly4|poly6"), "{line}");
    let line = refused("cryptonets", &["--activation", "poly2"]);
    assert!(line.contains("no ReLU"), "{line}");
}
