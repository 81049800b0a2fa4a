//! A value during lowering: an affine map of the input and of squares.

use std::collections::BTreeMap;

use crate::model::limits::MATRIX_ENTRIES;
use crate::model::normal::{Affine, Term};
use crate::model::sparse::SparseMatrix;
use crate::model::{ModelError, Result};

/// `bias + Σ map · source`, with the node that gives it its name.
#[derive(Clone, Debug)]
pub(super) struct Value {
    /// By source, and whether its squares are read; a map without entries is left out.
    terms: BTreeMap<(usize, bool), SparseMatrix>,
    /// One entry per row.
    pub bias: Vec<f64>,
    /// The last convolution or dense layer it went through; 0, the input, if none.
    pub origin: usize,
}

impl Value {
    /// The network's input.
    pub fn input(size: usize) -> Self {
        Value::of_source((0, false), SparseMatrix::identity(size), vec![0.0; size], 0)
    }

    /// A map of one source.
    pub fn of_source(
        source: (usize, bool),
        map: SparseMatrix,
        bias: Vec<f64>,
        origin: usize,
    ) -> Self {
        Value { terms: BTreeMap::from([(source, map)]), bias, origin }
    }

    /// No sources at all.
    pub fn constant(bias: Vec<f64>, origin: usize) -> Self {
        Value { terms: BTreeMap::new(), bias, origin }
    }

    /// Adds a source that the value does not have yet.
    pub fn insert(&mut self, source: (usize, bool), map: SparseMatrix) {
        if map.entries() > 0 {
            self.terms.insert(source, map);
        }
    }

    /// With a layer to take its name from.
    pub fn named_by(self, origin: usize) -> Self {
        Value { origin, ..self }
    }

    /// `map · self + bias`.
    pub fn mapped(&self, node: &str, map: &SparseMatrix, bias: Option<&[f64]>) -> Result<Value> {
        let mut result = bias.map_or_else(|| vec![0.0; map.rows()], <[f64]>::to_vec);
        map.add_product(&self.bias, &mut result);
        let mut terms = BTreeMap::new();
        for (&source, term) in &self.terms {
            let product = map.multiply(term, MATRIX_ENTRIES);
            terms.insert(source, product.ok_or_else(|| too_large(node))?);
        }
        Ok(Value { terms, bias: result, origin: self.origin })
    }

    /// `factors · self + shifts`, row by row.
    pub fn scaled(&self, factors: &[f64], shifts: &[f64]) -> Value {
        let mut value = self.clone();
        value.terms.values_mut().for_each(|map| map.scale_rows(factors));
        for ((bias, factor), shift) in value.bias.iter_mut().zip(factors).zip(shifts) {
            *bias = *bias * factor + shift;
        }
        value
    }

    /// The sum, named after the later of the two.
    pub fn plus(&self, node: &str, other: &Value) -> Result<Value> {
        let mut value = self.clone();
        for (&source, map) in &other.terms {
            let sum = match value.terms.get(&source) {
                None => map.clone(),
                Some(own) => own.add(map, MATRIX_ENTRIES).ok_or_else(|| too_large(node))?,
            };
            value.terms.insert(source, sum);
        }
        value.bias.iter_mut().zip(&other.bias).for_each(|(x, y)| *x += y);
        value.origin = self.origin.max(other.origin);
        Ok(value)
    }

    /// The rows `factor · self[entry] + offset`, in the order given.
    pub fn selected(&self, rows: impl Iterator<Item = (usize, f64, f64)> + Clone) -> Value {
        let bias = rows.clone().map(|(entry, factor, offset)| factor * self.bias[entry] + offset);
        let mut value = Value::constant(bias.collect(), self.origin);
        for (&source, map) in &self.terms {
            let mut selected = SparseMatrix::empty(map.cols());
            for (entry, factor, _) in rows.clone() {
                selected.push_row(map.row_entries(entry).map(|(column, w)| (column, w * factor)));
            }
            value.insert(source, selected);
        }
        value
    }

    /// Appends the rows of another value over the same sources.
    pub fn append(&mut self, other: &Value) {
        for (source, map) in &mut self.terms {
            let Some(more) = other.terms.get(source) else {
                continue;
            };
            (0..more.rows()).for_each(|row| map.push_row(more.row_entries(row)));
        }
        self.bias.extend_from_slice(&other.bias);
    }

    /// The value as a part of a normal form, the rows of a tensor, with every row a group.
    pub fn into_affine(self, name: String, shape: Vec<usize>) -> Affine {
        let terms = self.terms.into_iter();
        let terms = terms.map(|((source, squared), map)| Term { source, squared, map }).collect();
        let groups = (0..self.bias.len() as u32).collect();
        Affine { name, shape, terms, groups, bias: self.bias }
    }
}

fn too_large(node: &str) -> ModelError {
    ModelError::TooLarge {
        node: node.into(),
        what: "its matrix, composed with the linear layers before it,".into(),
        size: MATRIX_ENTRIES as u128 + 1,
        limit: MATRIX_ENTRIES,
    }
}
