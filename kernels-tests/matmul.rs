//! The modular matrix product, against dot products of sparse rows.

use crate::harness::{
    ChaCha20Rng, Outcome, adapter, broken, compare, configurations, everywhere, parameters,
    residues, rng,
};
use cipherbatch::device::gpu::{GpuEngine, Kernel, POISON};
use cipherbatch::math::naive;
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

/// Modulo every prime: two components onto nothing and a bias, and three onto one of them.
fn check(engine: &GpuEngine, params: &Parameters, form: Form) -> Outcome {
    let n = params.degree();
    let matrix = matrix(form, &mut rng(7));
    for prime in 0..params.levels() {
        let m = params.basis().modulus(prime);
        let bias = residues(m, form.outputs, &mut rng(8));
        for (components, earlier, bias) in [(2, 0, Some(&bias[..])), (3, 1, None)] {
            let mut source = residues(m, components * form.inputs * n, &mut rng(9));
            // One column of the largest residues: the largest sums.
            source.iter_mut().step_by(n).for_each(|x| *x = m.value() - 1);
            let mut result = vec![POISON; components * form.outputs * n];
            let kept = earlier * form.outputs * n;
            result[..kept].copy_from_slice(&residues(m, kept, &mut rng(10)));
            let want = expected(params, prime, &matrix, bias, &source, &result, earlier);
            let got = engine
                .kernels()
                .matmul(prime, &matrix, bias, &source, &result, earlier)
                .expect("runs");
            compare(&format!("{form:?} modulo {}", m.value()), &got, &want)?;
        }
    }
    Ok(())
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
const FORMS: [Form; 8] = [
    Form { inputs: 1, outputs: 1, terms: 1, group: 1, weight: 1 },
    Form { inputs: 64, outputs: 9, terms: 64, group: 9, weight: 32_767 },
    Form { inputs: 130, outputs: 33, terms: 127, group: 11, weight: 16_383 },
    Form { inputs: 300, outputs: 70, terms: 300, group: 70, weight: 6_000 },
    Form { inputs: 90, outputs: 45, terms: 25, group: 5, weight: 511 },
    Form { inputs: 600, outputs: 17, terms: 555, group: 17, weight: 127 },
    Form { inputs: 40, outputs: 129, terms: 17, group: 129, weight: 2_900 },
    Form { inputs: 5, outputs: 7, terms: 0, group: 2, weight: 3 },
];

#[test]
fn products_of_many_shapes() {
    let params = parameters(16);
    everywhere(&params, None, |_| (), |e| FORMS.iter().try_for_each(|&f| check(e, &params, f)));
    // More columns than one workgroup computes, and not as many as two do.
    for degree in [64, 512] {
        let params = parameters(degree);
        everywhere(&params, None, |_| (), |e| check(e, &params, FORMS[4]));
    }
}

#[test]
fn products_of_random_shapes() {
    let Some(adapter) = adapter() else { return };
    let params = parameters(8);
    let open = |(name, options)| (name, GpuEngine::open_with(adapter, &params, None, &options));
    let engines: Vec<_> = configurations(adapter).into_iter().map(open).collect();
    let form = (1usize..80, 1usize..60, 1usize..20, 0u32..15).prop_flat_map(
        |(inputs, outputs, group, bits)| {
            (0..=inputs).prop_map(move |terms| {
                let weight = (2 << bits) - 1;
                Form { inputs, outputs, terms, group, weight }
            })
        },
    );
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(12));
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
        ("round + k < job.terms", "round + k + 1u < job.terms"),
        ("sum_add(&s5, value, v.y);", "sum_add(&s5, value, v.x);"),
        ("high < vec4<i32>()", "vec4<bool>()"),
        ("if (component < params.written)", "if (component <= params.written)"),
        ("component == 0u && params.biased", "params.biased"),
    ];
    for (from, to) in breaks {
        let patch = (Kernel::Matmul, from, to);
        broken(&params, None, |_| (), patch, |e| check(e, &params, FORMS[1]));
    }
}

/// Without folds the 16-bit sums overflow: the bound matters, and the forms reach it.
#[test]
fn missing_folds_are_caught() {
    use cipherbatch::device::gpu::{GpuOptions, Patch, Prelude};
    let Some(adapter) = adapter() else { return };
    let params = parameters(16);
    let from = "if (since_fold + RUN > params.bound)";
    let patch = Some(Patch { kernel: Kernel::Matmul, from, to: "if (false)" });
    let options = GpuOptions { prelude: Some(Prelude::U32), patch, ..GpuOptions::default() };
    let engine = GpuEngine::open_with(adapter, &params, None, &options).expect("opens");
    for form in [FORMS[1], FORMS[2], FORMS[3]] {
        assert!(check(&engine, &params, form).is_err(), "{form:?}");
    }
}
