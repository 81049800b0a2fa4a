//! The sweeps: what is varied, and over which points.

use crate::Failure;
use crate::networks::{Subject, family, shipped};
use crate::table::Row;

/// One curve.
pub struct Sweep {
    /// Also its folder.
    pub name: &'static str,
    pub question: &'static str,
    /// What x counts.
    pub unit: &'static str,
    /// What is drawn over x.
    pub y: (&'static str, fn(&Row) -> f64),
    /// Whether x goes by factors.
    pub by_factors: bool,
    pub points: fn() -> Result<Vec<Point>, Failure>,
}

/// One point of a curve.
pub struct Point {
    pub x: f64,
    pub subject: Subject,
    /// How many images are classified.
    pub images: Images,
    /// The most memory for one batch's ciphertexts.
    pub memory: Option<u64>,
    pub threads: Option<usize>,
    pub precision_bits: Option<f64>,
}

/// How many images are classified.
#[derive(Clone, Copy)]
pub enum Images {
    /// Full batches.
    Batches(usize),
    /// Some of one batch.
    Some(usize),
}

impl Point {
    /// One full batch, all else left open.
    fn new(x: f64, subject: Subject) -> Self {
        let images = Images::Batches(1);
        Self { x, subject, images, memory: None, threads: None, precision_bits: None }
    }
}

/// Seconds of an evaluation.
const SECONDS: (&str, fn(&Row) -> f64) = ("seconds", |row| row.seconds);

/// Images a second of an evaluation.
const RATE: (&str, fn(&Row) -> f64) = ("images a second", |row| row.images_per_second);

/// All sweeps.
pub fn all() -> Vec<Sweep> {
    vec![
        Sweep {
            name: "images",
            question: "Does time grow linearly with the number of images?",
            unit: "full batches of 4,096 images",
            y: SECONDS,
            by_factors: true,
            points: || {
                let batches = [1, 2, 4, 8, 16, 32].into_iter();
                let point = |count| {
                    let point = Point::new(count as f64, shipped("cryptonets")?);
                    Ok(Point { images: Images::Batches(count), ..point })
                };
                batches.map(point).collect()
            },
        },
        Sweep {
            name: "fill",
            question: "What does a batch that is not full cost?",
            unit: "images in a batch of 4,096",
            y: RATE,
            by_factors: true,
            points: || {
                let images = [1, 4, 16, 64, 256, 1024, 4096].into_iter();
                let point = |count| {
                    let point = Point::new(count as f64, shipped("cryptonets")?);
                    Ok(Point { images: Images::Some(count), ..point })
                };
                images.map(point).collect()
            },
        },
        Sweep {
            name: "width",
            question: "Does time grow linearly with the multiply-adds?",
            unit: "units in the hidden layer",
            y: SECONDS,
            by_factors: true,
            points: || {
                let widths = [64, 128, 256, 512, 1024].into_iter();
                widths.map(|width| Ok(Point::new(width as f64, family(&[width])?))).collect()
            },
        },
        Sweep {
            name: "depth",
            question: "What does another activation cost?",
            unit: "activations one after the other",
            y: SECONDS,
            by_factors: false,
            points: || {
                let depths = (1..=8).map(|depth| (depth, vec![64; depth]));
                depths.map(|(x, widths)| Ok(Point::new(x as f64, family(&widths)?))).collect()
            },
        },
        Sweep {
            name: "precision",
            question: "What does another bit of precision cost?",
            unit: "bits wanted of the results",
            y: SECONDS,
            by_factors: false,
            points: || {
                let point = |bits: usize| {
                    let point = Point::new(bits as f64, shipped("cryptonets")?);
                    Ok(Point { precision_bits: Some(bits as f64), ..point })
                };
                (3..=12).map(point).collect()
            },
        },
        Sweep {
            name: "threads",
            question: "How many threads are worth their cores?",
            unit: "threads",
            y: RATE,
            by_factors: false,
            points: || {
                let most = std::thread::available_parallelism()?.get();
                let counts = (1..=most).filter(|t| t.is_power_of_two() || *t == most);
                let point = |count| {
                    let point = Point::new(count as f64, shipped("cryptonets")?);
                    Ok(Point { threads: Some(count), images: Images::Batches(2), ..point })
                };
                counts.map(point).collect()
            },
        },
        Sweep {
            name: "memory",
            question: "What does a smaller memory budget cost?",
            unit: "MB for the ciphertexts of a batch",
            y: SECONDS,
            by_factors: true,
            points: || {
                let budgets = [800, 1000, 1200, 1600, 2400, 4800].into_iter();
                let point = |mb: u64| {
                    let point = Point::new(mb as f64, shipped("deep")?);
                    Ok(Point { memory: Some(mb * 1_000_000), ..point })
                };
                budgets.map(point).collect()
            },
        },
    ]
}
