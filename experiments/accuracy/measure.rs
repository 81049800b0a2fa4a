//! One row: accuracy in the clear, then the same network on encrypted images.

use crate::answers::{self, percent};
use crate::cases::Case;
use crate::data::{self, Data};
use crate::table::Row;
use crate::{Failure, Options, stamp};
use cipherbatch::model::NormalForm;
use cipherbatch::{Client, Device, Plan, PlanOptions, Server};
use ndarray::{Axis, Slice};
use std::time::Instant;

/// How the note of a row begins that could not be measured, unlike one that was rightly refused.
pub const FAILED: &str = "failed";

/// The test images of either data set.
const IMAGES: usize = 10_000;

/// Measures a row and tells it after either part. What stands in the way of its encryption alone is
/// noted in it.
pub fn row(
    case: &Case,
    options: &Options,
    tell: impl Fn(&Row) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let data = data::load(case.dataset, options)?;
    let prepared = case.prepare()?;
    let (commit, date) = (stamp::commit(), stamp::date());
    let mut row = Row { commit, date, ..Row::of(case) };
    if case.activation.degree().is_some() {
        row.depth = Some(NormalForm::new(&prepared.network)?.depth());
    }

    let clear = answers::in_the_clear(&prepared.network, data.images.view().into_dyn())?;
    let clear = answers::of(clear.view());
    row.clear_images = options.limit.min(clear.len());
    row.clear_accuracy = Some(percent(&clear, &data.labels, row.clear_images));
    tell(&row)?;

    let count = options.encrypted.min(data.labels.len());
    if case.encrypted && count > 0 {
        let plan = PlanOptions { calibration: Some(prepared.calibration), ..Default::default() };
        match Plan::new(&prepared.network, &plan) {
            Ok(plan) => {
                if let Err(failure) = encrypted(&mut row, &plan, options, &data, &clear, count) {
                    row.note = format!("{FAILED}: {failure}");
                }
            }
            Err(refusal) => row.note = format!("refused: {refusal}"),
        }
    }
    row.peak_memory_mb = stamp::peak_memory().map(|bytes| bytes / 1_000_000);
    tell(&row)
}

/// Whether a row holds, at this commit, all that is asked for.
pub fn done(row: &Row, case: &Case, options: &Options, commit: &str) -> bool {
    let refused = !row.note.is_empty() && !row.note.starts_with(FAILED);
    let clear = row.clear_accuracy.is_some() && row.clear_images >= options.limit.min(IMAGES);
    let encrypted = row.encrypted_images >= options.encrypted.min(IMAGES);
    row.commit == commit && clear && (encrypted || refused || !case.encrypted)
}

/// The columns of the encrypted run.
fn encrypted(
    row: &mut Row,
    plan: &Plan,
    options: &Options,
    data: &Data,
    clear: &[usize],
    count: usize,
) -> Result<(), Failure> {
    let params = plan.parameters();
    row.primes = Some(params.levels());
    row.log2_q = Some(params.log2_q());
    row.ring_degree = Some(params.degree());
    row.key_switches = Some(key_switches(plan));

    let clock = Instant::now();
    let client = Client::new(plan)?;
    let device = if options.cpu { Device::cpu() } else { Device::auto() };
    let memory = options.memory.map(|size| size.as_u64());
    let server = Server::with_memory(plan, client.evaluation_keys(), device, memory)?;
    row.device = server.device();
    let mut evaluated = 0.0;
    let mut found = Vec::with_capacity(count);
    let images = data.images.slice_axis(Axis(0), Slice::from(..count));
    for images in images.axis_chunks_iter(Axis(0), plan.slots()) {
        let batch = client.encrypt(images)?;
        let (answer, spent) = server.evaluate_with(&batch, |_| ())?;
        evaluated += (spent.upload + spent.evaluate + spent.download).as_secs_f64();
        found.extend(answers::of(client.decrypt(&answer)?.view()));
    }
    row.seconds = Some(evaluated);
    row.seconds_in_all = Some(clock.elapsed().as_secs_f64());
    row.encrypted_images = count;
    row.encrypted_accuracy = Some(percent(&found, &data.labels, count));
    row.agreement = Some(percent(&found, clear, count));
    Ok(())
}

/// Ciphertexts that are brought from three components to two, for one batch.
fn key_switches(plan: &Plan) -> usize {
    let steps = plan.program().steps.iter();
    let switched = steps.filter(|s| s.switch.is_some() && s.terms.iter().any(|t| t.squared));
    switched.map(|s| s.value.rows).sum()
}
