//! The test images that lie in the repository.

use flate2::read::GzDecoder;
use ndarray::{ArrayD, IxDyn};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Test images from `first` on, `[count, 1, 28, 28]` in [0, 1].
pub fn images(first: usize, count: usize) -> ArrayD<f32> {
    const SIZE: usize = 28 * 28;
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/mnist/t10k-images-idx3-ubyte.gz");
    let file = File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut bytes = Vec::new();
    GzDecoder::new(file).read_to_end(&mut bytes).expect("a gzipped file");
    assert_eq!(bytes[..4], [0, 0, 8, 3], "an IDX file of bytes with three axes");
    let pixels = &bytes[16 + first * SIZE..][..count * SIZE];
    let values = pixels.iter().map(|&p| f32::from(p) / 255.0).collect();
    ArrayD::from_shape_vec(IxDyn(&[count, 1, 28, 28]), values).expect("as many as taken")
}
