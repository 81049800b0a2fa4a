//! A network evaluated encrypted, through the library's door, and how far that is from the runtime.

use crate::property::quantile;
use cipherbatch::{Client, Device, EncryptedAnswer, Plan, Server};
use ndarray::{ArrayD, Axis};

/// How far encrypted results are from those of the runtime.
#[derive(Clone, Copy, Debug)]
pub struct Distance {
    /// The root mean square of the errors.
    pub rms: f64,
    /// The median over inputs of each one's root mean square error. A network that squares a few
    /// outliers has large errors there, which no single figure predicts.
    pub typical: f64,
    /// The largest error.
    pub largest: f64,
    /// The standard deviation of the results, around each entry's mean.
    pub spread: f64,
}

impl Distance {
    /// Between results `[count, …]`; infinite where their shapes differ.
    pub fn new(got: &ArrayD<f32>, want: &ArrayD<f32>) -> Self {
        if got.shape() != want.shape() {
            let none = f64::INFINITY;
            return Self { rms: none, typical: none, largest: none, spread: 0.0 };
        }
        let (got, want) = (got.mapv(f64::from), want.mapv(f64::from));
        let errors = &got - &want;
        let mean = |a: ArrayD<f64>| a.mean().unwrap_or(0.0);
        let of_each: Vec<f64> =
            errors.outer_iter().map(|e| mean(e.mapv(|e| e * e)).sqrt()).collect();
        let centred = match want.mean_axis(Axis(0)) {
            Some(means) => &want - &means,
            None => want,
        };
        Self {
            rms: mean(errors.mapv(|e| e * e)).sqrt(),
            typical: quantile(&of_each, 0.5),
            // A NaN counts as infinite.
            largest: errors
                .iter()
                .fold(0.0, |l: f64, e| if e.is_nan() { f64::INFINITY } else { l.max(e.abs()) }),
            spread: mean(centred.mapv(|x| x * x)).sqrt(),
        }
    }
}

/// Encrypts, evaluates on every device, and decrypts. The devices' answers must be the same
/// integers.
///
/// # Errors
/// Whatever goes wrong, or the devices' names where they differ.
pub fn evaluate(
    plan: &Plan,
    inputs: &ArrayD<f32>,
    devices: &[Device],
) -> Result<ArrayD<f32>, String> {
    let client = Client::new(plan).map_err(|e| e.to_string())?;
    let batch = client.encrypt(inputs.view()).map_err(|e| e.to_string())?;
    let mut first: Option<(EncryptedAnswer, String)> = None;
    for device in devices {
        let server = Server::new(plan, client.evaluation_keys(), device.clone());
        let server = server.map_err(|e| e.to_string())?;
        let answer = server.evaluate(&batch).map_err(|e| e.to_string())?;
        match &first {
            Some((other, name)) if *other != answer => {
                return Err(format!("{name} and {} answer differently", server.device()));
            }
            _ => first = first.or(Some((answer, server.device()))),
        }
    }
    let (answer, _) = first.ok_or("no device")?;
    client.decrypt(&answer).map_err(|e| e.to_string())
}
