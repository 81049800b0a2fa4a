//! Polynomials far wider or narrower than a normalised one are written as squares like it.

use cipherbatch::model::{Degree, Dense, Network, NormalForm, Polynomial, relu_fit};
use ndarray::{Array2, ArrayD, IxDyn};

/// Deterministic numbers in [−1, 1).
fn number(i: usize) -> f64 {
    ((i * 7919 + 13) % 1009) as f64 / 504.5 - 1.0
}

/// 4 → 6 → p → 2 with an activation's inputs `stretch` times as wide, and the same results.
fn network(degree: Degree, stretch: f64) -> Network {
    let mut b = Network::builder(&[4]).unwrap();
    let weight = Array2::from_shape_fn((6, 4), |(i, j)| stretch * number(4 * i + j));
    let bias = (0..6).map(|i| stretch * number(i + 100) / 4.0).collect();
    let x = b.dense("fc1", b.input(), Dense::new(weight, bias)).unwrap();
    let fit = relu_fit(degree, 1.0);
    let fit: Vec<f64> = fit.iter().enumerate().map(|(k, c)| c / stretch.powi(k as i32)).collect();
    let x = b.polynomial("p", x, Polynomial::uniform(&fit)).unwrap();
    let weight = Array2::from_shape_fn((2, 6), |(i, j)| number(6 * i + j + 200));
    let x = b.dense("fc2", x, Dense::new(weight, vec![0.1, -0.1])).unwrap();
    b.finish(x).unwrap()
}

fn inputs() -> ArrayD<f32> {
    let values = (0..4 * 50).map(|i| number(i + 300) as f32).collect();
    ArrayD::from_shape_vec(IxDyn(&[50, 4]), values).unwrap()
}

/// Powers of two change no digit, so the forms are the same to the last one.
#[test]
fn a_stretched_activation_has_the_same_squares() {
    for degree in Degree::ALL {
        let plain = NormalForm::measured(&network(degree, 1.0), &inputs()).unwrap();
        for stretch in [1024.0, 2f64.powi(40)] {
            let stretched = network(degree, stretch);
            let form = NormalForm::measured(&stretched, &inputs()).unwrap();
            assert_eq!(form, plain, "{degree:?}, stretched by {stretch}");
            let narrow = NormalForm::measured(&network(degree, 1.0 / stretch), &inputs()).unwrap();
            assert_eq!(narrow, plain, "{degree:?}, pressed by {stretch}");
            // Taken for normalised, what is wide has another one.
            assert_ne!(NormalForm::new(&stretched).unwrap(), plain, "{degree:?}");
        }
    }
}

#[test]
fn the_measured_form_computes_the_network() {
    for degree in Degree::ALL {
        for stretch in [1.0, 300.0, 1e-5] {
            let network = network(degree, stretch);
            let form = NormalForm::measured(&network, &inputs()).unwrap();
            let found = form.evaluate(&inputs()).unwrap();
            let error = (found - network.evaluate(&inputs()).unwrap()).mapv(f32::abs);
            assert!(error.iter().all(|&error| error < 1e-5), "{degree:?}, {stretch}: {error}");
        }
    }
}

/// Zeros, no inputs at all, and what overflows: the unit stays 1.
#[test]
fn what_has_no_width_is_taken_for_normalised() {
    let network = network(Degree::Four, 1.0);
    let mut b = Network::builder(&[4]).unwrap();
    let weight = Array2::zeros((3, 4));
    let x = b.dense("nothing", b.input(), Dense::new(weight, vec![0.0; 3])).unwrap();
    let x = b.polynomial("p", x, Polynomial::uniform(&[0.0, 1.0, 1.0])).unwrap();
    let zeros = b.finish(x).unwrap();
    let huge = inputs().mapv(|x| x * 1e38);
    let none = ArrayD::zeros(IxDyn(&[0, 4]));
    for (network, inputs) in [(&zeros, &inputs()), (&network, &none)] {
        let form = NormalForm::measured(network, inputs).unwrap();
        assert_eq!(form, NormalForm::new(network).unwrap());
    }
    let form = NormalForm::measured(&zeros, &huge).unwrap();
    assert_eq!(form, NormalForm::new(&zeros).unwrap());
    assert!(NormalForm::measured(&zeros, &ArrayD::<f32>::zeros(IxDyn(&[2, 5]))).is_err());
}
