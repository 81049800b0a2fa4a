//! Adapters, configurations and random residues.

use cipherbatch::device::gpu::{Adapter, GpuEngine, GpuOptions, Kernel, LimitSet, Patch, Prelude};
use cipherbatch::math::{Modulus, primes_below};
use cipherbatch::ring::{Shape, Tile};
use cipherbatch::scheme::{Parameters, ParametersLiteral, RelinKey};
pub use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::io::Write;
use std::sync::OnceLock;

/// What a check found.
pub type Outcome = Result<(), String>;

/// The adapter of all tests: a real GPU, else a software rasteriser, else none, said aloud. With
/// `CIPHERBATCH_REQUIRE_GPU=1` none is a failure.
pub fn adapter() -> Option<&'static Adapter> {
    static ADAPTER: OnceLock<Option<Adapter>> = OnceLock::new();
    let found = ADAPTER.get_or_init(|| {
        let found = Adapter::any();
        // Not `eprintln`, which is captured where tests pass.
        let mut stderr = std::io::stderr();
        let _ = match &found {
            Ok(adapter) => writeln!(stderr, "kernels run on {adapter}, {}", adapter.driver()),
            Err(e) => writeln!(stderr, "KERNELS ARE NOT TESTED: {e}"),
        };
        found.ok()
    });
    let required = std::env::var("CIPHERBATCH_REQUIRE_GPU").is_ok_and(|v| v == "1");
    assert!(found.is_some() || !required, "CIPHERBATCH_REQUIRE_GPU is set, and there is no GPU");
    found.as_ref()
}

/// The ways in which every kernel runs.
pub fn configurations(adapter: &Adapter) -> Vec<(&'static str, GpuOptions)> {
    let options = |prelude, limits, checked| GpuOptions {
        prelude: Some(prelude),
        limits,
        checked,
        ..GpuOptions::default()
    };
    let mut all = vec![
        ("u32", options(Prelude::U32, LimitSet::Adapter, false)),
        ("u32, limits of WebGPU, checked", options(Prelude::U32, LimitSet::WebGpu, true)),
    ];
    if adapter.has_u64() {
        all.push(("u64", options(Prelude::U64, LimitSet::Adapter, false)));
        all.push(("u64, checked", options(Prelude::U64, LimitSet::Adapter, true)));
    }
    all
}

/// Runs a check in every configuration, changed by `change`.
pub fn everywhere(
    params: &Parameters,
    key: Option<&RelinKey>,
    change: impl Fn(&mut GpuOptions),
    check: impl Fn(&GpuEngine) -> Outcome,
) {
    let Some(adapter) = adapter() else { return };
    for (name, mut options) in configurations(adapter) {
        change(&mut options);
        let engine = GpuEngine::open_with(adapter, params, key, &options).expect("opens");
        assert_eq!(check(&engine), Ok(()), "on {name}");
    }
}

/// Breaks a kernel in both preludes, and sees that the check notices.
pub fn broken(
    params: &Parameters,
    key: Option<&RelinKey>,
    change: impl Fn(&mut GpuOptions),
    patch: (Kernel, &'static str, &'static str),
    check: impl Fn(&GpuEngine) -> Outcome,
) {
    let Some(adapter) = adapter() else { return };
    let (kernel, from, to) = patch;
    for prelude in [Prelude::U32, Prelude::U64] {
        if prelude == Prelude::U64 && !adapter.has_u64() {
            continue;
        }
        let patch = Some(Patch { kernel, from, to });
        let mut options = GpuOptions { prelude: Some(prelude), patch, ..GpuOptions::default() };
        change(&mut options);
        let engine = GpuEngine::open_with(adapter, params, key, &options).expect("opens");
        let outcome = check(&engine);
        assert!(outcome.is_err(), "{}: {from:?} became {to:?} unnoticed", kernel.name());
    }
}

/// Whether two lists of residues are the same; if not, where they first differ.
pub fn compare(what: &str, got: &[u32], want: &[u32]) -> Outcome {
    if got.len() != want.len() {
        return Err(format!("{what}: {} residues, expected {}", got.len(), want.len()));
    }
    match got.iter().zip(want).position(|(g, w)| g != w) {
        Some(i) => Err(format!("{what}: residue {i} is {}, expected {}", got[i], want[i])),
        None => Ok(()),
    }
}

/// Primes near 2³¹, near 2³⁰, and one of the smallest there are, in this order.
pub fn parameters(degree: usize) -> Parameters {
    let order = 4 * degree as u32;
    let mut primes: Vec<u32> = primes_below(1 << 31, order).take(2).collect();
    primes.extend(primes_below(1 << 30, order).take(1));
    primes.extend(primes_below(order * 40, order).last());
    Parameters::new_insecure(ParametersLiteral::new(degree, primes)).expect("primes with roots")
}

pub fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// Random residues, every fifth at an end of the range.
pub fn residues(m: &Modulus, count: usize, rng: &mut ChaCha20Rng) -> Vec<u32> {
    let p = m.value();
    let ends = [0, 1, p - 1, p / 2, p / 2 + 1];
    let one = |_| match rng.next_u32() {
        x if x % 5 == 0 => ends[x as usize / 5 % ends.len()],
        x => ((u64::from(x) * u64::from(p)) >> 32) as u32,
    };
    (0..count).map(one).collect()
}

/// A tile of random residues.
pub fn random_tile(params: &Parameters, shape: Shape, rng: &mut ChaCha20Rng) -> Tile {
    let data = (0..shape.primes)
        .flat_map(|i| residues(params.basis().modulus(i), shape.per_prime(), rng))
        .collect();
    Tile::new(shape, data).expect("as many residues as the shape has")
}

/// A key of random residues: as good as any for arithmetic.
pub fn random_key(params: &Parameters, rng: &mut ChaCha20Rng) -> RelinKey {
    let (primes, degree) = (params.levels(), params.degree());
    let shape = Shape { primes, components: 2, rows: primes, degree };
    RelinKey::new(random_tile(params, shape, rng)).expect("two components, a digit a prime")
}
