//! The normal form: a network as affine maps, all but the last followed by squarings.
//!
//! Every network of this room is one: linear layers compose, and a polynomial activation is
//! squares and linear combinations of them. This is the bridge to the planner.

use super::SparseMatrix;

/// A network as affine maps of its input and of squares.
///
/// Source 0 is the input, its entries in row-major order. Source `k ≥ 1` holds the squares, entry
/// by entry, of the map `squares[k − 1]`, which reads only sources below `k`. The result is the
/// map `output`, which no squaring follows.
#[derive(Clone, Debug, PartialEq)]
pub struct NormalForm {
    /// One sample's shape.
    pub input_shape: Vec<usize>,
    /// One result's shape.
    pub output_shape: Vec<usize>,
    /// The maps whose results are squared, in an order in which they can be computed.
    pub squares: Vec<Affine>,
    /// The last map.
    pub output: Affine,
}

/// `y = bias + Σ_terms map · source`.
#[derive(Clone, Debug, PartialEq)]
pub struct Affine {
    /// The layer it came from, such as `fc1`; unique in its normal form.
    pub name: String,
    /// At most one term per source, sources ascending.
    pub terms: Vec<Term>,
    /// One entry per row.
    pub bias: Vec<f64>,
}

/// One source's part of an affine map.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// 0 for the input, `k` for the squares of `squares[k − 1]`.
    pub source: usize,
    /// As many rows as the map has, as many columns as the source has entries.
    pub map: SparseMatrix,
}

impl Affine {
    /// Number of entries of its result.
    pub fn rows(&self) -> usize {
        self.bias.len()
    }
}

impl NormalForm {
    /// Number of entries of a source: of the input for 0, of `squares[k − 1]` for `k`; 0 for a
    /// source that is not there.
    pub fn source_len(&self, source: usize) -> usize {
        match source.checked_sub(1) {
            None => self.input_shape.iter().product(),
            Some(index) => self.squares.get(index).map_or(0, Affine::rows),
        }
    }

    /// Squarings on the longest path from the input to each source; entry 0, the input's, is 0.
    pub fn depths(&self) -> Vec<usize> {
        let mut depths = vec![0];
        for square in &self.squares {
            depths.push(1 + deepest(square, &depths));
        }
        depths
    }

    /// Squarings on the longest path from the input to the result.
    pub fn depth(&self) -> usize {
        deepest(&self.output, &self.depths())
    }
}

/// The greatest depth among the sources a map reads.
fn deepest(map: &Affine, depths: &[usize]) -> usize {
    map.terms
        .iter()
        .filter_map(|term| depths.get(term.source))
        .copied()
        .max()
        .unwrap_or(0)
}
