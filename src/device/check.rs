//! What every engine refuses, before it computes anything.

use super::{Affine, DeviceError, Engine, Layer};
use crate::ring::{Basis, BlockMatrix, Shape};
use crate::scheme::{Parameters, RelinKey, SeededTile, Switch};
use std::fmt::Display;
use std::ops::Range;

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

/// That a key belongs to the parameters.
pub fn key(params: &Parameters, key: &RelinKey) -> Result<(), DeviceError> {
    let shape = key.tile().shape();
    equal("the relinearisation key's ring degree", shape.degree, params.degree())?;
    equal("the relinearisation key's primes", shape.primes, params.levels())
}

/// That a tile belongs to the basis.
pub fn tile(basis: &Basis, shape: Shape) -> Result<(), DeviceError> {
    equal("the tile's ring degree", shape.degree, basis.degree())?;
    within("the tile's primes", shape.primes, 1, basis.len())?;
    within("the tile's components", shape.components, 2, 3)
}

/// That so many rows from `at` on are rows of a tile.
pub fn rows(shape: Shape, at: usize, rows: usize) -> Result<(), DeviceError> {
    within("the first row", at, 0, shape.rows)?;
    within("rows from there on", rows, 0, shape.rows - at)
}

/// That fresh ciphertexts are of a tile's primes and degree, and have the rows of `order`.
pub fn seeded(
    shape: Shape,
    at: usize,
    order: &[u32],
    batch: &SeededTile,
) -> Result<(), DeviceError> {
    rows(shape, at, order.len())?;
    let Shape { primes, components, rows, degree } = batch.shape();
    equal("a batch's primes", primes, shape.primes)?;
    equal("a batch's components", components, shape.components)?;
    equal("a batch's ring degree", degree, shape.degree)?;
    let highest = order.iter().max().map_or(0, |&row| row as usize + 1);
    within("rows of a batch", highest, 0, rows)
}

/// That sums can be squared and read by a matrix.
pub fn quadratic(inner: Affine<'_>, outer: &BlockMatrix) -> Result<(), DeviceError> {
    let rows = inner.matrix.outputs();
    equal("constants of sums to be squared", inner.constants.len(), rows)?;
    equal("inputs of a matrix that reads squares of sums", outer.inputs(), rows)
}

/// That terms, bias, level and target fit together. Returns the extents of the sum.
pub fn layer<E: Engine + ?Sized>(
    engine: &E,
    layer: &Layer<'_, E>,
    into: Shape,
    at: usize,
    has_key: bool,
) -> Result<Shape, DeviceError> {
    let Layer { terms, bias, primes, first, onto, switch } = *layer;
    let (params, basis) = (engine.parameters(), engine.basis());
    within("summands of a linear layer", terms.len(), 1, usize::MAX)?;
    if first != 0 {
        equal("a linear layer's first prime", first, params.first_of_results())?;
    }
    let most = if first == 0 { params.levels() } else { params.results().len() };
    within("the linear layer's primes", primes, 1, most)?;
    let (mut components, mut outputs) = (2, None);
    for t in terms {
        let (shape, operator) = (engine.shape(t.tile), engine.operator(t.matrix));
        tile(basis, shape)?;
        within("primes of a linear layer's input", shape.primes, primes, basis.len())?;
        equal("rows of a linear layer's input", shape.rows, operator.inputs)?;
        let outputs = *outputs.get_or_insert(operator.outputs);
        equal("outputs of a linear layer's matrix", operator.outputs, outputs)?;
        if operator.squared {
            equal("components of a tile to be squared", shape.components, 2)?;
        }
        components = components.max(if operator.squared { 3 } else { shape.components });
    }
    let outputs = outputs.unwrap_or(0);
    constants(basis, bias, first..first + primes, outputs)?;
    tile(basis, into)?;
    rows(into, at, outputs)?;
    let sum = Shape { primes, components, rows: outputs, degree: basis.degree() };
    if onto && switch.is_some() {
        let (found, expected) = ("a sum that is switched".into(), "one that is not".into());
        return Err(DeviceError::Shape { what: "what is added to rows", found, expected });
    }
    let left = match switch {
        Some(Switch { to_results: true, rescale, .. }) => {
            equal("rescalings on the way to primes of results", rescale, primes)?;
            let own = params.results().len().min(params.first_of_results());
            within("primes of the results' own", own, 1, usize::MAX)?;
            params.results().len()
        }
        switch => {
            let rescale = switch.map_or(0, |s| s.rescale);
            within("rescalings", rescale, 0, primes - 1)?;
            primes - rescale
        }
    };
    let behind = switch.map_or(0, |s| s.digits.behind());
    within("primes of a layer, and those behind them", primes + behind, 1, most)?;
    if switch.is_some() {
        equal("the first prime of a sum that is switched", first, 0)?;
    }
    if switch.is_some() && components == 3 && !has_key {
        return Err(DeviceError::NoKey);
    }
    equal("primes of a layer's result", left, into.primes)?;
    let left = if switch.is_some() { 2 } else { components };
    equal("components of a layer's result", left, into.components)?;
    Ok(sum)
}

fn constants(
    basis: &Basis,
    bias: &[u32],
    primes: Range<usize>,
    rows: usize,
) -> Result<(), DeviceError> {
    equal("entries of a linear layer's bias", bias.len(), primes.len() * rows)?;
    for (i, constants) in primes.zip(bias.chunks_exact(rows.max(1))) {
        let p = basis.modulus(i).value();
        if let Some(constant) = constants.iter().find(|&&b| b >= p) {
            let (found, expected) = (constant.to_string(), format!("a residue below {p}"));
            return Err(DeviceError::Shape { what: "a linear layer's constant", found, expected });
        }
    }
    Ok(())
}
