//! How blueprints are drawn: every construct that a network of the field has, in any order.

use crate::blueprint::*;
use proptest::prelude::*;

impl Blueprint {
    /// Any network of 1 to 8 activations.
    pub fn strategy() -> impl Strategy<Value = Self> {
        let stage =
            (prop::collection::vec(linear(), 0..3), mix(), prop::option::of(norm()), tail());
        let stages = prop::collection::vec(stage, 1..=8);
        let input = (1..=3usize, 6..=12usize, 6..=12usize);
        let range =
            prop_oneof![3 => Just((0.0, 1.0)), 1 => Just((-1.0, 1.0)), 1 => Just((-0.5, 3.0))];
        let opset = prop_oneof![Just(11), Just(13), Just(17)];
        let head = (any::<u64>(), opset, input, range, 1..=8usize);
        (head, stages, 0..12usize, neck(), 1..=5usize).prop_map(
            |((seed, opset, (c, h, w), range, squarings), stages, flat, neck, classes)| {
                let layers = stages.into_iter().flat_map(|(before, mix, norm, tail)| {
                    let tail = match tail {
                        Layer::Residual(inner, activation) => {
                            vec![Layer::Mix(mix), Layer::Residual(inner, activation)]
                        }
                        tail => vec![Layer::Mix(mix)]
                            .into_iter()
                            .chain(norm.map(Layer::Norm))
                            .chain([tail])
                            .collect(),
                    };
                    before.into_iter().chain(tail)
                });
                let layers = layers.collect();
                Self {
                    seed,
                    opset,
                    input: [c, h, w],
                    range,
                    squarings,
                    layers,
                    flat,
                    neck,
                    classes,
                }
            },
        )
    }
}

fn mix() -> impl Strategy<Value = Mix> {
    let kernel = prop_oneof![
        4 => prop_oneof![Just([1, 1]), Just([3, 3]), Just([5, 5]), Just([7, 7])],
        1 => Just([1, 3]), 1 => Just([5, 3]), 1 => Just([2, 4])
    ];
    let pair = || prop_oneof![3 => Just([1, 1]), 2 => Just([2, 2]), 1 => Just([1, 2])];
    let padding = prop_oneof![
        Just(Padding::Valid),
        Just(Padding::SameUpper),
        Just(Padding::SameLower),
        prop::array::uniform4(0..4usize).prop_map(Padding::Given),
    ];
    let grouping = prop_oneof![2 => Just(Grouping::One), 1 => Just(Grouping::Two), 1 => Just(Grouping::Depthwise)];
    let dense = prop_oneof![
        (any::<bool>(), prop_oneof![Just(1.0f32), Just(0.5)])
            .prop_map(|(transposed, alpha)| Spelling::Gemm { transposed, alpha }),
        Just(Spelling::MatMul),
    ];
    let gain = prop_oneof![4 => Just(1.0f32), 1 => Just(0.05), 1 => Just(20.0)];
    let sizes = (1..=6usize, kernel, pair(), pair());
    (sizes, padding, grouping, any::<bool>(), dense, gain).prop_map(
        |((channels, kernel, stride, dilation), padding, grouping, bias, dense, gain)| Mix {
            channels,
            kernel,
            stride,
            dilation,
            padding,
            grouping,
            bias,
            dense,
            gain,
        },
    )
}

fn norm() -> impl Strategy<Value = Norm> {
    let epsilon = prop_oneof![Just(1e-5f32), Just(1e-3), Just(0.1)];
    (0.3..3.0f32, -0.7..0.7f32, epsilon, any::<bool>())
        .prop_map(|(variance, mean, epsilon, negative)| Norm { variance, mean, epsilon, negative })
}

fn activation() -> impl Strategy<Value = Activation> {
    let fit = |degree| any::<bool>().prop_map(move |odd| Shape::Fit { degree, odd });
    let shape = prop_oneof![
        2 => Just(Shape::Square), 4 => fit(2), 2 => fit(4), 1 => fit(6), 1 => Just(Shape::Weak)
    ];
    let way = prop_oneof![Just(Way::Power), Just(Way::Product), Just(Way::Horner)];
    (shape, way, any::<bool>()).prop_map(|(shape, way, per_channel)| Activation {
        shape,
        way,
        per_channel,
    })
}

fn tail() -> impl Strategy<Value = Layer> {
    prop_oneof![
        3 => activation().prop_map(Layer::Activation),
        1 => (mix(), activation()).prop_map(|(mix, activation)| Layer::Residual(mix, activation)),
    ]
}

fn linear() -> impl Strategy<Value = Layer> {
    prop_oneof![
        norm().prop_map(Layer::Norm),
        mix().prop_map(Layer::Mix),
        pool(),
        constant(),
        prop_oneof![Just(Nothing::Identity), Just(Nothing::Dropout), Just(Nothing::Reshapes)]
            .prop_map(Layer::Nothing),
    ]
}

fn pool() -> impl Strategy<Value = Layer> {
    let pair = |range: std::ops::RangeInclusive<usize>| prop::array::uniform2(range);
    (pair(1..=3), pair(1..=2), prop::array::uniform4(0..=1usize), any::<bool>()).prop_map(
        |(kernel, stride, pads, count_padding)| {
            Layer::Pool(Pool { kernel, stride, pads, count_padding })
        },
    )
}

fn constant() -> impl Strategy<Value = Layer> {
    use Arithmetic::*;
    let kind = prop::sample::select(vec![
        Add,
        AddLeft,
        Subtract,
        SubtractLeft,
        Multiply,
        MultiplyLeft,
        Divide,
        Negate,
    ]);
    let extent = prop_oneof![
        Just(Extent::Number),
        Just(Extent::Channel),
        Just(Extent::ChannelOfBatch),
        Just(Extent::Whole),
    ];
    (kind, extent).prop_map(|(kind, extent)| Layer::Constant(Constant { kind, extent }))
}

fn neck() -> impl Strategy<Value = Neck> {
    use Neck::*;
    prop::sample::select(vec![Flatten, ReshapeOpen, ReshapeKept, GlobalPool, Mean])
}
