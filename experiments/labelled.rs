//! Labelled images from gzipped IDX files: two zero bytes, the type (8: bytes), the rank, the extents
//! as big-endian words, the values.

use flate2::read::GzDecoder;
use ndarray::Array4;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Images `[count, 1, height, width]` with pixels in \[0, 1\], and their labels.
pub struct Labelled {
    pub images: Array4<f32>,
    pub labels: Vec<usize>,
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The test images in a folder of MNIST's or Fashion-MNIST's files.
pub fn read(folder: &Path) -> Result<Labelled> {
    let (extents, pixels) = idx(&folder.join("t10k-images-idx3-ubyte.gz"), 3)?;
    let (_, labels) = idx(&folder.join("t10k-labels-idx1-ubyte.gz"), 1)?;
    let pixels = pixels.into_iter().map(|v| f32::from(v) / 255.0).collect();
    let images = Array4::from_shape_vec((extents[0], 1, extents[1], extents[2]), pixels)?;
    if labels.len() != extents[0] {
        return Err(format!("{} labels for {} images", labels.len(), extents[0]).into());
    }
    Ok(Labelled { images, labels: labels.into_iter().map(usize::from).collect() })
}

fn idx(path: &Path, rank: usize) -> Result<(Vec<usize>, Vec<u8>)> {
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
