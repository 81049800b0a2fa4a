//! The data sets that `classify` knows: their networks, and where their images come from.

use crate::failure::{Failure, Result};
use crate::idx::Idx;
use crate::shipped;
use clap::ValueEnum;

/// Labelled images of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Dataset {
    /// MNIST's handwritten digits; the test images come along.
    Mnist,
    /// Fashion-MNIST's clothes; --images and --labels are to be given.
    Fashion,
}

/// The two files of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `[images, height, width]`.
    Images,
    /// `[images]`.
    Labels,
}

impl Part {
    /// The dimensions of the file's array.
    pub fn rank(self) -> usize {
        match self {
            Part::Images => 3,
            Part::Labels => 1,
        }
    }
}

impl Dataset {
    /// The shipped network that is taken if none is named.
    pub fn network(self) -> &'static str {
        match self {
            Dataset::Mnist => "deep",
            Dataset::Fashion => "fashion-deep",
        }
    }

    /// What is taken if no file is given.
    pub fn shipped(self, part: Part) -> Result<Idx> {
        match (self, part) {
            (Dataset::Fashion, _) => {
                Err(Failure::input(format_args!("no --images and --labels given; {FASHION}")))
            }
            (_, Part::Images) => Idx::parse("the shipped images", shipped::IMAGES, part.rank()),
            (_, Part::Labels) => Idx::parse("the shipped labels", shipped::LABELS, part.rank()),
        }
    }

    /// A file could not be read: for files that are not shipped, the failure says how to come by them.
    pub fn missing(self, failure: Failure) -> Failure {
        match self {
            Dataset::Mnist => failure,
            Dataset::Fashion => Failure::input(format_args!("{failure}; {FASHION}")),
        }
    }
}

/// Where Fashion-MNIST comes from.
const FASHION: &str = "Fashion-MNIST does not come along: give its t10k-images-idx3-ubyte.gz and \
     t10k-labels-idx1-ubyte.gz, which Debian's package dataset-fashion-mnist puts in \
     /usr/share/datasets/fashion-mnist (see data/fashion-mnist/README.md)";

#[cfg(test)]
mod tests {
    use super::*;
    use cipherbatch::model::NormalForm;

    /// As deep as the paper's: six activations, for images of 28×28.
    #[test]
    fn the_network_taken_unnamed_is_the_deep_one() {
        for dataset in Dataset::value_variants() {
            let (network, calibration) = shipped::network(dataset.network()).unwrap().unwrap();
            assert_eq!(NormalForm::new(&network).unwrap().depth(), 6);
            assert_eq!(calibration.shape()[1..], [1, 28, 28]);
        }
    }
}
