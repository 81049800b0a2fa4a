//! What holds for all networks, tried on random ones.

use crate::Blueprint;
use crate::assemble::assemble;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use std::cell::RefCell;

fn setting(name: &str, otherwise: u32) -> u32 {
    let parse = |v: String| v.parse().unwrap_or_else(|e| panic!("{name}={v}: {e}"));
    std::env::var(name).map_or(otherwise, parse)
}

/// Tries a property on `usual` networks (times `CONFORMANCE_FACTOR`), the same ones on every run
/// unless `CONFORMANCE_SEED` (below 256) says otherwise, and returns what it measured on each.
///
/// # Panics
/// Where the property fails, with the smallest network found for which it does; its file is left
/// in the directory for temporary files.
pub fn over_networks<T>(usual: u32, property: impl Fn(&Blueprint) -> Result<T, String>) -> Vec<T> {
    let cases = usual * setting("CONFORMANCE_FACTOR", 1);
    let seed = setting("CONFORMANCE_SEED", 0) as u8;
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let measured = RefCell::new(Vec::new());
    let outcome = TestRunner::new_with_rng(config, rng).run(&Blueprint::strategy(), |blueprint| {
        let value = property(&blueprint).map_err(proptest::test_runner::TestCaseError::fail)?;
        measured.borrow_mut().push(value);
        Ok(())
    });
    if let Err(TestError::Fail(reason, blueprint)) = &outcome {
        let path = std::env::temp_dir().join("conformance-failed.onnx");
        let written = assemble(blueprint).map(|a| std::fs::write(&path, a.onnx));
        panic!("{reason}\n{blueprint:#?}\n{}: {written:?}", path.display());
    }
    outcome.expect("cases were drawn");
    measured.into_inner()
}

/// The value below which the part `q` of all values lies.
pub fn quantile(values: &[f64], q: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * q).round() as usize).copied().unwrap_or(f64::NAN)
}
