//! What a multiply-add costs on this device in each form, by a short measurement.

use super::engine::GpuEngine;
use super::form::Costs;
use super::options::Form;
use crate::device::DeviceError;
use crate::ring::BlockMatrix;
use std::time::Duration;

/// A block like those of networks: a product of it takes all of a large GPU for a tenth of a millisecond at
/// N = 8192.
const OUTPUTS: u32 = 64;
const TERMS: u32 = 512;

/// How long each form is measured, once it is compiled.
const LEAST: Duration = Duration::from_millis(3);

/// Seconds a multiply-add of a square. Instructions are counted where nothing is to be chosen, and for software,
/// whose time is the processor's.
pub fn costs(engine: &GpuEngine, is_software: bool) -> Result<Costs, DeviceError> {
    let counted = Costs::counted(&engine.gpu);
    if is_software || engine.tuning.form.is_some() {
        return Ok(counted);
    }
    // Weights of one digit, as the cost of a packed product is that of a digit.
    let weight = |o: u32, k: u32| ((o * 31 + k * 17) % 255) as i32 - 127;
    let row = |o: u32| (0..TERMS).map(|k| (k, weight(o, k))).collect();
    let rows: Vec<Vec<(u32, i32)>> = (0..OUTPUTS).map(row).collect();
    let Ok(matrix) = BlockMatrix::from_rows(TERMS as usize, &rows) else { return Ok(counted) };
    let probe = engine.probe(LEAST);
    let seconds = |form| probe.product(&matrix, true, Some(form)).map(|rate| 1.0 / rate);
    Ok(Costs {
        halves: seconds(Form::Halves)?,
        wide: counted.wide.map(|_| seconds(Form::Wide)).transpose()?,
        dot: seconds(Form::Dot)?,
    })
}
