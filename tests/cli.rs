//! The command line as a user meets it: right answers, and one clear line for what cannot be used.
#![cfg(feature = "cli")]

use cipherbatch::Network;
use ndarray::{Array2, ArrayD, Axis, IxDyn};
use ndarray_npy::{WriteNpyExt, read_npy, write_npy};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

fn cipherbatch(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cipherbatch")).args(arguments).output().unwrap()
}

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    path.to_str().unwrap().to_owned()
}

/// One line on standard error, exit code 2, nothing on standard output. Returns the line.
fn refused(arguments: &[&str]) -> String {
    let out = cipherbatch(arguments);
    let line = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(2), "{arguments:?}: {line}");
    assert!(out.stdout.is_empty());
    assert!(line.starts_with("error: ") && line.trim_end().lines().count() == 1, "{line}");
    line
}

/// A folder of its own for each test's files.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn file(&self, name: &str, bytes: &[u8]) -> String {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    fn npy(&self, name: &str, shape: &[usize], value: impl Fn(usize) -> f32) -> String {
        let count: usize = shape.iter().product();
        let array = ArrayD::from_shape_vec(IxDyn(shape), (0..count).map(value).collect()).unwrap();
        write_npy(self.path(name), &array).unwrap();
        self.path(name)
    }

    /// Images [2, 28, 28] and labels as IDX.
    fn idx(&self, labels: u8) -> [String; 2] {
        let mut images = vec![0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28];
        images.extend((0..2 * 28 * 28).map(|i| (i % 251) as u8));
        let mut list = vec![0, 0, 8, 1, 0, 0, 0, labels];
        list.extend((0..labels).map(|i| i % 10));
        [self.file("images.idx", &images), self.file("labels.idx", &list)]
    }

    fn entries(&self) -> Vec<PathBuf> {
        self.0.path().read_dir().unwrap().map(|e| e.unwrap().path()).collect()
    }
}

#[test]
fn classify_reports_what_the_issue_of_a_run_is() {
    let small = ["classify", "--model", "cryptonets", "--limit", "300"];
    let out = cipherbatch(&[&small[..], &["--backend", "cpu", "--json", "-"]].concat());
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((&report["model"], &report["backend"]), (&"cryptonets".into(), &"cpu".into()));
    assert_eq!(report["images"], 300);
    assert!(report["accuracy"].as_f64().unwrap() >= 0.98);
    assert!(report["agreement"].as_f64().unwrap() >= 0.99);
    assert_eq!(report["correct"].as_f64().unwrap() / 300.0, report["accuracy"].as_f64().unwrap());
    assert_eq!((&report["ring_degree"], &report["slots"]), (&4096.into(), &4096.into()));
    assert!(report["primes"].as_array().unwrap().len() <= 4);
    assert!(report["security_bits"].as_u64().unwrap() >= 128);
    for stage in ["keygen", "encrypt", "upload", "evaluate", "download", "decrypt"] {
        assert!(report["seconds"][stage].as_f64().unwrap() >= 0.0, "{stage}");
    }
    for key in
        ["device", "plain_accuracy", "log2_q", "evaluate_images_per_second", "peak_memory_bytes"]
    {
        assert!(!report[key].is_null(), "{key}");
    }
    assert!(report["relu_accuracy"].is_null(), "there is no ReLU");
}

#[test]
fn fashion_mnist_wants_its_files_and_says_where_they_are() {
    let folder = Folder::new();
    let [images, labels] = folder.idx(2);
    let gone = folder.path("gone");
    let fashion = |more: &[&str]| refused(&[&["classify", "--dataset", "fashion"], more].concat());
    for line in [
        fashion(&[]),
        fashion(&["--images", &gone, "--labels", &labels]),
        fashion(&["--images", &images, "--labels", &gone]),
    ] {
        assert!(line.contains("data/fashion-mnist/README.md"), "{line}");
        assert!(line.contains("dataset-fashion-mnist"), "{line}");
    }
    assert!(!refused(&["classify", "--images", &gone, "--labels", &labels]).contains("fashion"));
}

#[test]
fn memory_can_be_bounded() {
    let bounded = |size| {
        cipherbatch(&[
            "classify",
            "--model",
            "cryptonets",
            "--limit",
            "64",
            "--backend",
            "cpu",
            "--memory",
            size,
            "--json",
            "-",
        ])
    };
    let out = bounded("256MiB");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert!(report["agreement"].as_f64().unwrap() >= 0.98);
    // Less than one polynomial of each value takes: the refusal says what is needed.
    let out = bounded("1MiB");
    let line = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(!out.status.success() && out.stdout.is_empty());
    assert!(line.contains("bytes needed, 1048576 allowed"), "{line}");
    assert!(!bounded("a lot").status.success());
}

#[test]
fn classify_takes_own_images_and_writes_its_report_to_a_file() {
    let folder = Folder::new();
    let [images, labels] = folder.idx(2);
    let json = folder.path("report.json");
    let out = cipherbatch(&[
        "classify",
        "--model",
        "cryptonets",
        "--images",
        &images,
        "--labels",
        &labels,
        "--backend",
        "cpu",
        "--json",
        &json,
    ]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    assert_eq!(report["images"], 2);
    assert_eq!(folder.entries().len(), 3, "no temporary file is left");
}

/// Networks that no recipe here trained, exported by PyTorch, against ONNX Runtime's stored answers:
/// convolutions, residual branches, gates, activations of degree 2, 4 and 6.
#[test]
fn infer_agrees_with_another_runtime() {
    let mut tried = 0;
    for entry in std::fs::read_dir(fixture("")).unwrap() {
        let onnx = entry.unwrap().path();
        let stored = onnx.with_extension("npy");
        if onnx.extension().is_none_or(|e| e != "onnx") || !stored.exists() {
            continue;
        }
        let folder = Folder::new();
        let rows: Array2<f32> = read_npy(&stored).unwrap();
        let shape = Network::from_onnx(&onnx).unwrap().input_shape().to_vec();
        let (inputs, want) = rows.view().split_at(Axis(1), shape.iter().product());
        let extents: Vec<usize> = [rows.nrows()].iter().chain(&shape).copied().collect();
        let values = inputs.iter().copied().collect();
        let x = folder.path("x.npy");
        write_npy(&x, &ArrayD::from_shape_vec(IxDyn(&extents), values).unwrap()).unwrap();
        let y = folder.path("y.npy");
        let model = onnx.to_str().unwrap();
        let out = cipherbatch(&[
            "infer",
            "--model",
            model,
            "--input",
            &x,
            "--output",
            &y,
            "--backend",
            "cpu",
        ]);
        assert!(out.status.success(), "{model}: {}", String::from_utf8_lossy(&out.stderr));
        let got: ArrayD<f32> = read_npy(&y).unwrap();
        let rms = |v: &mut dyn Iterator<Item = f32>| v.map(|x| x * x).sum::<f32>().sqrt();
        let error =
            rms(&mut got.iter().zip(want).map(|(g, w)| g - w)) / rms(&mut want.iter().copied());
        assert!(got.len() == want.len() && error < 1.0 / 16.0, "{model}: error {error}");
        tried += 1;
    }
    assert!(tried >= 10, "{tried} networks");
}

#[test]
fn infer_takes_batches_larger_than_the_slots() {
    let folder = Folder::new();
    let x = folder.npy("x.npy", &[4097, 1, 28, 28], |i| (i % 97) as f32 / 97.0);
    let y = folder.path("y.npy");
    let out = cipherbatch(&[
        "infer",
        "--model",
        "cryptonets",
        "--input",
        &x,
        "--output",
        &y,
        "--backend",
        "cpu",
    ]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let results: Array2<f32> = read_npy(&y).unwrap();
    assert_eq!(results.dim(), (4097, 10));
    assert!(results.iter().all(|v| v.is_finite()));
}

#[test]
fn missing_files_are_named() {
    let folder = Folder::new();
    let [images, labels] = folder.idx(2);
    let gone = folder.path("gone");
    assert!(refused(&["classify", "--model", &gone]).contains(&gone));
    assert!(refused(&["classify", "--images", &gone, "--labels", &labels]).contains(&gone));
    assert!(refused(&["classify", "--images", &images, "--labels", &gone]).contains(&gone));
    assert!(refused(&["classify", "--calibration", &gone]).contains(&gone));
    let y = folder.path("y.npy");
    assert!(
        refused(&["infer", "--model", "cryptonets", "--input", &gone, "--output", &y])
            .contains(&gone)
    );
    assert!(refused(&["classify", "--model", "lenet"]).contains("cryptonets"), "what there is");
    assert_eq!(folder.entries().len(), 2, "nothing half-written");
}

#[test]
fn images_and_labels_must_be_whole() {
    let folder = Folder::new();
    let [images, labels] = folder.idx(2);
    let bytes = std::fs::read(&images).unwrap();
    let short = folder.file("short.idx", &bytes[..900]);
    let line = refused(&["classify", "--images", &short, "--labels", &labels]);
    assert!(line.contains("short.idx") && line.contains("truncated"), "{line}");
    let line = refused(&["classify", "--images", &labels, "--labels", &labels]);
    assert!(line.contains("1 dimensions"), "{line}");
    let line = refused(&[
        "classify",
        "--images",
        &images,
        "--labels",
        &labels,
        "--model",
        &fixture("made_gemm.onnx"),
    ]);
    assert!(line.contains("[2, 28, 28]"), "{line}");
    let [images, labels] = folder.idx(3);
    let line = refused(&["classify", "--images", &images, "--labels", &labels]);
    assert!(line.contains("2 images but 3 labels"), "{line}");
}

#[test]
fn networks_that_cannot_run_are_refused_by_node() {
    let folder = Folder::new();
    let x = folder.npy("x.npy", &[2, 4], |i| i as f32);
    let y = folder.path("y.npy");
    let refuse = |model: &str| refused(&["infer", "--model", model, "--input", &x, "--output", &y]);
    let line = refuse(&fixture("refused_maxpool.onnx"));
    assert!(line.contains("MaxPool"), "{line}");
    let line = refuse(&fixture("refused_relu.onnx"));
    assert!(line.contains("Relu") && line.contains("polynomial"), "{line}");
    let line = refuse(&fixture("refused_nan.onnx"));
    assert!(line.to_lowercase().contains("nan") || line.contains("finite"), "{line}");
    let onnx = std::fs::read(fixture("made_gemm.onnx")).unwrap();
    refuse(&folder.file("short.onnx", &onnx[..onnx.len() / 2]));
    refuse(&folder.file("text.onnx", b"no network at all"));
    assert!(!Path::new(&y).exists(), "nothing half-written");
}

#[test]
fn inputs_of_the_wrong_kind_are_refused() {
    let folder = Folder::new();
    let y = folder.path("y.npy");
    let refuse =
        |x: &str| refused(&["infer", "--model", "cryptonets", "--input", x, "--output", &y]);
    let line = refuse(&folder.npy("flat.npy", &[2, 784], |_| 0.0));
    assert!(line.contains("[2, 784]") && line.contains("[1, 28, 28]"), "{line}");
    let line = refuse(&folder.npy("empty.npy", &[0, 1, 28, 28], |_| 0.0));
    assert!(line.contains("[0, 1, 28, 28]"), "{line}");
    let line =
        refuse(&folder.npy("nan.npy", &[1, 1, 28, 28], |i| if i == 5 { f32::NAN } else { 0.0 }));
    assert!(line.contains("number 5") && line.contains("NaN"), "{line}");
    let mut bytes = Vec::new();
    Array2::<i64>::zeros((2, 2)).write_npy(&mut bytes).unwrap();
    let line = refuse(&folder.file("integers.npy", &bytes));
    assert!(line.contains("NPY file of floats"), "{line}");
    refuse(&folder.file("text.npy", b"not an array"));
    assert!(!Path::new(&y).exists(), "nothing half-written");
}

#[test]
fn outputs_that_cannot_be_written_are_refused_before_the_work() {
    let folder = Folder::new();
    let x = folder.npy("x.npy", &[1, 1, 28, 28], |_| 0.5);
    let nowhere = folder.path("no/such/folder/y.npy");
    let line = refused(&["infer", "--model", "cryptonets", "--input", &x, "--output", &nowhere]);
    assert!(line.contains("cannot be written"), "{line}");
    let here = folder.path(".");
    refused(&["infer", "--model", "cryptonets", "--input", &x, "--output", &here]);
    refused(&["classify", "--limit", "1", "--json", &nowhere]);
}

/// As of `cipherbatch plan | head -1`.
#[cfg(unix)]
#[test]
fn a_reader_that_stops_early_is_no_failure_of_the_program() {
    let mut run = Command::new(env!("CARGO_BIN_EXE_cipherbatch"));
    run.args(["plan", "--model", "cryptonets"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut run = run.spawn().unwrap();
    drop(run.stdout.take());
    let said = run.wait_with_output().unwrap().stderr;
    assert_eq!(String::from_utf8_lossy(&said), "");
}
