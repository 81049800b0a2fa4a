//! The modular matrix product, against dot products of sparse rows.

use crate::harness::{
    ChaCha20Rng, Outcome, adapter, broken, compare, configurations, everywhere, parameters,
    residues, rng,
};
use cipherbatch::device::gpu::{
    Factor, Form as Sum, GpuEngine, GpuOptions, Kernel, POISON, Prelude,
};
use cipherbatch::math::{Modulus, naive};
use cipherbatch::ring::BlockMatrix;
use cipherbatch::scheme::Parameters;
use proptest::prelude::*;
use rand_chacha::rand_core::Rng;

/// What a matrix looks like.
#[derive(Clone, Copy, Debug)]
struct Form {
    inputs: usize,
    outputs: usize,
    /// Inputs of a row, from a start that depends on the row.
    terms: usize,
    /// Rows in a row that have the same inputs.
    group: usize,
    /// The largest weight.
    weight: i32,
}

fn matrix(form: Form, rng: &mut ChaCha20Rng) -> BlockMatrix {
    let Form { inputs, outputs, terms, group, weight } = form;
    let mut shared = Vec::new();
    let row = |r: usize| {
        let start = r / group * 3 % (inputs - terms + 1);
        // Groups share their weights as the positions of a convolution do.
        if shared.len() <= r % group {
            let span = 2 * weight as u32 + 1;
            let any = |k: usize| match k % 7 {
                0 => weight,
                1 => -weight,
                _ => (rng.next_u32() % span) as i32 - weight,
            };
            shared.push((0..terms).map(any).collect::<Vec<i32>>());
        }
        let weights = &shared[r % group];
        weights.iter().enumerate().map(|(k, &w)| ((start + k) as u32, w)).collect()
    };
    let rows: Vec<Vec<(u32, i32)>> = (0..outputs).map(row).collect();
    BlockMatrix::from_rows(inputs, &rows).expect("within the bounds")
}

/// Modulo every prime: two components onto nothing and a bias, three onto one of them, and squares onto two.
fn check(engine: &GpuEngine, params: &Parameters, form: Form) -> Outcome {
    let n = params.degree();
    let matrix = matrix(form, &mut rng(7));
    for prime in 0..params.levels() {
        let m = params.basis().modulus(prime);
        let bias = residues(m, form.outputs, &mut rng(8));
        let ways = [
            (false, 2, 2, 0, Some(&bias[..])),
            (false, 3, 3, 1, None),
            (true, 2, 3, 2, Some(&bias[..])),
        ];
        for (squared, read, components, earlier, bias) in ways {
            let mut source = residues(m, read * form.inputs * n, &mut rng(9));
            // One column of the largest residues: the largest sums.
            source.iter_mut().step_by(n).for_each(|x| *x = m.value() - 1);
            let mut result = vec![POISON; components * form.outputs * n];
            let kept = earlier * form.outputs * n;
            result[..kept].copy_from_slice(&residues(m, kept, &mut rng(10)));
            let inputs = if squared { squares(m, &source) } else { source.clone() };
            let want = expected(params, prime, &matrix, bias, &inputs, &result, earlier);
            let kernels = engine.kernels();
            let factor = Factor { prime, matrix: &matrix, squared, bias };
            let got = kernels.matmul(&factor, &source, &result, earlier).expect("runs");
            compare(&format!("{form:?}, squared: {squared}, modulo {}", m.value()), &got, &want)?;
        }
    }
    Ok(())
}

/// (c₀², 2c₀c₁, c₁²).
fn squares(m: &Modulus, source: &[u32]) -> Vec<u32> {
    let (a, b) = source.split_at(source.len() / 2);
    let mut out: Vec<u32> = a.iter().map(|&a| m.mul(a, a)).collect();
    out.extend(a.iter().zip(b).map(|(&a, &b)| m.mul(m.add(a, a), b)));
    out.extend(b.iter().map(|&b| m.mul(b, b)));
    out
}

/// A form of the sum, sizes of a workgroup.
fn tuned(form: Sum, vectors: u32, depth: u32, threads: usize) -> impl Fn(&mut GpuOptions) {
    move |options| {
        options.tuning.form = Some(form);
        options.tuning.vectors = Some(vectors);
        options.tuning.depth = Some(depth);
        options.tuning.product_threads = Some(threads);
    }
}

fn expected(
    params: &Parameters,
    prime: usize,
    matrix: &BlockMatrix,
    bias: Option<&[u32]>,
    source: &[u32],
    result: &[u32],
    earlier: usize,
) -> Vec<u32> {
    let (m, n) = (params.basis().modulus(prime), params.degree());
    let mut want = result.to_vec();
    for (component, out) in want.chunks_mut(matrix.outputs() * n).enumerate() {
        for (row, out) in out.chunks_mut(n).enumerate() {
            let (columns, weights): (Vec<u32>, Vec<i32>) =
                matrix.row(row as u32).into_iter().unzip();
            for (k, out) in out.iter_mut().enumerate() {
                let at = |&c: &u32| source[(component * matrix.inputs() + c as usize) * n + k];
                let inputs: Vec<u32> = columns.iter().map(at).collect();
                let mut y = naive::dot(m, &weights, &inputs);
                if let Some(bias) = bias.filter(|_| component == 0) {
                    y = m.add(y, bias[row]);
                }
                *out = if component < earlier { m.add(y, *out) } else { y };
            }
        }
    }
    want
}

/// Sizes around those of tiles; weights whose 16-bit sums are folded after every term, every
/// second, in the middle of a round, every few rounds.
const FORMS: [Form; 9] = [
    Form { inputs: 1, outputs: 1, terms: 1, group: 1, weight: 1 },
    Form { inputs: 64, outputs: 9, terms: 64, group: 9, weight: 32_639 },
    Form { inputs: 30, outputs: 3, terms: 29, group: 3, weight: 32_767 },
    Form { inputs: 130, outputs: 33, terms: 127, group: 11, weight: 16_383 },
    Form { inputs: 300, outputs: 70, terms: 300, group: 70, weight: 6_000 },
    Form { inputs: 90, outputs: 45, terms: 25, group: 5, weight: 511 },
    Form { inputs: 600, outputs: 17, terms: 555, group: 17, weight: 127 },
    Form { inputs: 40, outputs: 129, terms: 17, group: 129, weight: 2_900 },
    Form { inputs: 5, outputs: 7, terms: 0, group: 2, weight: 3 },
];

/// Every form of the sum, in several sizes of a workgroup.
#[test]
fn products_of_many_shapes() {
    let params = parameters(16);
    for form in Sum::ALL {
        let check = |e: &GpuEngine| FORMS.iter().try_for_each(|&f| check(e, &params, f));
        everywhere(&params, None, tuned(form, 1, 8, 64), check);
    }
    for (form, vectors, depth, threads) in [(Sum::Halves, 2, 16, 192), (Sum::Dot, 2, 4, 12)] {
        let check = |e: &GpuEngine| [5, 7].iter().try_for_each(|&f| check(e, &params, FORMS[f]));
        everywhere(&params, None, tuned(form, vectors, depth, threads), check);
    }
    // More columns than one workgroup computes, and not as many as two do.
    for degree in [64, 512] {
        let params = parameters(degree);
        everywhere(&params, None, |_| (), |e| check(e, &params, FORMS[5]));
    }
}

#[test]
fn products_of_random_shapes() {
    let Some(adapter) = adapter() else { return };
    let params = parameters(16);
    // Every form in every configuration that has it; where it has not, another one takes its place.
    let engines: Vec<_> = Sum::ALL
        .into_iter()
        .flat_map(|form| configurations(adapter).into_iter().map(move |c| (form, c)))
        .map(|(form, (name, mut options))| {
            options.tuning.form = Some(form);
            (format!("{form:?}, {name}"), GpuEngine::open_with(adapter, &params, None, &options))
        })
        .collect();
    let form = (1usize..80, 1usize..60, 1usize..20, 0u32..15).prop_flat_map(
        |(inputs, outputs, group, bits)| {
            (0..=inputs).prop_map(move |terms| {
                let weight = (2 << bits) - 1;
                Form { inputs, outputs, terms, group, weight }
            })
        },
    );
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(6));
    let property = |form| {
        for (name, engine) in &engines {
            let outcome = check(engine.as_ref().expect("opens"), &params, form);
            prop_assert!(outcome.is_ok(), "{name}: {outcome:?}");
        }
        Ok(())
    };
    runner.run(&form, property).expect("all shapes agree");
}

#[test]
fn broken_ones_are_caught() {
    let params = parameters(16);
    let breaks = [
        (Sum::Halves, "first + 0u < job.terms", "first + 1u < job.terms"),
        (Sum::Halves, "add_digit0(&sy0, at, w00.y);", "add_digit0(&sy0, at, w00.x);"),
        (Sum::Halves, "sum.high < vec4<i32>()", "vec4<bool>()"),
        (Sum::Halves, "if (component < params.written)", "if (component <= params.written)"),
        (Sum::Halves, "component == 0u && params.biased", "params.biased"),
        (Sum::Halves, "a[0] + a[0]", "a[0]"),
        (Sum::Halves, "select(prime.one, prime.radix, Z == 3u)", "prime.one"),
        (Sum::Wide, "total >> vec4<u32>(32u)", "total >> vec4<u32>(31u)"),
        (Sum::Dot, "x > vec4<u32>(p >> 1u)", "vec4<bool>()"),
        (Sum::Dot, "add_digit1(&sy0", "add_digit0(&sy0"),
        (Sum::Dot, "(*words).low < low", "vec4<bool>()"),
    ];
    for (form, from, to) in breaks {
        let patch = (Kernel::Matmul, from, to);
        if form == Sum::Wide && !adapter().is_some_and(|a| a.has_u64()) {
            continue;
        }
        // Without 64-bit integers there is nothing wide to break.
        let change = move |options: &mut GpuOptions| {
            tuned(form, 1, 8, 64)(options);
            if form == Sum::Wide {
                options.prelude = Some(Prelude::U64);
            }
        };
        broken(&params, None, change, patch, |e| check(e, &params, FORMS[1]));
    }
}

/// Without folds the 16-bit sums overflow: the bound matters, and the forms reach it.
#[test]
fn missing_folds_are_caught() {
    let params = parameters(16);
    let from = "if (BOUNDED == 1u && since_fold + RUN > params.bound)";
    let patch = (Kernel::Matmul, from, "if (false)");
    for form in [FORMS[1], FORMS[3], FORMS[4]] {
        broken(&params, None, tuned(Sum::Halves, 2, 8, 64), patch, |e| check(e, &params, form));
    }
}
