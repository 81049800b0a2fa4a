//! The transforms: against the CPU's, and against the definition where that is quick.

use crate::harness::{
    ChaCha20Rng, Outcome, broken, compare, everywhere, parameters, residues, rng,
};
use cipherbatch::device::gpu::{GpuEngine, GpuOptions, Job, Kernel};
use cipherbatch::math::naive;
use cipherbatch::scheme::Parameters;

/// Groups of coefficients, group i modulo prime i: random, and all of one value.
fn coefficients(params: &Parameters, polynomials: usize, rng: &mut ChaCha20Rng) -> Vec<u32> {
    let n = params.degree();
    let group = |i: usize| {
        let m = params.basis().modulus(i);
        let mut group = residues(m, polynomials * n, rng);
        if polynomials > 1 {
            group[..n].fill(m.value() - 1);
        }
        group
    };
    (0..params.levels()).flat_map(group).collect()
}

/// Forward with lift from every prime to every prime, and back.
fn check(engine: &GpuEngine, params: &Parameters, polynomials: usize) -> Outcome {
    let (n, basis) = (params.degree(), params.basis());
    let group = polynomials * n;
    let source = coefficients(params, polynomials, &mut rng(n as u64));

    for from in 0..params.levels() {
        let centred = |&x: &u32| i64::from(basis.modulus(from).centre(x));
        let lifted: Vec<i64> = source[from * group..][..group].iter().map(centred).collect();
        let job = |i| Job { prime: i, from, source: from, result: params.levels() - 1 - i };
        let jobs: Vec<Job> = (0..params.levels()).map(job).collect();
        let got = engine.kernels().ntt_forward(&jobs, polynomials, &source).expect("runs");
        for job in jobs {
            let table = basis.table(job.prime);
            for (k, x) in lifted.chunks(n).enumerate() {
                let a: Vec<u32> = x.iter().map(|&x| table.modulus().from_i64(x)).collect();
                let mut want = a.clone();
                table.forward(&mut want);
                let got = &got[job.result * group + k * n..][..n];
                let what = format!("{job:?}, polynomial {k}");
                compare(&what, got, &want)?;
                for j in [0, n / 3, n - 1] {
                    let omega_k = table.exponent(j);
                    let value = naive::evaluate(table.modulus(), &a, table.omega(), omega_k);
                    compare("a value by definition", &got[j..=j], &[value])?;
                }
            }
        }
    }

    let mut want = source.clone();
    for (i, group) in want.chunks_mut(group).enumerate() {
        group.chunks_mut(n).for_each(|a| basis.table(i).inverse(a));
    }
    let got = engine.kernels().ntt_inverse(polynomials, &source).expect("runs");
    compare("the inverse", &got, &want)
}

/// The largest segment is `words` coefficients.
fn segments(words: u32) -> impl Fn(&mut GpuOptions) {
    move |options| options.workgroup_memory = Some(4 * words)
}

#[test]
fn in_one_workgroup() {
    for (degree, polynomials) in [(8, 5), (16, 3), (32, 1), (256, 7), (1024, 2)] {
        let params = parameters(degree);
        everywhere(&params, None, |_| (), |engine| check(engine, &params, polynomials));
    }
}

#[test]
fn in_several_passes() {
    for (degree, words, polynomials) in [(16, 4, 3), (64, 16, 2), (256, 8, 3), (512, 256, 1)] {
        let params = parameters(degree);
        everywhere(&params, None, segments(words), |engine| check(engine, &params, polynomials));
    }
}

/// 8192 is one workgroup's worth with 32 KiB of memory, and two with WebGPU's 16; 32768 is more
/// than any has.
#[test]
fn at_full_size() {
    for degree in [4096, 8192, 32_768] {
        let params = parameters(degree);
        everywhere(&params, None, |_| (), |engine| check(engine, &params, 1));
    }
}

#[test]
fn broken_ones_are_caught() {
    let params = parameters(64);
    let whole = [
        (Kernel::NttForward, "u.x, v.x, roots[table + 2u * k], p)", "u.x, v.x, w, p)"),
        (Kernel::NttForward, "reduce_once(a[i], p)", "a[i]"),
        (Kernel::NttForward, "select(r, sub(r, q, to_prime.p), x > from_prime.half)", "r"),
        (Kernel::NttInverse, "prime.scale_twice", "prime.scale"),
        (
            Kernel::NttInverse,
            "for (var h = 1u; h <= SEGMENT / 4u",
            "for (var h = 4u; h <= SEGMENT / 4u",
        ),
    ];
    for patch in whole {
        broken(&params, None, |_| (), patch, |engine| check(engine, &params, 2));
    }
    let parts = [
        (Kernel::NttForwardFirst, "fold(c, b, prime)", "fold(c, a, prime)"),
        (Kernel::NttForwardStage, "+ block]", "]"),
        (Kernel::NttInverseStage, "+ block]", "]"),
        (Kernel::NttInverseLast, "unfold(y.x, x.y, prime)", "unfold(y.x, x.x, prime)"),
    ];
    for patch in parts {
        broken(&params, None, segments(16), patch, |engine| check(engine, &params, 2));
    }
}
