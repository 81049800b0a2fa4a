//! What is measured: a plan, its client, and ciphertexts for all sides.

use crate::failure::Result;
use crate::loaded::Loaded;
use crate::options::Options;
use crate::spread::Spread;
use cipherbatch::{Client, EncryptedBatch, Network, Plan, PlanOptions};
use ndarray::{ArrayD, Axis, IxDyn, Slice};
use std::time::Instant;

/// A network and one full batch of it, encrypted once.
pub struct Subject {
    pub network: Network,
    pub plan: Plan,
    pub client: Client,
    /// Inputs from end to end, a full batch at least.
    pub images: ArrayD<f32>,
    /// How many of them count.
    pub count: usize,
    pub batch: EncryptedBatch,
    /// Seconds that keys take, and the encryption of a batch.
    pub keygen: f64,
    pub encrypt: Spread,
}

impl Subject {
    /// Plans the network and encrypts typical inputs again and again: what they show changes no time.
    pub fn new(options: &Options) -> Result<Self> {
        let Loaded { network, calibration } = Loaded::new(&options.model, None)?;
        let plan_options = PlanOptions { calibration, ..PlanOptions::default() };
        let plan = Plan::new(&network, &plan_options)?;
        let count = options.images(plan.slots());
        let images = images(&plan, plan_options.calibration, count.max(plan.slots()));
        let clock = Instant::now();
        let client = Client::new(&plan)?;
        let keygen = clock.elapsed().as_secs_f64();
        let full = images.slice_axis(Axis(0), Slice::from(..plan.slots()));
        let mut batch = client.encrypt(full.view())?;
        let mut seconds = Vec::new();
        for _ in 0..options.runs() {
            let clock = Instant::now();
            batch = client.encrypt_over(Some(batch), full.view())?;
            seconds.push(clock.elapsed().as_secs_f64());
        }
        let encrypt = Spread::of(&seconds);
        Ok(Self { network, plan, client, images, count, batch, keygen, encrypt })
    }
}

/// Typical inputs, or a ramp over the range where there are none.
fn images(plan: &Plan, typical: Option<ArrayD<f32>>, count: usize) -> ArrayD<f32> {
    let shape: Vec<usize> = [count].iter().chain(plan.input_shape()).copied().collect();
    let (low, high) = plan.input_range();
    let ramp = || (0..=255u8).map(|x| low + (high - low) * f32::from(x) / 255.0).collect();
    let values: Vec<f32> = typical.map_or_else(ramp, |typical| typical.iter().copied().collect());
    let mut values = values.into_iter().cycle();
    ArrayD::from_shape_simple_fn(IxDyn(&shape), || values.next().unwrap_or(low))
}
