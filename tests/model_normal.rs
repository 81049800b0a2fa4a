//! The normal form and the passes before it against the reference executor.

use cipherbatch::model::{
    AveragePool, Conv2d, Dense, ModelError, Network, NodeId, NormalForm, Op, Padding, Polynomial,
    Scale, SparseMatrix,
};
use ndarray::{Array2, Array4, ArrayD, IxDyn};
use proptest::prelude::*;

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

    fn vec(&mut self, len: usize) -> Vec<f64> {
        (0..len).map(|_| self.next()).collect()
    }

    fn conv(&mut self, shape: (usize, usize, usize, usize)) -> Conv2d {
        let size = (shape.1 * shape.2 * shape.3) as f64;
        let weight = Array4::from_shape_simple_fn(shape, || self.next() / size.sqrt());
        Conv2d::new(weight, self.vec(shape.0))
    }

    fn dense(&mut self, outputs: usize, inputs: usize) -> Dense {
        let scale = (inputs as f64).sqrt();
        let weight = Array2::from_shape_simple_fn((outputs, inputs), || self.next() / scale);
        Dense::new(weight, self.vec(outputs))
    }

    fn batch(&mut self, samples: usize, shape: &[usize]) -> ArrayD<f32> {
        let mut whole = vec![samples];
        whole.extend_from_slice(shape);
        ArrayD::from_shape_simple_fn(IxDyn(&whole), || 2.0 * self.next() as f32)
    }
}

fn close(found: &ArrayD<f32>, expected: &ArrayD<f32>, tolerance: f32) {
    assert_eq!(found.shape(), expected.shape());
    for (x, y) in found.iter().zip(expected) {
        assert!((x - y).abs() <= tolerance * (1.0 + y.abs()), "{found} is not {expected}");
    }
}

/// The network, simplified and in normal form, on a few samples.
fn agrees(network: &Network, numbers: &mut Numbers) -> NormalForm {
    let batch = numbers.batch(3, network.input_shape());
    let expected = network.evaluate(&batch).unwrap();
    close(&network.simplified().unwrap().evaluate(&batch).unwrap(), &expected, 1e-6);
    let form = NormalForm::new(network).unwrap();
    form.check().unwrap();
    close(&form.evaluate(&batch).unwrap(), &expected, 1e-6);
    form
}

const RELU2: [f64; 3] = [0.19947, 0.5, 0.19947];

/// Two convolutions with batch normalization and activations, then two dense layers.
fn deep(numbers: &mut Numbers) -> Network {
    let mut builder = Network::builder(&[1, 6, 6]).unwrap();
    let mut x = builder.input();
    for (name, shape, stride) in [("conv1", (3, 1, 3, 3), 1), ("conv2", (4, 3, 3, 3), 2)] {
        let conv = numbers.conv(shape).with_padding(Padding::all(1)).with_stride([stride; 2]);
        x = builder.conv2d(name, x, conv).unwrap();
        let variance: Vec<f64> = numbers.vec(shape.0).iter().map(|x| x.abs() + 0.1).collect();
        let (gamma, beta) = (numbers.vec(shape.0), numbers.vec(shape.0));
        let norm = Scale::batch_norm(&gamma, &beta, &numbers.vec(shape.0), &variance, 1e-5);
        x = builder.scale(&format!("{name}.norm"), x, norm).unwrap();
        let coefficients: Vec<_> = RELU2.iter().map(|&c| vec![c; shape.0]).collect();
        let act = Polynomial::per_channel(&coefficients, 3);
        x = builder.polynomial(&format!("{name}.act"), x, act).unwrap();
    }
    x = builder.flatten("flatten", x).unwrap();
    x = builder.dense("fc1", x, numbers.dense(5, 36)).unwrap();
    x = builder.polynomial("act", x, Polynomial::uniform(&RELU2)).unwrap();
    x = builder.dense("fc2", x, numbers.dense(2, 5)).unwrap();
    builder.finish(x).unwrap()
}

#[test]
fn a_deep_network_is_three_layers_of_squares() {
    let mut numbers = Numbers(1);
    let network = deep(&mut numbers);
    let form = agrees(&network, &mut numbers);
    let names: Vec<_> = form.squares.iter().map(|square| square.name.as_str()).collect();
    assert_eq!(names, ["conv1", "conv2", "fc1"]);
    assert_eq!(form.output.name, "fc2");
    assert_eq!(form.depths(), [0, 0, 1, 2]);
    assert_eq!(form.depth(), 3);
    let sizes: Vec<_> = form.squares.iter().map(|square| square.rows()).collect();
    assert_eq!(sizes, [3 * 36, 4 * 9, 5]);
    // No layer was composed with another: the weights are those of the network, less padding.
    assert_eq!(form.squares[2].entries(), 5 * 36);
    let simplified = network.simplified().unwrap();
    assert!(!simplified.nodes().iter().any(|node| matches!(node.op(), Op::Scale(_))));
}

#[test]
fn rows_at_one_position_have_one_support() {
    let mut numbers = Numbers(2);
    let mut builder = Network::builder(&[2, 5, 5]).unwrap();
    let mut conv = numbers.conv((3, 2, 3, 3)).with_padding(Padding::all(1));
    conv.weight.iter_mut().step_by(2).for_each(|weight| *weight = 0.0);
    let x = builder.conv2d("conv", builder.input(), conv).unwrap();
    let network = builder.finish(x).unwrap();
    let form = agrees(&network, &mut numbers);
    let map = &form.output.terms[0].map;
    for position in 0..25 {
        let support = map.row(position).0;
        assert!(support.windows(2).all(|pair| pair[0] < pair[1]));
        for channel in 1..3 {
            assert_eq!(map.row(channel * 25 + position).0, support);
        }
    }
    assert_eq!(map.row(12).0.len(), 18, "zeros inside a kernel stay");
    assert_eq!(map.row(0).0.len(), 8, "padding goes");
}

#[test]
fn a_residual_sum_reads_two_sources() {
    let mut numbers = Numbers(3);
    let mut builder = Network::builder(&[4]).unwrap();
    let x = builder.dense("fc1", builder.input(), numbers.dense(4, 4)).unwrap();
    let x = builder.polynomial("act1", x, Polynomial::uniform(&RELU2)).unwrap();
    let y = builder.dense("fc2", x, numbers.dense(4, 4)).unwrap();
    let y = builder.polynomial("act2", y, Polynomial::uniform(&RELU2)).unwrap();
    let sum = builder.sum("sum", x, y).unwrap();
    let out = builder.dense("fc3", sum, numbers.dense(2, 4)).unwrap();
    let network = builder.finish(out).unwrap();
    let form = agrees(&network, &mut numbers);
    let sources: Vec<_> = form.output.terms.iter().map(|term| term.source).collect();
    assert_eq!(sources, [1, 2]);
}

#[test]
fn branches_of_one_depth_are_separate_squares() {
    let mut numbers = Numbers(4);
    let mut builder = Network::builder(&[3]).unwrap();
    let mut branches = Vec::new();
    for name in ["left", "right"] {
        let x = builder.dense(name, builder.input(), numbers.dense(4, 3)).unwrap();
        let act = Polynomial::uniform(&RELU2);
        branches.push(builder.polynomial(&format!("{name}.act"), x, act).unwrap());
    }
    let sum = builder.sum("sum", branches[0], branches[1]).unwrap();
    let network = builder.finish(sum).unwrap();
    let form = agrees(&network, &mut numbers);
    assert_eq!(form.squares.len(), 2);
    assert_eq!(form.depth(), 1);
}

#[test]
fn linear_layers_compose_and_pooling_is_one_of_them() {
    let mut numbers = Numbers(5);
    let mut builder = Network::builder(&[2, 6, 6]).unwrap();
    let x = builder.conv2d("conv", builder.input(), numbers.conv((4, 1, 3, 3)).with_groups(2));
    let pool = AveragePool { padding: Padding::all(1), stride: [1, 2], ..AveragePool::new([2, 2]) };
    let x = builder.add("pool", Op::AveragePool(pool.clone()), &[x.unwrap()]).unwrap();
    let pool = AveragePool { count_padding: true, ..pool };
    let x = builder.add("pool2", Op::AveragePool(pool), &[x]).unwrap();
    let norm = Scale::new(numbers.vec(4), numbers.vec(4));
    let x = builder.scale("norm", x, norm).unwrap();
    let conv = numbers.conv((2, 4, 2, 2)).with_dilation([2, 1]).with_padding(Padding::all(1));
    let x = builder.conv2d("conv2", x, conv).unwrap();
    let network = builder.finish(x).unwrap();
    let form = agrees(&network, &mut numbers);
    assert_eq!((form.squares.len(), form.depth()), (0, 0));
}

#[test]
fn a_product_of_two_values_is_two_squares() {
    let mut numbers = Numbers(6);
    let mut builder = Network::builder(&[3]).unwrap();
    let x = builder.dense("gate", builder.input(), numbers.dense(4, 3)).unwrap();
    let y = builder.dense("value", builder.input(), numbers.dense(4, 3)).unwrap();
    let z = builder.add("product", Op::Multiply, &[x, y]).unwrap();
    let form = agrees(&builder.finish(z).unwrap(), &mut numbers);
    assert_eq!(form.squares[0].rows(), 8);
    assert_eq!(form.squares[0].shape, [2, 4], "sums, then differences");
}

/// A tensor where each of its entries has one row; rows where they have more, or some have none.
#[test]
fn layers_keep_the_shapes_of_their_tensors() {
    let mut numbers = Numbers(13);
    let mut shapes = |acts: &[Vec<f64>]| {
        let mut builder = Network::builder(&[1, 5, 5]).unwrap();
        let x = builder.conv2d("conv", builder.input(), numbers.conv((2, 1, 2, 2))).unwrap();
        let x = builder.polynomial("act", x, Polynomial::per_channel(acts, 3)).unwrap();
        let x = builder.flatten("flat", x).unwrap();
        let x = builder.dense("fc", x, numbers.dense(3, 32)).unwrap();
        let form = agrees(&builder.finish(x).unwrap(), &mut numbers);
        let layers = form.squares.into_iter().chain([form.output]);
        layers.map(|layer| layer.shape).collect::<Vec<_>>()
    };
    let both = |c: f64| vec![c, c];
    let four = [both(0.15), both(0.5), both(0.3), both(0.0), both(-0.02)];
    assert_eq!(shapes(&four), [vec![2, 4, 4], vec![2, 4, 4], vec![3]]);
    let six = [&four[..], &[both(0.0), both(0.002)]].concat();
    assert_eq!(shapes(&six), [vec![2, 4, 4], vec![64], vec![2, 4, 4], vec![3]]);
    // The second channel is read as it is and has no square.
    let one = [both(0.1), both(0.5), vec![0.3, 0.0], both(0.0), vec![0.1, 0.0]];
    assert_eq!(shapes(&one), [vec![2, 4, 4], vec![16], vec![3]]);
}

#[test]
fn a_layer_with_two_consumers_is_not_folded_into() {
    let mut numbers = Numbers(7);
    let mut builder = Network::builder(&[3]).unwrap();
    let x = builder.dense("fc", builder.input(), numbers.dense(4, 3)).unwrap();
    let y = builder.scale("norm", x, Scale::new(numbers.vec(4), numbers.vec(4))).unwrap();
    let y = builder.dense("fc2", y, numbers.dense(4, 4)).unwrap();
    let z = builder.sum("sum", x, y).unwrap();
    let network = builder.finish(z).unwrap();
    agrees(&network, &mut numbers);
    // The scale went into the layer after it, of which it is the only input.
    let simplified = network.simplified().unwrap();
    assert_eq!(simplified.nodes()[1].op(), network.nodes()[1].op());
    assert_eq!(simplified.nodes().len(), 4);
}

#[test]
fn a_shift_stays_before_padding() {
    let mut numbers = Numbers(8);
    let mut builder = Network::builder(&[1, 4, 4]).unwrap();
    let x = builder.scale("norm", builder.input(), Scale::new(vec![2.0], vec![1.0])).unwrap();
    let conv = numbers.conv((2, 1, 3, 3)).with_padding(Padding::all(1));
    let x = builder.conv2d("conv", x, conv).unwrap();
    agrees(&builder.finish(x).unwrap(), &mut numbers);
}

#[test]
fn an_activation_that_a_layer_reads_is_squared_once() {
    let mut numbers = Numbers(9);
    let mut builder = Network::builder(&[4]).unwrap();
    let x = builder.dense("fc", builder.input(), numbers.dense(4, 4)).unwrap();
    let y = builder.polynomial("act", x, Polynomial::uniform(&RELU2)).unwrap();
    let z = builder.dense("fc2", y, numbers.dense(4, 4)).unwrap();
    let skip = builder.sum("skip", x, y).unwrap();
    let z = builder.sum("sum", z, skip).unwrap();
    let form = agrees(&builder.finish(z).unwrap(), &mut numbers);
    assert_eq!(form.squares.len(), 1);
}

#[test]
fn weak_and_missing_squares_are_told_apart_by_channel() {
    let mut numbers = Numbers(10);
    let mut builder = Network::builder(&[4, 2, 2]).unwrap();
    let coefficients =
        [vec![0.1, 0.2, 0.3, 0.4], vec![0.5, 0.5, 0.5, 0.0], vec![0.2, 1e-9, 0.0, 0.0]];
    let act = Polynomial::per_channel(&coefficients, 3);
    let x = builder.polynomial("act", builder.input(), act).unwrap();
    let form = agrees(&builder.finish(x).unwrap(), &mut numbers);
    // One value an entry, whether it is read squared, as it is, or both.
    assert_eq!(form.squares[0].rows(), 3 * 4);
    let largest = form.squares[0].bias.iter().fold(0.0, |max: f64, x| max.max(x.abs()));
    assert!(largest < 1.0, "no huge offsets: {largest}");
}

#[test]
fn degrees_up_to_six_are_squares_of_squares() {
    let mut numbers = Numbers(11);
    for (degree, depth) in [(3, 2), (4, 2), (5, 3), (6, 3)] {
        let mut builder = Network::builder(&[4]).unwrap();
        let coefficients: Vec<_> = (0..=degree).map(|_| numbers.vec(4)).collect();
        let act = Polynomial::per_channel(&coefficients, 1);
        let x = builder.polynomial("act", builder.input(), act).unwrap();
        let form = agrees(&builder.finish(x).unwrap(), &mut numbers);
        assert_eq!(form.depth(), depth, "degree {degree}");
    }
}

#[test]
fn degree_seven_is_refused_by_name() {
    let mut builder = Network::builder(&[4]).unwrap();
    let act = Polynomial::uniform(&[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    let x = builder.polynomial("steep", builder.input(), act).unwrap();
    let error = NormalForm::new(&builder.finish(x).unwrap()).unwrap_err();
    assert!(matches!(&error, ModelError::Degree { node, degree: 7, .. } if node == "steep"));
}

#[test]
fn an_overflow_is_found_by_the_check_after_its_pass() {
    let mut builder = Network::builder(&[1]).unwrap();
    let dense = Dense::new(Array2::from_elem((1, 1), 1e300), vec![0.0]);
    let x = builder.dense("fc", builder.input(), dense).unwrap();
    let x = builder.scale("norm", x, Scale::new(vec![1e300], vec![0.0])).unwrap();
    let error = NormalForm::new(&builder.finish(x).unwrap()).unwrap_err().to_string();
    assert!(error.contains("fold scales") && error.contains("fc.weight"), "{error}");
}

#[test]
fn a_normal_form_that_contradicts_itself_is_found() {
    let mut numbers = Numbers(12);
    let form = NormalForm::new(&deep(&mut numbers)).unwrap();
    let mut wrong = form.clone();
    wrong.squares[1].terms[0].source = 2;
    let error = wrong.check().unwrap_err().to_string();
    assert!(error.contains("conv2"), "{error}");
    let mut wrong = form.clone();
    wrong.squares[2].bias.pop();
    assert!(wrong.check().unwrap_err().to_string().contains("fc1"));
    let mut wrong = form.clone();
    wrong.squares[0].shape[0] += 1;
    assert!(wrong.check().unwrap_err().to_string().contains("conv1"));
    let mut wrong = form;
    wrong.output.bias[0] = f64::NAN;
    assert!(wrong.check().unwrap_err().to_string().contains("NaN"));
}

#[test]
fn a_sparse_matrix_that_contradicts_itself_is_refused() {
    let new = SparseMatrix::new;
    assert!(new(2, 3, vec![0, 1, 2], vec![2, 0], vec![1.0, 2.0]).is_ok());
    assert!(new(2, 3, vec![0, 1], vec![2], vec![1.0]).is_err(), "a start is missing");
    assert!(new(1, 3, vec![0, 1], vec![3], vec![1.0]).is_err(), "no such column");
    assert!(new(1, 3, vec![0, 2], vec![1, 1], vec![1.0, 1.0]).is_err(), "a column twice");
    assert!(new(2, 3, vec![0, 9, 1], vec![1], vec![1.0]).is_err(), "a start beyond the end");
    assert!(new(1, 3, vec![0, 1], vec![1], vec![f64::INFINITY]).is_err(), "not finite");
    assert!(new(usize::MAX, 3, vec![0, 1], vec![1], vec![1.0]).is_err(), "too many rows");
    assert!(new(0, 3, vec![], vec![], vec![]).is_err(), "no start at all");
}

/// The definition, index by index.
fn naive_conv(conv: &Conv2d, x: &ArrayD<f32>) -> ArrayD<f32> {
    let (outputs, per_group, kernel_h, kernel_w) = conv.weight.dim();
    let (height, width) = (x.shape()[2] as isize, x.shape()[3] as isize);
    let Padding { top, left, bottom, right } = conv.padding;
    let size = |axis: usize, total: usize, kernel: usize| {
        (total - conv.dilation[axis] * (kernel - 1) - 1) / conv.stride[axis] + 1
    };
    let rows = size(0, height as usize + top + bottom, kernel_h);
    let columns = size(1, width as usize + left + right, kernel_w);
    let shape = IxDyn(&[x.shape()[0], outputs, rows, columns]);
    ArrayD::from_shape_fn(shape, |index| {
        let (n, o, r, c) = (index[0], index[1], index[2], index[3]);
        let mut sum = conv.bias[o];
        for i in 0..per_group {
            for u in 0..kernel_h {
                for v in 0..kernel_w {
                    let y = (r * conv.stride[0] + u * conv.dilation[0]) as isize - top as isize;
                    let z = (c * conv.stride[1] + v * conv.dilation[1]) as isize - left as isize;
                    if (0..height).contains(&y) && (0..width).contains(&z) {
                        let channel = o / (outputs / conv.groups) * per_group + i;
                        let entry = x[[n, channel, y as usize, z as usize]];
                        sum += conv.weight[[o, i, u, v]] * f64::from(entry);
                    }
                }
            }
        }
        sum as f32
    })
}

/// A sum of some thousands, scaled down before it is squared: composed with the scale, the
/// polynomial would be made of squares of `t ± 1` of that sum, and lose all digits.
#[test]
fn polynomials_keep_the_units_of_a_scale_before_them() {
    let mut numbers = Numbers(11);
    let mut builder = Network::builder(&[6]).unwrap();
    let (left, right) = (numbers.dense(4, 6), numbers.dense(4, 6));
    let large = |layer: Dense| Dense::new(layer.weight * 5000.0, layer.bias);
    let x = builder.dense("left", builder.input(), large(left)).unwrap();
    let y = builder.dense("right", builder.input(), large(right)).unwrap();
    let sum = builder.sum("sum", x, y).unwrap();
    let small = builder.polynomial("small", sum, Polynomial::uniform(&[0.0, 1.0 / 4000.0]));
    let shifted = builder.polynomial("shifted", small.unwrap(), Polynomial::uniform(&[0.1, 1.0]));
    let quartic = Polynomial::uniform(&[0.1496, 0.5, 0.29921, 0.03, -0.016623]);
    let output = builder.polynomial("act", shifted.unwrap(), quartic).unwrap();
    let form = agrees(&builder.finish(output).unwrap(), &mut numbers);
    let largest = form.output.terms.iter().flat_map(|term| term.map.values());
    let largest = largest.fold(0.0, |largest: f64, w| largest.max(w.abs()));
    assert!(largest < 10.0, "squares of the sum itself: weights up to {largest:e}");
}

proptest! {
    #[test]
    fn convolutions_of_all_shapes_match_the_definition(
        seed in any::<u64>(),
        (height, width) in (1usize..8, 1usize..8),
        (kernel_h, kernel_w) in (1usize..4, 1usize..4),
        (stride, dilation) in ((1usize..4, 1usize..4), (1usize..3, 1usize..3)),
        (top, left, bottom, right) in (0usize..6, 0usize..6, 0usize..6, 0usize..6),
        (groups, per_group, out_per_group) in (1usize..3, 1usize..3, 1usize..3),
    ) {
        let mut numbers = Numbers(seed);
        let conv = numbers
            .conv((groups * out_per_group, per_group, kernel_h, kernel_w))
            .with_stride([stride.0, stride.1])
            .with_dilation([dilation.0, dilation.1])
            .with_padding(Padding { top, left, bottom, right })
            .with_groups(groups);
        let mut builder = Network::builder(&[groups * per_group, height, width]).unwrap();
        let fits = height + top + bottom > dilation.0 * (kernel_h - 1)
            && width + left + right > dilation.1 * (kernel_w - 1);
        let added = builder.conv2d("conv", builder.input(), conv.clone());
        prop_assert_eq!(added.is_ok(), fits);
        if let Ok(x) = added {
            let network = builder.finish(x).unwrap();
            let batch = numbers.batch(2, network.input_shape());
            close(&network.evaluate(&batch).unwrap(), &naive_conv(&conv, &batch), 1e-5);
            agrees(&network, &mut numbers);
        }
    }

    /// Random expressions in one value: whatever way a polynomial is written, one node is left.
    #[test]
    fn elementwise_arithmetic_becomes_one_polynomial(
        seed in any::<u64>(),
        steps in prop::collection::vec((0u8..5, any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..8),
    ) {
        let mut numbers = Numbers(seed);
        let mut builder = Network::builder(&[2, 2, 2]).unwrap();
        let base = builder.conv2d("conv", builder.input(), numbers.conv((2, 2, 1, 1))).unwrap();
        let mut values: Vec<(NodeId, usize)> = vec![(base, 1)];
        for (number, (kind, left, right)) in steps.iter().enumerate() {
            let (x, degree_x) = values[left.index(values.len())];
            let (y, degree_y) = values[right.index(values.len())];
            let name = format!("step{number}");
            let constant = |numbers: &mut Numbers, power: usize| {
                let mut coefficients = vec![vec![0.0; 2]; power];
                coefficients.push(numbers.vec(2));
                Polynomial::per_channel(&coefficients, 3)
            };
            let (node, degree) = match kind {
                0 => (builder.sum(&name, x, y), degree_x.max(degree_y)),
                1 if degree_x + degree_y <= 6 => {
                    (builder.add(&name, Op::Multiply, &[x, y]), degree_x + degree_y)
                }
                2 if 2 * degree_x <= 6 => {
                    (builder.polynomial(&name, x, constant(&mut numbers, 2)), 2 * degree_x)
                }
                3 => (builder.polynomial(&name, x, constant(&mut numbers, 1)), degree_x),
                _ => {
                    let mut shift = constant(&mut numbers, 0);
                    shift.coefficients.push(ArrayD::from_elem(IxDyn(&[]), 1.0));
                    (builder.polynomial(&name, x, shift), degree_x)
                }
            };
            values.push((node.unwrap(), degree));
        }
        let network = builder.finish(values[values.len() - 1].0).unwrap();
        let simplified = network.simplified().unwrap();
        let kinds: Vec<_> = simplified.nodes().iter().map(|node| node.op().name()).collect();
        prop_assert!(kinds.len() <= 3 && !kinds.contains(&"Add") && !kinds.contains(&"Multiply"),
            "{:?}", kinds);
        let batch = numbers.batch(2, network.input_shape());
        let expected = network.evaluate(&batch).unwrap();
        close(&simplified.evaluate(&batch).unwrap(), &expected, 1e-4);
        let form = NormalForm::new(&network).unwrap();
        close(&form.evaluate(&batch).unwrap(), &expected, 1e-4);
    }
}
