//! `classify`: labelled images, encrypted, against the clear network.

use crate::activation::warn_of_escapes;
use crate::failure::{Failure, Result};
use crate::idx::Idx;
use crate::options::{Common, backend_name};
use crate::report::{Report, peak_memory_bytes};
use crate::{files, pipeline, shipped};
use cipherbatch::{Network, Plan, PlanOptions};
use clap::Args;
use ndarray::{ArrayD, ArrayViewD, Axis, IxDyn};
use rayon::prelude::*;
use std::path::{Path, PathBuf};

#[derive(Args, Debug)]
pub struct Classify {
    /// A shipped network (cryptonets, deep), or an ONNX file with one value a class. Pixels reach it as
    /// value/255.
    #[arg(long, value_name = "NAME|FILE.onnx", default_value = "cryptonets")]
    model: String,
    /// Images as IDX, gzipped or not [default: MNIST's 10,000 test images].
    #[arg(long, value_name = "FILE", requires = "labels")]
    images: Option<PathBuf>,
    /// Their labels as IDX.
    #[arg(long, value_name = "FILE", requires = "images")]
    labels: Option<PathBuf>,
    /// Only the first N images.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Write the report as JSON, `-` for standard output.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

impl Classify {
    pub fn run(self) -> Result<()> {
        let to_stdout = self.json.as_deref() == Some(Path::new("-"));
        let file = self.json.as_deref().filter(|_| !to_stdout);
        file.map_or(Ok(()), files::check_writable)?;

        let (replaced, calibration) = self.common.network(&self.model)?;
        let network = &replaced.network;
        let (images, labels) = self.data(network)?;
        warn_of_escapes(&replaced, &images)?;
        let device = self.common.device()?;
        let plan = Plan::new(network, &PlanOptions { calibration, ..PlanOptions::default() })?;
        let backend = backend_name(&device);
        let outcome = pipeline::run(&plan, device, self.common.memory(), images.view())?;

        let encrypted = answers(outcome.results.view());
        let clear = answers(evaluate(network, &images)?.view());
        let share = |a: &[usize], b: &[usize]| {
            let same = a.iter().zip(b).filter(|(a, b)| a == b).count();
            (same, same as f64 / a.len() as f64)
        };
        let (correct, accuracy) = share(&encrypted, &labels);
        let params = plan.parameters();
        let report = Report {
            model: self.model,
            backend,
            device: outcome.device,
            images: labels.len(),
            correct,
            accuracy,
            plain_accuracy: share(&clear, &labels).1,
            agreement: share(&encrypted, &clear).1,
            ring_degree: params.degree(),
            slots: params.slots(),
            log2_q: params.log2_q(),
            primes: params.literal().primes.clone(),
            security_bits: params.security_bits(),
            seconds: outcome.seconds,
            evaluate_images_per_second: labels.len() as f64 / outcome.seconds.evaluate,
            peak_memory_bytes: peak_memory_bytes(),
        };
        let json = serde_json::to_string_pretty(&report).map_err(Failure::machine)?;
        if to_stdout {
            eprintln!("{report}");
            println!("{json}");
        } else {
            file.map_or(Ok(()), |path| files::write(path, format!("{json}\n").as_bytes()))?;
            println!("{report}");
        }
        Ok(())
    }

    /// Images in the network's input shape, scaled to [0, 1], and their labels.
    fn data(&self, network: &Network) -> Result<(ArrayD<f32>, Vec<usize>)> {
        let load = |path: &Option<PathBuf>, shipped: &'static [u8], what: &str, rank| match path {
            Some(path) => Idx::parse(&path.display().to_string(), &files::read(path)?, rank),
            None => Idx::parse(what, shipped, rank),
        };
        let images = load(&self.images, shipped::IMAGES, "the shipped images", 3)?;
        let labels = load(&self.labels, shipped::LABELS, "the shipped labels", 1)?;
        if images.shape[0] != labels.shape[0] {
            return Err(Failure::input(format_args!(
                "{} images but {} labels; every image needs one",
                images.shape[0], labels.shape[0]
            )));
        }
        let expected = network.input_shape();
        let (one, pixels) = (&images.shape[1..], images.shape[1..].iter().product::<usize>());
        let fits = expected == one || expected == [1, one[0], one[1]] || expected == [pixels];
        if !fits || images.shape[0] == 0 {
            return Err(Failure::input(format_args!(
                "images of shape {:?} do not fit the network's input {expected:?}",
                images.shape
            )));
        }
        let classes: usize = network.output_shape().iter().product();
        let count = self.limit.map_or(images.shape[0], |n| images.shape[0].min(n as usize));
        if let Some((i, label)) =
            labels.values[..count].iter().enumerate().find(|(_, l)| usize::from(**l) >= classes)
        {
            return Err(Failure::input(format_args!(
                "label {label} of image {i} is none of the network's {classes} classes"
            )));
        }
        let shape: Vec<usize> = [count].iter().chain(expected).copied().collect();
        let values =
            images.values[..count * pixels].iter().map(|&v| f32::from(v) / 255.0).collect();
        let images = ArrayD::from_shape_vec(IxDyn(&shape), values).map_err(Failure::machine)?;
        Ok((images, labels.values[..count].iter().map(|&l| l.into()).collect()))
    }
}

/// The clear network's results, computed by all threads.
fn evaluate(network: &Network, images: &ArrayD<f32>) -> Result<ArrayD<f32>> {
    const CHUNK: usize = 64;
    let chunks: Vec<_> = images.axis_chunks_iter(Axis(0), CHUNK).collect();
    let results: Vec<_> = chunks
        .into_par_iter()
        .map(|c| network.evaluate(&c))
        .collect::<std::result::Result<_, _>>()?;
    let views: Vec<_> = results.iter().map(|r| r.view()).collect();
    ndarray::concatenate(Axis(0), &views).map_err(Failure::machine)
}

/// The class with the largest value, the first of equals.
fn answers(results: ArrayViewD<'_, f32>) -> Vec<usize> {
    let best = |row: ArrayViewD<'_, f32>| {
        let mut best = (0, f32::NEG_INFINITY);
        row.iter().enumerate().for_each(|(i, &v)| {
            if v > best.1 {
                best = (i, v);
            }
        });
        best.0
    };
    results.outer_iter().map(best).collect()
}
