//! The check after the lowering must catch what it is there for, by the layer's name.

use super::*;
use crate::model::{Dense, Polynomial};
use crate::ring::MatrixError;
use ndarray::{Array2, IxDyn};

/// Dense layers "fc0", "fc1", … of 4 values with squarings between them.
fn network(activations: usize) -> Network {
    let mut b = Network::builder(&[4]).unwrap();
    let mut x = b.input();
    for i in 0..=activations {
        let weight =
            Array2::from_shape_fn(
                (4, 4),
                |(o, i)| if o == i { 0.9 } else { 0.3 / (1 + o + i) as f64 },
            );
        x = b.dense(&format!("fc{i}"), x, Dense::new(weight, vec![0.1; 4])).unwrap();
        if i < activations {
            x = b.polynomial(&format!("act{i}"), x, Polynomial::uniform(&[0.2, 0.5, 0.2])).unwrap();
        }
    }
    b.finish(x).unwrap()
}

fn refusal(change: impl FnOnce(&mut Program)) -> String {
    let plan = Plan::new(&network(2), &PlanOptions::default()).unwrap();
    let mut program = Program::clone(plan.program());
    change(&mut program);
    program.check(plan.parameters()).expect_err("broken on purpose").to_string()
}

#[test]
fn the_check_names_the_layer() {
    let plan = Plan::new(&network(2), &PlanOptions::default()).unwrap();
    let names: Vec<_> = plan.program().steps.iter().map(|s| s.name.clone()).collect();
    assert!(names.iter().zip(["fc0", "fc1", "fc2"]).all(|(n, want)| n.contains(want)), "{names:?}");

    let broken: [(usize, &str, String); 8] = [
        (1, "shape [5] for 4 values", refusal(|p| p.steps[1].shape = vec![5])),
        (1, "scale", refusal(|p| p.steps[1].terms[0].weight_scale *= 1.001)),
        (2, "scale", refusal(|p| p.steps[1].value.scale *= 2.0).replace("fc1", "fc2")),
        (1, "level", refusal(|p| p.input.level = 1).replace("fc0", "fc1")),
        (1, "not there yet", refusal(|p| p.steps[1].terms[0].source = 2)),
        (0, "bits of modulus", refusal(|p| p.steps[0].value.range = 1e99)),
        (2, "constants", refusal(|p| p.steps[2].bias.truncate(3))),
        (2, "components", refusal(|p| p.steps[2].value.components = 2)),
    ];
    for (layer, reason, line) in broken {
        assert!(line.contains(&format!("fc{layer}")) && line.contains(reason), "{line}");
    }
    let astray = refusal(|p| p.steps[1].value.of_results = true);
    assert!(astray.contains("fc1") && astray.contains("primes of results"), "{astray}");
    let astray = refusal(|p| {
        let switch = p.steps[1].switch.as_mut().unwrap();
        (switch.to_results, switch.rescale) = (true, 3);
    });
    assert!(astray.contains("leads to"), "{astray}");
    assert!(refusal(|p| p.input.of_results = true).contains("input"));
    assert!(refusal(|p| p.input.level = 0).contains("input"));
    assert!(refusal(|p| p.input.level = 99).contains("99 primes of"));
    assert!(refusal(|p| p.steps[0].value.components = 3).contains("components"));
    let wider = refusal(|p| (p.steps[2].value.rows, p.steps[2].shape) = (5, vec![5]));
    assert!(wider.contains("matrix"), "{wider}");
}

#[test]
fn options_that_cannot_be_meant_are_refused() {
    let refuse = |options: PlanOptions| Plan::new(&network(1), &options).unwrap_err();
    for input_range in [(1.0, 0.0), (0.0, f32::NAN), (f32::NEG_INFINITY, 0.0), (2.0, 2.0)] {
        let e = refuse(PlanOptions { input_range, ..PlanOptions::default() });
        assert!(matches!(e, PlanError::InputRange { .. }), "{e}");
    }
    for shape in [&[3, 5][..], &[0, 4], &[4], &[]] {
        let calibration = Some(ArrayD::zeros(IxDyn(shape)));
        let e = refuse(PlanOptions { calibration, ..PlanOptions::default() });
        assert!(matches!(e, PlanError::Calibration { .. }), "{e}");
    }
    let e = refuse(PlanOptions { least_degree: Some(5000), ..PlanOptions::default() });
    assert!(e.to_string().contains("5000"), "{e}");
    let calibration = Some(ArrayD::from_elem(IxDyn(&[2, 4]), f32::NAN));
    let e = refuse(PlanOptions { calibration, ..PlanOptions::default() });
    assert!(matches!(&e, PlanError::Diverges { layer } if layer.contains("fc0")), "{e}");
}

#[test]
fn a_larger_ring_is_taken_where_it_is_asked_for() {
    let plan = |least_degree| {
        let options = PlanOptions { least_degree, ..PlanOptions::default() };
        Plan::new(&network(1), &options).unwrap()
    };
    let needed = plan(None).slots();
    assert_eq!(plan(Some(needed)).digest(), plan(None).digest());
    let larger = plan(Some(2 * needed));
    assert_eq!((larger.slots(), larger.parameters().security_bits()), (2 * needed, 128));
}

#[test]
fn values_that_overflow_are_refused_by_the_layer() {
    let mut b = Network::builder(&[4]).unwrap();
    let huge = || Dense::new(Array2::from_elem((4, 4), 1e60), vec![0.0; 4]);
    let x = b.dense("fc0", b.input(), huge()).unwrap();
    let x = b.polynomial("act0", x, Polynomial::uniform(&[0.0, 0.0, 1.0])).unwrap();
    let x = b.dense("fc1", x, huge()).unwrap();
    let network = b.finish(x).unwrap();
    let calibration = Some(ArrayD::from_elem(IxDyn(&[2, 4]), 0.5));
    let options = PlanOptions { calibration, ..PlanOptions::default() };
    let e = Plan::new(&network, &options).unwrap_err();
    assert!(matches!(&e, PlanError::Diverges { layer } if layer.contains("fc1")), "{e}");
}

/// With what was reached and wanted, and the most that there is a plan for.
#[test]
fn what_no_secure_parameters_hold_is_refused_with_what_they_do() {
    let inputs = ArrayD::from_shape_fn(IxDyn(&[64, 4]), |i| ((i[0] * 5 + i[1]) as f32).sin().abs());
    for (calibration, advice) in [(None, "`--calibration X.npy`"), (Some(inputs), "more typical")] {
        let plan = |bits| {
            let calibration = calibration.clone();
            let options =
                PlanOptions { precision_bits: Some(bits), calibration, ..PlanOptions::default() };
            Plan::new(&network(1), &options)
        };
        let e = plan(90.0).unwrap_err();
        let line = e.to_string();
        let PlanError::Precision { depth: 1, wanted: 90.0, reached, works, layer, .. } = e else {
            panic!("{line}");
        };
        let works = works.expect("a precision that works");
        assert!((works - reached).abs() < 1.0 && layer.starts_with("fc"), "{line}");
        for said in [
            "90.0 are wanted".to_owned(),
            format!("reach {reached:.1} bits"),
            format!("`--precision {works:.1}` works"),
            advice.to_owned(),
        ] {
            assert!(line.contains(&said), "{said}: {line}");
        }
        plan(works).expect("what the refusal offers");
        let more = (10.0 * works + 1.0).round() / 10.0;
        assert!(plan(more).is_err(), "{more} would work, too");
    }
}

#[test]
fn refusals_carry_their_values_and_the_way_out() {
    let e = PlanError::Weights {
        layer: "fc1".into(),
        error: MatrixError::Weight { row: 7, weight: 40_000 },
    };
    let line = e.to_string();
    for said in ["fc1", "row 7", "40000", "ask for less precision", "batch normalization"] {
        assert!(line.contains(said), "{said}: {line}");
    }
    let line = refusal(|p| p.steps[0].value.range = 1e99);
    for said in ["fc0", "bits of modulus", "Ask for less precision", "without outliers"] {
        assert!(line.contains(said), "{said}: {line}");
    }
    let line = refusal(|p| p.steps[1].shape = vec![2, 3]);
    for said in ["fc1", "shape [2, 3] for 4 values", "make the plan again"] {
        assert!(line.contains(said), "{said}: {line}");
    }
    let e = PlanError::Precision {
        depth: 30,
        reached: 0.4,
        wanted: 3.0,
        layer: "conv9".into(),
        degree: 65536,
        primes: 40,
        calibrated: true,
        works: None,
    };
    let line = e.to_string();
    for said in ["30 squarings", "N = 65536, 40 primes", "0.4 bits", "No lower precision"] {
        assert!(line.contains(said), "{said}: {line}");
    }
}

/// The rule answers at once, and always the same.
#[test]
fn plans_repeat() {
    let plan = || {
        let plan = Plan::new(&network(3), &PlanOptions::default()).unwrap();
        let weights: Vec<_> =
            plan.program().steps.iter().map(|s| s.terms[0].matrix.weights().to_vec()).collect();
        (plan.parameters().literal().clone(), plan.program().output().scale, weights)
    };
    assert_eq!(plan(), plan());
}

#[test]
fn small_rings_are_insecure_and_say_so() {
    let insecure = |degree| Plan::new_insecure(&network(2), &PlanOptions::default(), degree);
    let plan = insecure(64).unwrap();
    assert_eq!((plan.slots(), plan.parameters().security_bits()), (64, 0));
    for degree in [0, 4, 48, 1 << 17] {
        assert!(matches!(
            insecure(degree).unwrap_err(),
            PlanError::Parameters(ParameterError::Degree(d)) if d == degree
        ));
    }
}

/// A plan comes back from its bytes; bytes that were cut or changed do not, and nothing panics.
#[test]
fn plans_are_written_and_read() {
    let plan = Plan::new(&network(2), &PlanOptions::default()).unwrap();
    let bytes = plan.to_bytes();
    let again = Plan::from_bytes(&bytes).unwrap();
    assert_eq!((again.digest(), again.to_bytes()), (plan.digest(), bytes.clone()));
    assert_eq!(again.report().steps[1].shape, [4]);
    let mut fresh = Program::clone(plan.program());
    fresh.input.level -= 1;
    let shapes = [&plan.input_shape[..], &plan.output_shape];
    let digest = Digest::of(plan.parameters().literal(), &fresh, shapes, plan.input_range);
    assert_ne!(digest, plan.digest(), "primes of a fresh ciphertext");
    for cut in (0..bytes.len()).step_by(7) {
        assert!(Plan::from_bytes(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    // What is not in the digest: the predicted error at the end, and precisions of steps.
    for at in (0..bytes.len()).step_by(5) {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        if let Ok(read) = Plan::from_bytes(&changed) {
            assert_eq!(read.digest(), plan.digest(), "changed at {at}");
        }
    }
    let refuse = |bytes: &[u8]| Plan::from_bytes(bytes).unwrap_err();
    assert!(matches!(
        refuse(b"CBPLAX and more, as long as a head has to be at least"),
        PlanFileError::Foreign
    ));
    let mut version = bytes.clone();
    version[6] = 9;
    assert!(matches!(refuse(&version), PlanFileError::Version { found: 9 }));
    let mut digest = bytes.clone();
    digest[8] ^= 1;
    assert!(matches!(refuse(&digest), PlanFileError::Digest { .. }));
    let longer = [&bytes[..], &[0]].concat();
    assert!(matches!(refuse(&longer), PlanFileError::Damaged(_)));
    let insecure = Plan::new_insecure(&network(2), &PlanOptions::default(), 64).unwrap();
    assert!(matches!(refuse(&insecure.to_bytes()), PlanFileError::Parameters(_)));
}

/// As many squarings as no modulus has primes for, of values that stay small.
#[test]
fn too_deep_networks_are_refused() {
    let mut b = Network::builder(&[2]).unwrap();
    let mut x = b.input();
    for i in 0..90 {
        let weight = Array2::from_shape_fn((2, 2), |(o, i)| if o == i { 0.5 } else { 0.2 });
        x = b.dense(&format!("fc{i}"), x, Dense::new(weight, vec![0.1; 2])).unwrap();
        x = b.polynomial(&format!("act{i}"), x, Polynomial::uniform(&[0.1, 0.5, 0.2])).unwrap();
    }
    let e = Plan::new(&b.finish(x).unwrap(), &PlanOptions::default()).unwrap_err();
    assert!(
        matches!(&e, PlanError::Depth { depth: 90, most: 64, layer } if layer == "fc64"),
        "{e}"
    );
    assert!(e.to_string().contains("at most 64 squarings"), "{e}");
}
