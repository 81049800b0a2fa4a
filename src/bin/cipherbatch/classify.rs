//! `classify`: labelled images, encrypted, against the clear network.

use crate::activation::{first_relu, warn_of_escapes};
use crate::dataset::{Dataset, Part};
use crate::failure::{Failure, Result};
use crate::idx::Idx;
use crate::options::{Common, backend_name};
use crate::pipeline::Machine;
use crate::report::Report;
use crate::{files, inputs, peak, pipeline};
use cipherbatch::{Network, Plan, PlanOptions};
use clap::Args;
use ndarray::{ArrayD, ArrayViewD};
use std::path::PathBuf;

#[derive(Args, Debug)]
pub struct Classify {
    /// What the images show.
    #[arg(long, value_enum, default_value_t = Dataset::Mnist)]
    dataset: Dataset,
    /// A shipped network (deep; cryptonets, which is small; fashion-deep), or an ONNX file with one
    /// value a class. Pixels reach it as value/255 [default: deep, or fashion-deep for Fashion-MNIST].
    #[arg(long, value_name = "NAME|FILE.onnx")]
    model: Option<String>,
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
    /// Write where the evaluation's time goes, layer by layer and kernel by kernel, for Chrome's trace viewer.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

impl Classify {
    pub fn run(self) -> Result<()> {
        let to_stdout = self.json.as_deref().is_some_and(files::is_stream);
        let file = self.json.as_deref().filter(|_| !to_stdout);
        file.map_or(Ok(()), files::check_writable)?;
        self.trace.as_deref().map_or(Ok(()), files::check_writable)?;

        let model = self.model.as_deref().unwrap_or(self.dataset.network());
        let loaded = self.common.load(model)?;
        let mut options = PlanOptions::default();
        let replaced = self.common.replace(&loaded, options.input_range)?;
        let network = &replaced.network;
        let (images, labels) = self.data(network)?;
        warn_of_escapes(&replaced, &images)?;
        let machine = Machine { trace: self.trace.clone(), ..self.common.machine()? };
        options.calibration = loaded.calibration;
        options.precision_bits = self.common.precision;
        let plan = Plan::new(network, &options)?;
        let backend = backend_name(&machine.device);
        let outcome = pipeline::run(&plan, &machine, images.view())?;

        let encrypted = answers(outcome.results.view());
        let clear = answers(network.evaluate(&images)?.view());
        let share = |a: &[usize], b: &[usize]| {
            let same = a.iter().zip(b).filter(|(a, b)| a == b).count();
            (same, same as f64 / a.len() as f64)
        };
        let relu = match first_relu(&loaded.network) {
            Some(_) => Some(answers(loaded.network.evaluate(&images)?.view())),
            None => None,
        };
        let (correct, accuracy) = share(&encrypted, &labels);
        let params = plan.parameters();
        let report = Report {
            model: model.to_owned(),
            backend,
            device: outcome.device,
            images: labels.len(),
            correct,
            accuracy,
            plain_accuracy: share(&clear, &labels).1,
            relu_accuracy: relu.map(|relu| share(&relu, &labels).1),
            agreement: share(&encrypted, &clear).1,
            ring_degree: params.degree(),
            slots: params.slots(),
            log2_q: params.log2_q(),
            primes: params.literal().primes.clone(),
            security_bits: params.security_bits(),
            seconds: outcome.seconds,
            evaluate_images_per_second: labels.len() as f64 / outcome.seconds.evaluate,
            peak_memory_bytes: peak::memory(),
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
        let load = |path: &Option<PathBuf>, part: Part| match path {
            Some(path) => {
                let bytes = files::read(path).map_err(|failure| self.dataset.missing(failure))?;
                Idx::parse(&path.display().to_string(), &bytes, part.rank())
            }
            None => self.dataset.shipped(part),
        };
        let mut images = load(&self.images, Part::Images)?;
        let labels = load(&self.labels, Part::Labels)?;
        if images.shape[0] != labels.shape[0] {
            return Err(Failure::input(format_args!(
                "{} images but {} labels; every image needs one",
                images.shape[0], labels.shape[0]
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
        images.values.truncate(images.values.len() / images.shape[0].max(1) * count);
        images.shape[0] = count;
        let images = inputs::images(images, network.input_shape()).map_err(Failure::input)?;
        Ok((images, labels.values[..count].iter().map(|&l| l.into()).collect()))
    }
}

/// The class with the largest value, the first of equals.
pub fn answers(results: ArrayViewD<'_, f32>) -> Vec<usize> {
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
