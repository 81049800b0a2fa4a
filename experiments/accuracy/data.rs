//! The test images that are wanted.

use crate::cases::Dataset;
pub use crate::labelled::Labelled as Data;
use crate::labelled::read;
use crate::{Failure, Options, here};
use ndarray::{Axis, Slice};

/// The test images of a data set, as many as are wanted at most.
pub fn load(dataset: Dataset, options: &Options) -> Result<Data, Failure> {
    let shipped = here("data/mnist");
    let folder = match (dataset, &options.fashion) {
        (Dataset::Mnist, _) => &shipped,
        (Dataset::Fashion, Some(folder)) => folder,
        (Dataset::Fashion, None) => return Err("Fashion-MNIST wants --fashion DIR".into()),
    };
    let Data { mut images, mut labels } = read(folder)?;
    let count = labels.len().min(options.limit.max(options.encrypted));
    labels.truncate(count);
    images.slice_axis_inplace(Axis(0), Slice::from(..count));
    Ok(Data { images, labels })
}
