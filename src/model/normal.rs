//! The normal form: a network as affine maps, all but the last followed by squarings.
//!
//! Every network of this room is one: linear layers compose, and a polynomial activation is
//! squares and linear combinations of them. This is the bridge to the planner.

use ndarray::{ArrayBase, ArrayD, Data, Dimension};

use super::evaluate::{collect, samples};
use super::{ModelError, Result, SparseMatrix};

/// A network as affine maps of its input and of squares.
///
/// Source 0 is the input, its entries in row-major order. Source `k ≥ 1` is the result of the map
/// `squares[k − 1]`, which reads only sources below `k`. Maps read its squares, entry by entry, or
/// its entries themselves. The result is the map `output`, which no squaring follows.
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

/// `y = bias + Σ_terms map · source`, or `map ·` its squares.
#[derive(Clone, Debug, PartialEq)]
pub struct Affine {
    /// The layer it came from, such as `fc1`; unique in its normal form.
    pub name: String,
    /// The tensor that its rows are, in row-major order: `[8, 28, 28]`; `[rows]` where they are none,
    /// as the inner squares of an activation of degree 6.
    pub shape: Vec<usize>,
    /// Sources ascending, each read at most once as it is and, after that, at most once squared.
    pub terms: Vec<Term>,
    /// A number for each row. Rows of one number are one channel's, for one and the same purpose:
    /// whoever scales rows must scale them alike, or a convolution loses its shared weights.
    pub groups: Vec<u32>,
    /// One entry per row.
    pub bias: Vec<f64>,
}

/// One source's part of an affine map.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// 0 for the input, `k` for `squares[k − 1]`.
    pub source: usize,
    /// Whether the source's squares are read; never the input's.
    pub squared: bool,
    /// As many rows as the map has, as many columns as the source has entries.
    pub map: SparseMatrix,
}

impl Affine {
    /// Number of entries of its result.
    pub fn rows(&self) -> usize {
        self.bias.len()
    }

    /// Number of stored entries: multiplications by a weight.
    pub fn entries(&self) -> usize {
        self.terms.iter().map(|term| term.map.entries()).sum()
    }

    /// The result for the entries of the sources, not squared, which are as many as the map reads.
    pub fn apply(&self, sources: &[Vec<f64>]) -> Vec<f64> {
        let mut y = self.bias.clone();
        for term in &self.terms {
            let x = sources.get(term.source).map_or(&[][..], Vec::as_slice);
            match term.squared {
                true => {
                    let squares: Vec<f64> = x.iter().map(|t| t * t).collect();
                    term.map.add_product(&squares, &mut y);
                }
                false => term.map.add_product(x, &mut y),
            }
        }
        y
    }
}

impl NormalForm {
    /// Number of entries of a source; 0 for a source that is not there.
    pub fn source_len(&self, source: usize) -> usize {
        match source.checked_sub(1) {
            None => entries(&self.input_shape),
            Some(index) => self.squares.get(index).map_or(0, Affine::rows),
        }
    }

    /// Squarings on the longest path from the input to each source, before it is squared itself;
    /// entry 0, the input's, is 0.
    pub fn depths(&self) -> Vec<usize> {
        let mut depths = vec![0];
        for square in &self.squares {
            depths.push(deepest(square, &depths));
        }
        depths
    }

    /// Squarings on the longest path from the input to the result.
    pub fn depth(&self) -> usize {
        deepest(&self.output, &self.depths())
    }

    /// The results for a batch of inputs, computed in `f64` as the encrypted evaluation would:
    /// `[batch, …]` with the axes of `input_shape` to `[batch, …]` with those of `output_shape`.
    ///
    /// # Errors
    /// Those of [`check`](Self::check); [`ModelError::BatchShape`] and, for an input that is not
    /// finite, [`ModelError::InputValue`].
    pub fn evaluate<S, D>(&self, inputs: &ArrayBase<S, D>) -> Result<ArrayD<f32>>
    where
        S: Data<Elem = f32>,
        D: Dimension,
    {
        self.check()?;
        let run = |sample| {
            let mut sources = vec![sample];
            for square in &self.squares {
                sources.push(square.apply(&sources));
            }
            self.output.apply(&sources)
        };
        Ok(collect(samples(inputs, &self.input_shape)?, &self.output_shape, run))
    }

    /// Whether the parts fit together; always so for what [`NormalForm::new`] returns.
    ///
    /// # Errors
    /// [`ModelError::Inconsistent`] naming the map that does not fit, [`ModelError::NonFinite`].
    pub fn check(&self) -> Result<()> {
        for (index, square) in self.squares.iter().enumerate() {
            self.check_map(square, index)?;
        }
        self.check_map(&self.output, self.squares.len())?;
        let size = entries(&self.output_shape);
        if self.output.rows() != size || size == 0 {
            return Err(ModelError::Inconsistent {
                what: format!("output \"{}\"", self.output.name),
                expected: format!("{size} rows, for the shape {:?}", self.output_shape),
                found: self.output.rows().to_string(),
            });
        }
        Ok(())
    }

    /// Checks a map that may read the sources up to `last`.
    fn check_map(&self, map: &Affine, last: usize) -> Result<()> {
        let wrong = |expected: String, found: String| {
            Err(ModelError::Inconsistent { what: format!("map \"{}\"", map.name), expected, found })
        };
        let sources: Vec<_> = map.terms.iter().map(|term| (term.source, term.squared)).collect();
        let ascends = sources.windows(2).all(|pair| pair[0] < pair[1]);
        let exists =
            |&(source, squared): &(usize, bool)| source <= last && (source > 0 || !squared);
        if !ascends || !sources.iter().all(exists) {
            return wrong(format!("ascending sources up to {last}"), format!("{sources:?}"));
        }
        if entries(&map.shape) != map.rows() {
            return wrong(
                format!("{} rows, for {:?}", entries(&map.shape), map.shape),
                map.rows().to_string(),
            );
        }
        if map.groups.len() != map.rows() {
            return wrong(format!("{} groups", map.rows()), map.groups.len().to_string());
        }
        for term in &map.terms {
            let expected = (map.rows(), self.source_len(term.source));
            let found = (term.map.rows(), term.map.cols());
            if found != expected {
                return wrong(
                    format!("a matrix {expected:?} for source {}", term.source),
                    format!("{found:?}"),
                );
            }
        }
        let weights = map.terms.iter().flat_map(|term| term.map.values());
        let mut all = weights.chain(&map.bias).copied().enumerate();
        match all.find(|(_, value)| !value.is_finite()) {
            None => Ok(()),
            Some((index, value)) => {
                Err(ModelError::NonFinite { tensor: map.name.clone(), index, value })
            }
        }
    }
}

/// The entries of a shape, saturated where they overflow.
fn entries(shape: &[usize]) -> usize {
    shape.iter().fold(1, |size: usize, &dim| size.saturating_mul(dim))
}

/// The greatest depth among the values a map reads.
fn deepest(map: &Affine, depths: &[usize]) -> usize {
    let depth = |term: &Term| Some(depths.get(term.source)? + usize::from(term.squared));
    map.terms.iter().filter_map(depth).max().unwrap_or(0)
}
