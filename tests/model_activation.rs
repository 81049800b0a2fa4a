//! ReLU replaced by polynomials: what comes out, and what is refused.

use cipherbatch::model::{
    Conv2d, Degree, Dense, ModelError, Network, NormalForm, Op, Padding, Polynomial, relu_fit,
};
use ndarray::{Array2, Array4, ArrayD, IxDyn};

/// Numbers in `[−1, 1)` from a seed: SplitMix64.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    fn dense(&mut self, outputs: usize, inputs: usize) -> Dense {
        let weight = Array2::from_shape_simple_fn((outputs, inputs), || self.next());
        Dense::new(weight, (0..outputs).map(|_| self.next() / 4.0).collect())
    }

    fn batch(&mut self, samples: usize, shape: &[usize]) -> ArrayD<f32> {
        let whole = [&[samples], shape].concat();
        ArrayD::from_shape_simple_fn(IxDyn(&whole), || self.next() as f32)
    }
}

/// A convolution, two dense layers and a ReLU after each of the first two.
fn network(numbers: &mut Numbers) -> Network {
    let mut b = Network::builder(&[1, 6, 6]).unwrap();
    let weight = Array4::from_shape_simple_fn((3, 1, 3, 3), || numbers.next());
    let conv = Conv2d::new(weight, vec![0.1, -0.2, 0.3]).with_padding(Padding::all(1));
    let x = b.conv2d("conv", b.input(), conv).unwrap();
    let x = b.relu("relu1", x).unwrap();
    let x = b.flatten("flatten", x).unwrap();
    let x = b.dense("fc1", x, numbers.dense(8, 108)).unwrap();
    let x = b.relu("relu2", x).unwrap();
    let x = b.dense("fc2", x, numbers.dense(3, 8)).unwrap();
    b.finish(x).unwrap()
}

fn apart(found: &ArrayD<f32>, expected: &ArrayD<f32>) -> f32 {
    assert_eq!(found.shape(), expected.shape());
    let square: f32 = found.iter().zip(expected).map(|(x, y)| (x - y).powi(2)).sum();
    (square / expected.mapv(|y| y * y).sum()).sqrt()
}

#[test]
fn the_normal_form_is_the_replaced_network_and_close_to_relu() {
    let mut numbers = Numbers(1);
    let network = network(&mut numbers);
    let batch = numbers.batch(200, &[1, 6, 6]);
    let other = numbers.batch(50, &[1, 6, 6]);
    let expected = network.evaluate(&other).unwrap();
    let mut last = f32::MAX;
    for (degree, depth) in [(Degree::Two, 2), (Degree::Four, 4), (Degree::Six, 6)] {
        let replaced = network.with_polynomials(degree, Some(batch.view())).unwrap();
        let names: Vec<_> = replaced.fits.iter().map(|fit| fit.node.as_str()).collect();
        assert_eq!(names, ["relu1", "relu2"]);
        assert_eq!([3, 8], [replaced.fits[0].ranges.len(), replaced.fits[1].ranges.len()]);
        assert!(replaced.network.nodes().iter().all(|node| *node.op() != Op::Relu));
        let found = replaced.network.evaluate(&other).unwrap();
        let form = NormalForm::new(&replaced.network).unwrap();
        assert_eq!(form.depth(), depth);
        assert!(apart(&form.evaluate(&other).unwrap(), &found) < 1e-5);
        let error = apart(&found, &expected);
        assert!(error < 0.3 && error < last, "{degree:?}: {error} after {last}");
        last = error;
    }
}

#[test]
fn a_layer_is_fitted_to_what_the_polynomials_before_it_give() {
    let mut numbers = Numbers(2);
    let network = network(&mut numbers);
    let batch = numbers.batch(100, &[1, 6, 6]);
    let replaced = network.with_polynomials(Degree::Four, Some(batch.view())).unwrap();
    // The network up to the second activation's input, with the first one replaced.
    let mut b = Network::builder(&[1, 6, 6]).unwrap();
    let mut id = b.input();
    for node in &replaced.network.nodes()[1..5] {
        id = b.add(node.name(), node.op().clone(), &[id]).unwrap();
    }
    let seen = b.finish(id).unwrap().evaluate(&batch).unwrap();
    let mut b = Network::builder(&[8]).unwrap();
    let x = b.relu("relu2", b.input()).unwrap();
    let alone = b.finish(x).unwrap().with_polynomials(Degree::Four, Some(seen.view())).unwrap();
    let polynomial = |network: &Network| {
        let node = network.nodes().iter().find(|node| node.name() == "relu2").unwrap();
        let Op::Polynomial(of) = node.op() else { panic!("{node:?}") };
        of.coefficients.clone()
    };
    for (x, y) in polynomial(&alone.network).iter().zip(polynomial(&replaced.network)) {
        assert!((x - y).iter().all(|difference| difference.abs() < 1e-4));
    }
}

#[test]
fn values_beyond_the_calibration_escape() {
    let mut numbers = Numbers(3);
    let network = network(&mut numbers);
    let batch = numbers.batch(100, &[1, 6, 6]);
    let replaced = network.with_polynomials(Degree::Two, Some(batch.view())).unwrap();
    assert!(replaced.fits.iter().all(|fit| fit.rmse > 0.0 && fit.beyond < 0.2));
    let inside = replaced.escaping_activations(&batch).unwrap();
    assert!(inside.iter().all(|layer| layer.escaping == 0), "{inside:?}");
    let values: Vec<_> = inside.iter().map(|layer| layer.values).collect();
    assert_eq!(values, [100 * 108, 100 * 8]);
    let outside = replaced.escaping_activations(&batch.mapv(|x| 5.0 * x)).unwrap();
    assert!(outside.iter().all(|layer| layer.escaping * 4 > layer.values), "{outside:?}");
    assert!(replaced.escaping_activations(&Array2::<f32>::zeros((1, 36))).is_err());
}

#[test]
fn the_plain_fit_is_the_closed_form() {
    let network = network(&mut Numbers(4));
    for degree in Degree::ALL {
        let replaced = network.with_normal_polynomials(degree, 1.5).unwrap();
        let of = Op::Polynomial(Polynomial::uniform(&relu_fit(degree, 1.5)));
        let count = replaced.network.nodes().iter().filter(|node| *node.op() == of).count();
        assert_eq!((count, replaced.fits.len()), (2, 2));
        assert!(replaced.fits[0].beyond < 0.1 && replaced.fits[0].ranges[2] == (-6.0, 6.0));
    }
    for sigma in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(network.with_normal_polynomials(Degree::Two, sigma).is_err());
    }
}

#[test]
fn what_cannot_be_replaced_is_refused_by_name() {
    let mut numbers = Numbers(5);
    let network = network(&mut numbers);
    let error = NormalForm::new(&network).unwrap_err();
    assert!(matches!(&error, ModelError::Relu { node } if node == "relu1"));
    assert!(error.to_string().contains("--activation poly2|poly4|poly6"), "{error}");
    let empty = numbers.batch(0, &[1, 6, 6]);
    for calibration in [None, Some(empty.view())] {
        let error = network.with_polynomials(Degree::Two, calibration).unwrap_err().to_string();
        for part in ["relu1", "calibration batch", "[count, 1, 6, 6]", "31 %"] {
            assert!(error.contains(part), "{error}");
        }
    }
    let flat = numbers.batch(2, &[36]);
    assert!(network.with_polynomials(Degree::Two, Some(flat.view())).is_err());
    let mut wrong = numbers.batch(2, &[1, 6, 6]);
    wrong[[1, 0, 2, 2]] = f32::NAN;
    assert!(network.with_polynomials(Degree::Two, Some(wrong.view())).is_err());

    let mut b = Network::builder(&[2]).unwrap();
    let square = Polynomial::uniform(&[0.0, 0.0, 1e200]);
    let x = b.polynomial("steep", b.input(), square).unwrap();
    let x = b.relu("relu", x).unwrap();
    let steep = b.finish(x).unwrap();
    let ones = ArrayD::<f32>::ones(IxDyn(&[3, 2]));
    let error = steep.with_polynomials(Degree::Six, Some(ones.view())).unwrap_err().to_string();
    assert!(error.contains("\"relu\"") && error.contains("channel 0"), "{error}");
}

/// A network without ReLU needs nothing; zeros, single samples and values without axes are fitted.
#[test]
fn unusual_networks_and_batches_are_served() {
    let mut numbers = Numbers(6);
    let mut b = Network::builder(&[2]).unwrap();
    let x = b.dense("fc", b.input(), numbers.dense(2, 2)).unwrap();
    let linear = b.finish(x).unwrap();
    let replaced = linear.with_polynomials(Degree::Four, None).unwrap();
    assert!(replaced.network == linear && replaced.fits.is_empty());
    assert!(replaced.escaping_activations(&numbers.batch(3, &[2])).unwrap().is_empty());

    for shape in [&[][..], &[3], &[2, 2, 2]] {
        let mut b = Network::builder(shape).unwrap();
        let x = b.relu("relu", b.input()).unwrap();
        let relu = b.finish(x).unwrap();
        let exact = relu.evaluate(&numbers.batch(2, shape)).unwrap();
        assert!(exact.iter().all(|&x| x >= 0.0));
        for degree in Degree::ALL {
            for scale in [0.0, 1e-30, 1.0, 1e4] {
                let batch = numbers.batch(1, shape).mapv(|x| scale * x);
                let replaced = relu.with_polynomials(degree, Some(batch.view())).unwrap();
                let found = replaced.network.evaluate(&batch).unwrap();
                assert!(found.iter().all(|x| x.is_finite()));
                NormalForm::new(&replaced.network).unwrap();
            }
        }
    }
}

#[cfg(feature = "onnx")]
#[test]
fn relu_is_read_from_onnx_and_replaced() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/refused_relu.onnx");
    let network = Network::from_onnx(path).unwrap();
    let batch = Numbers(7).batch(300, &[2, 4, 4]);
    assert_eq!(network.evaluate(&batch).unwrap(), batch.mapv(|x| x.max(0.0)));
    for (degree, most) in [(Degree::Two, 0.2), (Degree::Four, 0.1), (Degree::Six, 0.07)] {
        let replaced = network.with_polynomials(degree, Some(batch.view())).unwrap();
        let found = replaced.network.evaluate(&batch).unwrap();
        let form = NormalForm::new(&replaced.network).unwrap();
        assert!(apart(&form.evaluate(&batch).unwrap(), &found) < 1e-5);
        assert!(apart(&found, &batch.mapv(|x| x.max(0.0))) < most);
    }
}
