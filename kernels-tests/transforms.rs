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
        let at = |group| group * polynomials;
        let job = |i| Job { prime: i, from, source: at(from), result: at(params.levels() - 1 - i) };
        let jobs: Vec<Job> = (0..params.levels()).map(job).collect();
        let got = engine.kernels().ntt_forward(&jobs, polynomials, &source).expect("runs");
        for job in jobs {
            let table = basis.table(job.prime);
            for (k, x) in lifted.chunks(n).enumerate() {
                let a: Vec<u32> = x.iter().map(|&x| table.modulus().from_i64(x)).collect();
                let mut want = a.clone();
                table.forward(&mut want);
                let got = &got[(job.result + k) * n..][..n];
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
    for (degree, polynomials) in [(16, 5), (32, 3), (64, 1), (128, 4), (256, 7), (1024, 2)] {
        let params = parameters(degree);
        everywhere(&params, None, |_| (), |engine| check(engine, &params, polynomials));
    }
}

#[test]
fn in_several_passes() {
    for (degree, words, polynomials) in
        [(32, 16, 3), (64, 16, 2), (128, 16, 2), (256, 16, 3), (512, 256, 1), (1024, 128, 2)]
    {
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
fn with_fewer_threads() {
    for (degree, threads) in [(256, 1), (256, 4), (512, 8), (4096, 64)] {
        let params = parameters(degree);
        let few = |options: &mut GpuOptions| options.tuning.transform_threads = Some(threads);
        everywhere(&params, None, few, |engine| check(engine, &params, 2));
    }
}

#[test]
fn rings_out_of_reach_are_refused() {
    use cipherbatch::device::DeviceError;
    let Some(adapter) = crate::harness::adapter() else { return };
    for (degree, words) in [(8, 4096), (512, 16)] {
        let params = parameters(degree);
        let mut options = GpuOptions::default();
        segments(words)(&mut options);
        let refusal = GpuEngine::open_with(adapter, &params, None, &options);
        assert!(matches!(refusal, Err(DeviceError::Shape { .. })), "{degree}");
    }
}

#[test]
fn broken_ones_are_caught() {
    // 64: a pass, and two stages in columns; 128: three.
    let params = parameters(128);
    let whole = [
        (
            Kernel::NttForward,
            "forward_butterfly((*x)[2], (*x)[3]",
            "forward_butterfly((*x)[3], (*x)[2]",
        ),
        (Kernel::NttForward, "reduce_once(a[bank(i)], prime.p)", "a[bank(i)]"),
        (
            Kernel::NttForward,
            "tree * (SEGMENT / (16u * h)) + block",
            "tree * (SEGMENT / (16u * h))",
        ),
        (Kernel::NttForward, "x > from_prime.half", "false"),
        (Kernel::NttForward, "sub(a, shoup(mirrored", "add(a, shoup(mirrored"),
        (Kernel::NttInverse, "prime.scale_twice", "prime.scale"),
        (
            Kernel::NttInverse,
            "inverse_butterfly((*x)[4], (*x)[12]",
            "inverse_butterfly((*x)[12], (*x)[4]",
        ),
    ];
    for patch in whole {
        broken(&params, None, |_| (), patch, |engine| check(engine, &params, 2));
    }
    let parts = [
        (Kernel::NttForwardOuter, "select(STEP - i, STEP / 2u, i == 0u)", "STEP - i"),
        (Kernel::NttForwardOuter, "forward_8(v, table, 1u", "forward_8(v, table, 2u"),
        (Kernel::NttForward, "DEGREE / SEGMENT + segment", "DEGREE / SEGMENT"),
        (Kernel::NttInverseOuter, "inverse_8(u, table, 1u", "inverse_8(u, table, 2u"),
        (Kernel::NttInverseOuter, "let lonely = alone", "let lonely = false"),
    ];
    for patch in parts {
        broken(&params, None, segments(16), patch, |engine| check(engine, &params, 2));
    }
}
