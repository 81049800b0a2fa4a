//! What the program brings along: trained networks and MNIST's test images.

use crate::failure::Result;
use crate::npy;
use cipherbatch::Network;
use ndarray::ArrayD;

/// A trained network and typical inputs for it.
struct Shipped {
    name: &'static str,
    onnx: &'static [u8],
    calibration: &'static [u8],
}

macro_rules! shipped {
    ($name:literal) => {
        Shipped {
            name: $name,
            onnx: include_bytes!(concat!("../../../models/", $name, ".onnx")),
            calibration: include_bytes!(concat!("../../../models/", $name, ".calibration.npy")),
        }
    };
}

const NETWORKS: [Shipped; 3] = [shipped!("deep"), shipped!("cryptonets"), shipped!("fashion-deep")];

/// MNIST's test images, gzipped IDX.
pub const IMAGES: &[u8] = include_bytes!("../../../data/mnist/t10k-images-idx3-ubyte.gz");

/// Their labels.
pub const LABELS: &[u8] = include_bytes!("../../../data/mnist/t10k-labels-idx1-ubyte.gz");

/// The names of all networks that are brought along.
pub fn names() -> impl Iterator<Item = &'static str> {
    NETWORKS.iter().map(|n| n.name)
}

/// A network of this name with its calibration batch, if there is one.
pub fn network(name: &str) -> Option<Result<(Network, ArrayD<f32>)>> {
    let found = NETWORKS.iter().find(|n| n.name == name)?;
    let load = || {
        let network = Network::from_onnx_bytes(found.onnx)?;
        Ok((network, npy::parse(found.name, found.calibration)?))
    };
    Some(load())
}
