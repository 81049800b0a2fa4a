//! Labelled images from gzipped IDX files: two zero bytes, the type (8: bytes), the rank, the extents
//! as big-endian words, the values.

use crate::cases::Dataset;
use crate::{Failure, Options, here};
use flate2::read::GzDecoder;
use ndarray::{Array4, Axis, Slice};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Images `[count, 1, 28, 28]` with pixels in \[0, 1\], and their labels.
pub struct Data {
    pub images: Array4<f32>,
    pub labels: Vec<usize>,
}

/// The test images of a data set, as many as are wanted at most.
pub fn load(dataset: Dataset, options: &Options) -> Result<Data, Failure> {
    let shipped = here("data/mnist");
    let folder = match (dataset, &options.fashion) {
        (Dataset::Mnist, _) => &shipped,
        (Dataset::Fashion, Some(folder)) => folder,
        (Dataset::Fashion, None) => return Err("Fashion-MNIST wants --fashion DIR".into()),
    };
    let (extents, pixels) = idx(&folder.join("t10k-images-idx3-ubyte.gz"), 3)?;
    let (_, labels) = idx(&folder.join("t10k-labels-idx1-ubyte.gz"), 1)?;
    let pixels = pixels.into_iter().map(|v| f32::from(v) / 255.0).collect();
    let mut images = Array4::from_shape_vec((extents[0], 1, extents[1], extents[2]), pixels)?;
    let mut labels: Vec<usize> = labels.into_iter().map(usize::from).collect();
    if labels.len() != images.len_of(Axis(0)) {
        return Err(format!("{} labels for {:?} images", labels.len(), extents[0]).into());
    }
    let count = labels.len().min(options.limit.max(options.encrypted));
    labels.truncate(count);
    images.slice_axis_inplace(Axis(0), Slice::from(..count));
    Ok(Data { images, labels })
}

fn idx(path: &Path, rank: usize) -> Result<(Vec<usize>, Vec<u8>), Failure> {
    let fail = |reason: &str| format!("{}: {reason}", path.display());
    let file = File::open(path).map_err(|e| fail(&e.to_string()))?;
    let mut bytes = Vec::new();
    GzDecoder::new(file).read_to_end(&mut bytes).map_err(|e| fail(&e.to_string()))?;
    let (head, values) =
        bytes.split_at_checked(4 + 4 * rank).ok_or_else(|| fail("not an IDX file"))?;
    if head[..4] != [0, 0, 8, rank as u8] {
        return Err(fail(&format!("not an IDX file of bytes with {rank} axes")).into());
    }
    let (words, _) = head[4..].as_chunks::<4>();
    let extents: Vec<usize> = words.iter().map(|&word| u32::from_be_bytes(word) as usize).collect();
    if extents.iter().product::<usize>() != values.len() {
        return Err(fail(&format!("{} bytes for {extents:?}", values.len())).into());
    }
    Ok((extents, values.to_vec()))
}
