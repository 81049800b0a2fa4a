//! The rows of the table: which network, and what stands in the place of its ReLUs.

use crate::{Failure, here};
use cipherbatch::Network;
use cipherbatch::model::Degree;
use ndarray::ArrayD;

/// Where the images come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dataset {
    Mnist,
    Fashion,
}

impl Dataset {
    pub fn name(self) -> &'static str {
        match self {
            Dataset::Mnist => "MNIST",
            Dataset::Fashion => "Fashion-MNIST",
        }
    }
}

/// What an activation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    Relu,
    /// The closest to ReLU under N(0, 1), put in its place without training: the paper's start.
    Normal(Degree),
    /// The closest to ReLU on what each channel sees on the calibration batch, without training.
    Calibrated(Degree),
    /// Trained with the polynomials in place.
    Trained(Degree),
}

impl Activation {
    pub fn name(self) -> &'static str {
        match self {
            Activation::Relu => "ReLU",
            Activation::Normal(_) => "N(0,1)",
            Activation::Calibrated(_) => "calibrated",
            Activation::Trained(_) => "trained on",
        }
    }

    pub fn degree(self) -> Option<Degree> {
        match self {
            Activation::Relu => None,
            Activation::Normal(d) | Activation::Calibrated(d) | Activation::Trained(d) => Some(d),
        }
    }
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub dataset: Dataset,
    pub activation: Activation,
    /// The file in `models/`, without its ending.
    pub model: &'static str,
    /// Whether the row can be encrypted.
    pub encrypted: bool,
}

/// A network ready for either evaluation, and typical inputs for its plan.
pub struct Prepared {
    pub network: Network,
    pub calibration: ArrayD<f32>,
}

impl Case {
    fn new(dataset: Dataset, activation: Activation, model: &'static str) -> Self {
        Self { dataset, activation, model, encrypted: activation != Activation::Relu }
    }

    /// The row's name on the command line: `MNIST/deep-relu/calibrated/4`.
    pub fn name(&self) -> String {
        let degree = self.activation.degree().map_or(String::new(), |d| format!("/{}", d.power()));
        format!("{}/{}/{}{degree}", self.dataset.name(), self.model, self.activation.name())
    }

    /// Reads the network and puts polynomials in the place of its ReLUs, where the row says so.
    pub fn prepare(&self) -> Result<Prepared, Failure> {
        let network = Network::from_onnx(here(&format!("models/{}.onnx", self.model)))?;
        let typical = here(&format!("models/{}.calibration.npy", self.model));
        let typical: ArrayD<f32> =
            ndarray_npy::read_npy(&typical).map_err(|e| format!("{}: {e}", typical.display()))?;
        let calibration = typical.mapv(|x| x.clamp(0.0, 1.0));
        let network = match self.activation {
            Activation::Relu | Activation::Trained(_) => network,
            Activation::Normal(degree) => network.with_normal_polynomials(degree, 1.0)?.network,
            Activation::Calibrated(degree) => {
                network.with_polynomials(degree, Some(calibration.view()))?.network
            }
        };
        Ok(Prepared { network, calibration })
    }
}

/// All rows: MNIST's, and Fashion-MNIST's where it is there.
pub fn all(fashion: bool) -> Vec<Case> {
    let mnist = ["deep-relu", "deep", "deep-poly4", "deep-poly6"];
    let mut cases = of(Dataset::Mnist, mnist);
    if fashion {
        let models = ["fashion-relu", "fashion-deep", "fashion-poly4", "fashion-poly6"];
        cases.extend(of(Dataset::Fashion, models));
    }
    cases
}

fn of(dataset: Dataset, [relu, trained @ ..]: [&'static str; 4]) -> Vec<Case> {
    let swaps = [Activation::Normal, Activation::Calibrated];
    let swapped = swaps.into_iter().flat_map(|swap| Degree::ALL.map(swap));
    let swapped = swapped.map(|activation| Case::new(dataset, activation, relu));
    let trained = Degree::ALL.into_iter().zip(trained);
    let trained = trained.map(|(d, model)| Case::new(dataset, Activation::Trained(d), model));
    let plain = Case::new(dataset, Activation::Relu, relu);
    [plain].into_iter().chain(swapped).chain(trained).collect()
}

/// The rows of a quick run: MNIST's in the clear, and the small network encrypted.
pub fn quick() -> Vec<Case> {
    let clear = all(false).into_iter().map(|case| Case { encrypted: false, ..case });
    let small = Case::new(Dataset::Mnist, Activation::Trained(Degree::Two), "cryptonets");
    clear.chain([small]).collect()
}
