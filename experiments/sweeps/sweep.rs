//! What a sweep is.

use crate::table::Row;

/// One curve, or some.
pub struct Sweep {
    /// Also its folder.
    pub name: &'static str,
    pub question: &'static str,
    /// What x counts.
    pub unit: &'static str,
    /// What is drawn over x.
    pub y: (&'static str, fn(&Row) -> f64),
    pub drawn: Drawn,
    /// Whether other machines have other points.
    pub of_the_machine: bool,
    pub points: Vec<Point>,
}

/// How a picture shows it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Drawn {
    /// Both axes by factors.
    ByFactors,
    /// Both axes from zero.
    Even,
    /// A bar a point, by factors.
    Bars,
}

/// One point.
#[derive(Clone, Debug)]
pub struct Point {
    /// The curve that it is on, where there are several.
    pub curve: &'static str,
    pub x: f64,
    pub of: Subject,
    /// How many images are classified.
    pub images: Images,
    /// The most memory for one batch's ciphertexts.
    pub memory: Option<u64>,
    /// Of the CPU, then.
    pub threads: Option<usize>,
    pub precision_bits: Option<f64>,
    pub least_degree: Option<usize>,
    /// The best instruction set that may be used, as `CIPHERBATCH_SIMD` names it; the CPU, then.
    pub simd: Option<&'static str>,
    /// On a GPU, whatever there is.
    pub gpu: bool,
    /// Where squares are relinearised, if that is what is compared; the CPU, then.
    pub relinearised: Option<Relinearised>,
}

/// What is classified.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A network of `models/`.
    Shipped(&'static str),
    /// Dense layers of these widths, over weights that have learnt nothing.
    Family(Vec<usize>),
}

/// How many images are classified.
#[derive(Clone, Copy, Debug)]
pub enum Images {
    /// Full batches.
    Batches(usize),
    /// Some of one batch.
    Some(usize),
}

/// Where squares of three components become two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relinearised {
    /// After the linear layer that reads them, as plans have it.
    Lazily,
    /// Before it, at once.
    Eagerly,
}

impl Point {
    /// One full batch, all else left open.
    pub fn new(x: f64, of: Subject) -> Self {
        Self {
            curve: "",
            x,
            of,
            images: Images::Batches(1),
            memory: None,
            threads: None,
            precision_bits: None,
            least_degree: None,
            simd: None,
            gpu: false,
            relinearised: None,
        }
    }

    /// Of CryptoNets' network.
    pub fn cryptonets(x: f64) -> Self {
        Self::new(x, Subject::Shipped("cryptonets"))
    }
}
