//! What every engine refuses, before it computes anything.

use super::{DeviceError, Engine, Term};
use crate::ring::{Basis, Shape};
use crate::scheme::RelinKey;
use std::fmt::Display;

fn equal<T: PartialEq + Display>(
    what: &'static str,
    found: T,
    expected: T,
) -> Result<(), DeviceError> {
    if found == expected {
        return Ok(());
    }
    Err(DeviceError::Shape { what, found: found.to_string(), expected: expected.to_string() })
}

fn within(what: &'static str, found: usize, low: usize, high: usize) -> Result<(), DeviceError> {
    if (low..=high).contains(&found) {
        return Ok(());
    }
    let expected = format!("{low} to {high}");
    Err(DeviceError::Shape { what, found: found.to_string(), expected })
}

/// That a key belongs to the basis.
pub fn key(basis: &Basis, key: &RelinKey) -> Result<(), DeviceError> {
    let shape = key.tile().shape();
    equal("the relinearisation key's ring degree", shape.degree, basis.degree())?;
    equal("the relinearisation key's primes", shape.primes, basis.len())
}

/// That a tile belongs to the basis.
pub fn tile(basis: &Basis, shape: Shape) -> Result<(), DeviceError> {
    equal("the tile's ring degree", shape.degree, basis.degree())?;
    within("the tile's primes", shape.primes, 1, basis.len())?;
    within("the tile's components", shape.components, 2, 3)
}

/// That terms, bias and level fit together. Returns the extents of the result.
pub fn linear<E: Engine>(
    engine: &E,
    basis: &Basis,
    terms: &[Term<'_, E>],
    bias: &[u32],
    primes: usize,
) -> Result<Shape, DeviceError> {
    within("summands of a linear layer", terms.len(), 1, usize::MAX)?;
    within("the linear layer's primes", primes, 1, basis.len())?;
    let (mut components, mut rows) = (2, None);
    for t in terms {
        let (shape, (outputs, inputs)) = (engine.shape(t.tile), engine.extents(t.matrix));
        tile(basis, shape)?;
        within("primes of a linear layer's input", shape.primes, primes, basis.len())?;
        equal("rows of a linear layer's input", shape.rows, inputs)?;
        equal("outputs of a linear layer's matrix", outputs, *rows.get_or_insert(outputs))?;
        if t.squared {
            equal("components of a tile to be squared", shape.components, 2)?;
        }
        components = components.max(if t.squared { 3 } else { shape.components });
    }
    let rows = rows.unwrap_or(0);
    equal("entries of a linear layer's bias", bias.len(), primes * rows)?;
    for (i, constants) in bias.chunks_exact(rows.max(1)).enumerate() {
        let p = basis.modulus(i).value();
        if let Some(constant) = constants.iter().find(|&&b| b >= p) {
            let (found, expected) = (constant.to_string(), format!("a residue below {p}"));
            return Err(DeviceError::Shape { what: "a linear layer's constant", found, expected });
        }
    }
    Ok(Shape { primes, components, rows, degree: basis.degree() })
}

/// That a tile belongs to the basis and can be switched down. Returns the extents of the result.
pub fn switch(
    basis: &Basis,
    shape: Shape,
    rescale: usize,
    has_key: bool,
) -> Result<Shape, DeviceError> {
    tile(basis, shape)?;
    within("rescalings", rescale, 0, shape.primes - 1)?;
    if shape.components == 3 && !has_key {
        return Err(DeviceError::NoKey);
    }
    Ok(Shape { primes: shape.primes - rescale, components: 2, ..shape })
}
