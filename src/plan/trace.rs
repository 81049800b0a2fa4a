//! A network in the clear, all of its values kept.

use super::PlanError;
use super::batch::Batch;
use crate::model::{Affine, NormalForm};

/// A normal form's values on a batch: the input, what each layer squares, and the result.
#[derive(Clone, Debug)]
pub struct Trace {
    /// As the sources of the normal form, before they are squared.
    pub values: Vec<Batch>,
    /// The result.
    pub output: Batch,
}

impl Trace {
    /// Evaluates a normal form.
    ///
    /// # Errors
    /// [`PlanError::Diverges`] naming the layer whose values, squared, are not finite.
    pub fn run(network: &NormalForm, input: Batch) -> Result<Self, PlanError> {
        let mut values = vec![input];
        for layer in &network.squares {
            let value = apply(layer, &values)?;
            values.push(value);
        }
        let output = apply(&network.output, &values)?;
        Ok(Self { values, output })
    }

    /// Samples.
    pub fn samples(&self) -> usize {
        self.output.samples()
    }

    /// What a term reads: a value or its squares.
    pub fn read(&self, source: usize, squared: bool) -> Batch {
        read(&self.values[source], squared)
    }
}

fn read(value: &Batch, squared: bool) -> Batch {
    if squared { value.map(|x| x * x) } else { value.clone() }
}

fn apply(layer: &Affine, values: &[Batch]) -> Result<Batch, PlanError> {
    let mut out = Batch::zeros(layer.rows(), values[0].samples());
    out.for_each_row(|r, y| y.fill(layer.bias[r]));
    for t in &layer.terms {
        out.add_product(&t.map, &read(&values[t.source], t.squared));
    }
    let largest = out.largest();
    match (largest * largest * largest * largest).is_finite() {
        true => Ok(out),
        false => Err(PlanError::Diverges { layer: layer.name.clone() }),
    }
}
