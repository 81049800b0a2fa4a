//! Kernels one by one, in several sizes: what the device gives, and what each reaches.

use crate::{Arguments, Result, engine};
use cipherbatch::device::gpu::GpuEngine;
use cipherbatch::device::gpu::{Adapter, Form, GpuOptions, Operation, Prelude, Tuning};
use cipherbatch::math::primes_below;
use cipherbatch::ring::{BlockMatrix, Shape, Tile};
use cipherbatch::scheme::{Parameters, ParametersLiteral, RelinKey, Switch};
use serde_json::{Value, json};

fn with(tuning: Tuning) -> GpuOptions {
    GpuOptions { tuning, ..GpuOptions::default() }
}

/// Both preludes where there are two.
fn preludes(adapter: &Adapter) -> Vec<Prelude> {
    if adapter.has_u64() { vec![Prelude::U64, Prelude::U32] } else { vec![Prelude::U32] }
}

/// Copies, and multiplications in registers.
pub fn ceilings(arguments: &Arguments, adapter: &Adapter) -> Result<Value> {
    let mut out = json!({});
    for prelude in preludes(adapter) {
        let options = GpuOptions { prelude: Some(prelude), ..GpuOptions::default() };
        let engine = engine(adapter, 4096, 1, &options)?;
        let probe = engine.probe(arguments.least());
        let bytes = arguments.pick(512 << 20, 16 << 20);
        let [workgroups, rounds] = arguments.pick([16_384, 1024], [64, 64]);
        let rate = |operation| probe.operations(operation, workgroups, rounds as u32);
        out[format!("{prelude:?}")] = json!({
            "limits": engine.limits(),
            "copy_bytes_per_second": probe.copy(bytes)?,
            "multiply_adds_per_second": rate(Operation::MultiplyAdd)?,
            "high_words_per_second": rate(Operation::MultiplyHigh)?,
            "packed_dots_per_second": rate(Operation::Dot)?,
        });
    }
    Ok(out)
}

/// Bytes are one reading and one writing of every coefficient, whatever a transform does.
pub fn transforms(arguments: &Arguments, adapter: &Adapter) -> Result<Value> {
    let mut out = Vec::new();
    let degrees = arguments.pick(&[4096, 8192, 16_384, 32_768][..], &[4096, 32_768]);
    for &degree in degrees {
        for prelude in preludes(adapter) {
            for threads in arguments.pick(&[128, 256, 512, 1024][..], &[256]) {
                if arguments.late() {
                    continue;
                }
                let tuning = Tuning { transform_threads: Some(*threads), ..Tuning::default() };
                let options = GpuOptions { prelude: Some(prelude), ..with(tuning) };
                let engine = engine(adapter, degree, 2, &options)?;
                let probe = engine.probe(arguments.least());
                // 256 MiB each way: more than any cache.
                let polynomials = arguments.pick(256 << 20, 1 << 18) / (4 * degree);
                let rates =
                    [probe.transforms(true, polynomials)?, probe.transforms(false, polynomials)?];
                arguments.tell(
                    &mut out,
                    json!({
                        "degree": degree,
                        "prelude": format!("{prelude:?}"),
                        "threads": threads,
                        "forward_per_second": rates[0],
                        "inverse_per_second": rates[1],
                        "forward_bytes_per_second": rates[0] * 8.0 * degree as f64,
                        "inverse_bytes_per_second": rates[1] * 8.0 * degree as f64,
                    }),
                );
            }
        }
    }
    Ok(out.into())
}

/// Blocks of `outputs` rows over `terms` inputs, neighbours of which share two thirds as those of a convolution do.
fn blocks(count: usize, outputs: usize, terms: usize, weight: i32) -> Result<BlockMatrix> {
    let step = terms.div_ceil(3);
    let row = |r: usize| {
        let (block, output) = (r / outputs, r % outputs);
        let weight = |k: usize| ((output * 31 + k * 17) as i32 % (2 * weight)) - weight;
        (0..terms).map(|k| ((block * step + k) as u32, weight(k) | 1)).collect()
    };
    let rows: Vec<Vec<(u32, i32)>> = (0..count * outputs).map(row).collect();
    Ok(BlockMatrix::from_rows((count - 1) * step + terms, &rows)?)
}

pub fn products(arguments: &Arguments, adapter: &Adapter) -> Result<Value> {
    let mut out = Vec::new();
    // The dense layer of CryptoNets' network, and convolutions of the deeper one.
    let all = [
        ("dense 845 to 100", 4096, 1, 100, 845),
        ("dense 1568 to 64", 8192, 1, 64, 1568),
        ("convolution, 16 of 144", 8192, 49, 16, 144),
        ("convolution, 32 of 288", 8192, 24, 32, 288),
        ("first convolution, 5 of 25", 4096, 169, 5, 25),
    ];
    let sizes = arguments.pick(
        &[(2, 8, 192), (2, 8, 96), (2, 16, 192), (2, 8, 256), (1, 8, 192), (1, 16, 256)][..],
        &[(2, 8, 192), (1, 8, 192)],
    );
    for (name, degree, count, outputs, terms) in all {
        let count = arguments.pick(count, 1);
        for weight in [127, 1000] {
            let matrix = blocks(count, outputs, terms, weight)?;
            for form in Form::ALL {
                if form == Form::Wide && !adapter.has_u64() {
                    continue;
                }
                for &(vectors, depth, threads) in sizes {
                    // What does not depend on weights is measured once.
                    let known = weight != 1000 && form != Form::Dot;
                    if known || vectors == 2 && form == Form::Dot || arguments.late() {
                        continue;
                    }
                    let tuning = Tuning {
                        form: Some(form),
                        vectors: Some(vectors),
                        depth: Some(depth),
                        product_threads: Some(threads),
                        ..Tuning::default()
                    };
                    let engine = engine(adapter, degree, 1, &with(tuning))?;
                    let probe = engine.probe(arguments.least());
                    for squared in [true, false] {
                        arguments.tell(
                            &mut out,
                            json!({
                                "product": name,
                                "squared": squared,
                                "largest_weight": weight,
                                "form": format!("{form:?}"),
                                "vectors": vectors,
                                "depth": depth,
                                "threads": threads,
                                "multiply_adds_per_second": probe.product(&matrix, squared, None)?,
                            }),
                        );
                    }
                }
            }
        }
    }
    Ok(out.into())
}

pub fn residues(arguments: &Arguments, adapter: &Adapter) -> Result<Value> {
    let mut out = Vec::new();
    for degree in [4096, 8192] {
        let engine = engine(adapter, degree, 1, &GpuOptions::default())?;
        let rate = engine.probe(arguments.least()).residues(arguments.pick(784, 16))?;
        arguments.tell(&mut out, json!({ "degree": degree, "residues_per_second": rate }));
    }
    Ok(out.into())
}

/// Relinearisation and one rescaling of ciphertexts, with a key of any residues.
pub fn switches(arguments: &Arguments, adapter: &Adapter) -> Result<Value> {
    let mut out = Vec::new();
    for (degree, level, rows) in [(4096, 3, 100), (8192, 7, 455), (8192, 4, 455), (16_384, 13, 64)]
    {
        let primes = primes_below(1 << 30, 4 * degree as u32).take(level).collect();
        let literal = ParametersLiteral::new(degree, primes);
        let params = Parameters::new_insecure(literal)?;
        let shape = Shape { primes: level, components: 2, rows: level, degree };
        let residue = |i: usize| (i as u32).wrapping_mul(2_654_435_769) >> 3;
        let key = (0..shape.residues()).map(residue).map(|x| x % 500_000_000).collect();
        let key = Tile::new(shape, key).and_then(RelinKey::new).ok_or("a key of another shape")?;
        for threads in arguments.pick(&[128, 256, 512, 1024][..], &[512]) {
            let tuning = Tuning { transform_threads: Some(*threads), ..Tuning::default() };
            let engine = GpuEngine::open_with(adapter, &params, Some(&key), &with(tuning))?;
            let rows = arguments.pick(rows, 2);
            let rate = engine.probe(arguments.least()).switches(level, rows, Switch::by(1))?;
            arguments.tell(
                &mut out,
                json!({
                    "degree": degree,
                    "level": level,
                    "rows": rows,
                    "threads": threads,
                    "ciphertexts_per_second": rate,
                }),
            );
        }
    }
    Ok(out.into())
}
