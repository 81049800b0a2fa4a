//! What a device gives at most, measured.

use cipherbatch::device::cpu::CpuEngine;
use cipherbatch::device::{DeviceError, Engine, Layer, Term};
use cipherbatch::ring::{BlockMatrix, Shape, Tile};
use cipherbatch::scheme::Parameters;
use rayon::prelude::*;
use serde::Serialize;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// A dense block on data that a device reads again and again, weights of one byte: nothing that a network asks
/// of a product is easier.
const OUTPUTS: u32 = 128;
const TERMS: u32 = 512;

/// Numbers a second.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Ceilings {
    /// Multiply-adds of residues, by the device's own product on [`block`], of values or of squares.
    pub multiply_adds_per_second: f64,
    /// Bytes read and written by a copy within the memory that ciphertexts are in.
    pub bytes_per_second: f64,
    /// 32-bit multiply-adds in registers; `None` where the program has no such loop.
    pub word_multiply_adds_per_second: Option<f64>,
}

/// The dense block.
pub fn block() -> BlockMatrix {
    let weight = |o: u32, k: u32| ((o * 31 + k * 17) % 255) as i32 - 127;
    let row = |o: u32| (0..TERMS).map(|k| (k, weight(o, k))).collect();
    let rows: Vec<Vec<(u32, i32)>> = (0..OUTPUTS).map(row).collect();
    BlockMatrix::from_rows(TERMS as usize, &rows).expect("columns ascend, weights are small")
}

/// Those of the processor, in at least `least` each.
///
/// # Errors
/// Where the engine fails.
pub fn cpu(params: &Parameters, least: Duration, bytes: usize) -> Result<Ceilings, DeviceError> {
    let engine = CpuEngine::open(params, None)?;
    let shape = Shape { primes: 1, components: 2, rows: TERMS as usize, degree: params.degree() };
    let p = params.basis().modulus(0).value();
    let residue = |i: usize| (i as u32).wrapping_mul(2_654_435_769) % p;
    let tile = Tile::new(shape, (0..shape.residues()).map(residue).collect()).ok_or_else(|| {
        let (found, expected) = ("another".into(), format!("{shape:?}"));
        DeviceError::Shape { what: "a tile to measure with", found, expected }
    })?;
    let block = block();
    let bias = [0; OUTPUTS as usize];
    let mut multiply_adds_per_second = 0f64;
    for squared in [false, true] {
        let matrix = engine.matrix(&block, squared)?;
        let terms = [Term { tile: &tile, matrix: &matrix }];
        let layer =
            Layer { terms: &terms, bias: &bias, primes: 1, first: 0, onto: false, switch: None };
        let mut sum = engine.tile(layer.shape(&engine))?;
        let count = block.multiply_adds() * layer.shape(&engine).components * shape.degree;
        let found = rate(count as f64, least, || engine.layer(&layer, &mut sum, 0))?;
        multiply_adds_per_second = multiply_adds_per_second.max(found);
    }

    let (from, mut to) = (vec![1u64; bytes / 8], vec![0u64; bytes / 8]);
    // Pieces of a megabyte: enough for every thread, each beyond what the innermost caches keep.
    let bytes_per_second = rate((2 * bytes) as f64, least, || {
        let pieces = to.par_chunks_mut(1 << 17).zip(from.par_chunks(1 << 17));
        pieces.for_each(|(to, from)| to.copy_from_slice(from));
        black_box(&mut to);
        Ok(())
    })?;
    let word_multiply_adds_per_second = None;
    Ok(Ceilings { multiply_adds_per_second, bytes_per_second, word_multiply_adds_per_second })
}

/// `count` over the seconds of the fastest run: once to warm up, then for as long as it takes.
fn rate(
    count: f64,
    least: Duration,
    mut work: impl FnMut() -> Result<(), DeviceError>,
) -> Result<f64, DeviceError> {
    work()?;
    let began = Instant::now();
    let mut fastest = f64::INFINITY;
    while began.elapsed() < least {
        let clock = Instant::now();
        work()?;
        fastest = fastest.min(clock.elapsed().as_secs_f64());
    }
    Ok(count / fastest)
}
