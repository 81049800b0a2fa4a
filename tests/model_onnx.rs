//! ONNX import: the fixtures that `training/fixtures.py` writes, against the stored results of
//! ONNX Runtime, a runtime that shares nothing with this one.
#![cfg(feature = "onnx")]

use std::path::{Path, PathBuf};

use cipherbatch::model::{Network, NormalForm, Op};
use ndarray::{Array2, ArrayD, IxDyn, s};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn fixture(name: &str) -> PathBuf {
    folder().join(format!("{name}.onnx"))
}

/// The names of the fixtures that are to be accepted.
fn accepted() -> Vec<String> {
    let files = std::fs::read_dir(folder()).unwrap();
    let mut names: Vec<String> = files
        .filter_map(|file| {
            Some(file.unwrap().file_name().to_str()?.strip_suffix(".npy")?.to_owned())
        })
        .collect();
    names.sort();
    assert!(names.len() >= 20, "fixtures are missing: {names:?}");
    names
}

/// A fixture's stored inputs and outputs.
fn stored(name: &str, network: &Network) -> (ArrayD<f32>, ArrayD<f32>) {
    let rows: Array2<f32> = ndarray_npy::read_npy(folder().join(format!("{name}.npy"))).unwrap();
    let inputs: usize = network.input_shape().iter().product();
    let part = |columns: ndarray::ArrayView2<f32>, shape: &[usize]| {
        let whole = [&[rows.nrows()], shape].concat();
        columns.to_shape(IxDyn(&whole)).unwrap().into_owned()
    };
    (
        part(rows.slice(s![.., ..inputs]), network.input_shape()),
        part(rows.slice(s![.., inputs..]), network.output_shape()),
    )
}

fn assert_close(what: &str, found: &ArrayD<f32>, expected: &ArrayD<f32>, tolerance: f32) {
    assert_eq!(found.shape(), expected.shape(), "{what}");
    for (x, y) in found.iter().zip(expected) {
        assert!((x - y).abs() <= tolerance * (1.0 + y.abs()), "{what}: {found} is not {expected}");
    }
}

#[test]
fn every_fixture_agrees_with_onnx_runtime() {
    for name in accepted() {
        let network = Network::from_onnx(fixture(&name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let (inputs, expected) = stored(&name, &network);
        let found = network.evaluate(&inputs).unwrap();
        assert_close(&name, &found, &expected, 2e-6);
        let form = NormalForm::new(&network).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_close(&name, &form.evaluate(&inputs).unwrap(), &found, 1e-6);
    }
}

/// However an exporter writes the network, it is three layers of squares with their own names.
#[test]
fn layers_keep_the_names_their_author_gave_them() {
    let deep = |name: &String| {
        ["_power_", "_product_", "_horner_", "_fixed_batch_"].iter().any(|way| name.contains(way))
    };
    let names: Vec<String> = accepted().into_iter().filter(deep).collect();
    assert_eq!(names.len(), 7, "{names:?}");
    for name in names {
        let form = NormalForm::new(&Network::from_onnx(fixture(&name)).unwrap()).unwrap();
        let layers: Vec<_> = form.squares.iter().map(|square| square.name.as_str()).collect();
        assert_eq!(
            (&layers[..], form.output.name.as_str()),
            (&["conv1", "conv2", "fc1"][..], "fc2")
        );
        let rows: Vec<_> = form.squares.iter().map(|square| square.rows()).collect();
        assert_eq!(rows, [3 * 36, 4 * 9, 5], "{name}: one square an activation");
    }
}

#[test]
fn nodes_keep_the_names_of_the_file() {
    let network = Network::from_onnx(fixture("script_views_12")).unwrap();
    let names: Vec<_> = network.nodes().iter().map(|node| node.name()).collect();
    assert!(names.contains(&"image") && names.contains(&"/conv/Conv"), "{names:?}");
    let conv = network.nodes().iter().find(|node| matches!(node.op(), Op::Conv2d(_))).unwrap();
    assert_eq!((conv.name(), conv.layer()), ("/conv/Conv", "conv"));
}

/// As PyTorch exports Horner's rule, a polynomial arrives as its additions and multiplications.
#[test]
fn the_trained_networks_have_one_polynomial_an_activation() {
    for data in ["deep", "fashion"] {
        for (degree, depth) in [(4, 12), (6, 18)] {
            let model = format!("models/{data}-poly{degree}.onnx");
            let network = Path::new(env!("CARGO_MANIFEST_DIR")).join(model);
            let network = Network::from_onnx(network).unwrap();
            let simplified = network.simplified().unwrap();
            let degrees = simplified.nodes().iter().filter_map(|node| match node.op() {
                Op::Polynomial(of) => Some(of.degree()),
                _ => None,
            });
            assert_eq!(degrees.collect::<Vec<_>>(), [degree; 6]);
            assert_eq!(NormalForm::new(&network).unwrap().depth(), depth);
        }
    }
}

#[test]
fn degrees_four_and_six_need_two_and_three_levels() {
    for (name, depth) in [("script_degree4_13", 2), ("dynamo_degree6_18", 3)] {
        let form = NormalForm::new(&Network::from_onnx(fixture(name)).unwrap()).unwrap();
        assert_eq!(form.depth(), depth, "{name}");
    }
}

#[test]
fn refusals_name_the_node_and_the_way_out() {
    let cases: &[(&str, &[&str])] = &[
        ("relu", &["the_Relu", "Relu", "polynomial", "--activation", "--calibration"]),
        ("sigmoid", &["the_Sigmoid", "polynomial activation"]),
        ("softmax", &["the_Softmax", "logits"]),
        ("exp", &["the_Exp", "sums and products"]),
        ("maxpool", &["the_MaxPool", "AveragePool", "stride"]),
        ("domain", &["the_odd", "other.Odd", "ONNX's own operators"]),
        ("transpose", &["the_Transpose", "perm = [0, 2, 3, 1]", "channels"]),
        ("flatten", &["the_Flatten", "axis = 0", "axis 1"]),
        ("mixing", &["the_reshape", "[-1, 4]", "first axis"]),
        ("exponent", &["the_pow", "0.5", "whole exponent"]),
        ("quotient", &["the_div", "computed value", "constants only"]),
        ("division_by_zero", &["the_div", "inf"]),
        ("nan", &["the_weight", "NaN", "position 31"]),
        ("shape", &["the_conv", "2 input channels", "[3, 5, 3, 3]"]),
        ("large_kernel", &["the_conv", "reach of 5", "4 padded to 4"]),
        ("conv1d", &["the_conv", "the_weight", "[3, 2, 3]", "two-dimensional"]),
        ("missing", &["the_conv", "the_weight", "no input, weight or node produces"]),
        ("cycle", &["the_", "own result"]),
        ("training", &["the_norm", "model.eval()"]),
        ("variance", &["the_norm", "NaN"]),
        ("two_inputs", &["one input", "image", "other_image"]),
        ("two_outputs", &["one output", "y, z"]),
        ("dynamic", &["image", "only the batch may be dynamic"]),
        ("huge", &["image", "limit"]),
        ("padding", &["the_conv"]),
    ];
    for (name, parts) in cases {
        // ReLU is read, to be replaced, and refused where it has not been.
        let network = Network::from_onnx(fixture(&format!("refused_{name}")));
        assert_eq!(network.is_ok(), *name == "relu", "{name}");
        let error = network.and_then(|network| NormalForm::new(&network)).expect_err(name);
        let message = error.to_string();
        for part in *parts {
            assert!(message.contains(part), "{name}: \"{message}\" lacks \"{part}\"");
        }
    }
    let files = std::fs::read_dir(folder()).unwrap();
    let refused = files.filter(|file| {
        file.as_ref().unwrap().file_name().to_string_lossy().starts_with("refused_")
    });
    assert_eq!(refused.count(), cases.len(), "every refused fixture has its case");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let missing = Network::from_onnx("no/such/model.onnx").unwrap_err().to_string();
    assert!(missing.contains("no/such/model.onnx"), "{missing}");
    assert!(Network::from_onnx(folder()).is_err(), "a folder");
    for bytes in [&b""[..], b"\x89PNG\r\n\x1a\n", b"{\"json\": true}", &[0xff; 100]] {
        let error = Network::from_onnx_bytes(bytes).unwrap_err().to_string();
        assert!(error.contains("not a complete ONNX model"), "{error}");
    }
}

#[test]
fn weights_in_another_file_are_found_only_beside_the_model() {
    let path = fixture("dynamo_external_18");
    let bytes = std::fs::read(&path).unwrap();
    let error = Network::from_onnx_bytes(&bytes).unwrap_err().to_string();
    assert!(error.contains("by its path") && error.contains("external_data=False"), "{error}");

    let other = tempfile::tempdir().unwrap();
    let alone = other.path().join("model.onnx");
    std::fs::write(&alone, &bytes).unwrap();
    let error = Network::from_onnx(&alone).unwrap_err().to_string();
    assert!(error.contains("dynamo_external_18.onnx.data"), "{error}");

    let data = std::fs::read(folder().join("dynamo_external_18.onnx.data")).unwrap();
    let beside = other.path().join("dynamo_external_18.onnx.data");
    std::fs::write(&beside, &data[..data.len() - 1]).unwrap();
    let error = Network::from_onnx(&alone).unwrap_err().to_string();
    assert!(error.contains("damaged"), "{error}");

    // A location outside the folder is refused, whatever lies there.
    let name = b"dynamo_external_18.onnx.data";
    let mut escaping = bytes.clone();
    while let Some(at) = escaping.windows(name.len()).position(|window| window == name) {
        escaping[at..at + 3].copy_from_slice(b"../");
    }
    let error = Network::from_onnx_bytes(&escaping).unwrap_err().to_string();
    assert!(error.contains("outside the model's folder"), "{error}");
}

#[test]
fn a_truncated_file_is_an_error_at_every_length() {
    for name in ["script_views_12", "dynamo_residual_18", "made_gemm"] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        let graph = Network::from_onnx_bytes(&bytes).unwrap();
        for length in 0..bytes.len() {
            // What follows the operators' version, such as the exporter's name, may be cut off.
            if let Ok(network) = Network::from_onnx_bytes(&bytes[..length]) {
                assert!(network == graph, "{name} cut to {length} bytes is another network");
                assert!(length + 64 > bytes.len(), "{name} cut to {length} bytes is accepted");
            }
        }
    }
}

/// One byte at a time is changed in three ways; whatever is read then must not panic.
#[test]
fn a_damaged_file_never_panics() {
    for name in ["script_gate_13", "made_shapes", "made_gemm", "dynamo_pooled_18"] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        for position in 0..bytes.len() {
            for change in [1, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[position] ^= change;
                let Ok(network) = Network::from_onnx_bytes(&damaged) else {
                    continue;
                };
                let size: usize = network.input_shape().iter().product();
                if size <= 1 << 12 {
                    let shape = [&[1], network.input_shape()].concat();
                    network.evaluate(&ArrayD::<f32>::ones(IxDyn(&shape))).unwrap();
                    let _ = NormalForm::new(&network);
                }
            }
        }
    }
}

#[test]
fn inputs_of_another_shape_or_not_finite_are_refused() {
    let network = Network::from_onnx(fixture("script_gate_13")).unwrap();
    let form = NormalForm::new(&network).unwrap();
    for inputs in [Array2::<f32>::zeros((2, 5)), Array2::zeros((2, 0))] {
        let error = network.evaluate(&inputs).unwrap_err().to_string();
        assert!(error.contains("[batch, 4]"), "{error}");
        assert!(form.evaluate(&inputs).is_err());
    }
    let mut inputs = Array2::<f32>::zeros((2, 4));
    inputs[[1, 2]] = f32::NAN;
    let error = network.evaluate(&inputs).unwrap_err().to_string();
    assert!(error.contains("sample 1") && error.contains("position 2"), "{error}");
    assert_eq!(network.evaluate(&Array2::<f32>::zeros((0, 4))).unwrap().shape(), [0, 3]);
}
