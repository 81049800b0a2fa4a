//! A tile: the residues of many ciphertexts, in the order in which they are worked on.

use super::pages;
use crate::math::Lines;
use std::ops::Range;

/// The extents of a [`Tile`], outermost first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Shape {
    /// The level: how many primes of the basis.
    pub primes: usize,
    /// The ciphertexts' components: 2, or 3 after a square.
    pub components: usize,
    /// The ciphertexts, one a value of the network.
    pub rows: usize,
    /// N.
    pub degree: usize,
}

impl Shape {
    /// Residues of one prime: components · rows · degree.
    pub fn per_prime(&self) -> usize {
        self.components * self.rows * self.degree
    }

    /// All residues: primes · components · rows · degree, four bytes each.
    pub fn residues(&self) -> usize {
        self.primes * self.per_prime()
    }

    /// Where the polynomial of (prime, component, row) lies.
    pub fn at(&self, prime: usize, component: usize, row: usize) -> Range<usize> {
        let start = ((prime * self.components + component) * self.rows + row) * self.degree;
        start..start + self.degree
    }
}

/// Residues as `[prime][component][row][N]`, values at the roots of unity (not coefficients).
///
/// For one prime and component the rows are a matrix, and a linear layer is a product with it.
#[derive(Clone, Debug, Default)]
pub struct Tile {
    shape: Shape,
    /// At least the shape's residues: a tile that took over a larger one's memory has more.
    data: Lines<u32>,
}

impl PartialEq for Tile {
    fn eq(&self, other: &Self) -> bool {
        (self.shape, self.data()) == (other.shape, other.data())
    }
}

impl Eq for Tile {}

impl Tile {
    /// A tile of zeros.
    pub fn zeros(shape: Shape) -> Self {
        let mut data = Lines::zeroed(shape.residues());
        pages::advise(&mut data);
        Self { shape, data }
    }

    /// A tile of the residues given, or `None` where their number is not the shape's.
    pub fn new(shape: Shape, data: Vec<u32>) -> Option<Self> {
        (data.len() == shape.residues()).then(|| Self { shape, data: data[..].into() })
    }

    /// Takes other extents; its residues are unspecified then.
    pub(crate) fn reshape(&mut self, shape: Shape) {
        if shape.residues() > self.data.len() {
            // The old memory goes first, to make room.
            *self = Self::default();
            *self = Self::zeros(shape);
        }
        self.shape = shape;
    }

    /// The extents.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// All residues, `[prime][component][row][N]`.
    pub fn data(&self) -> &[u32] {
        &self.data[..self.shape.residues()]
    }

    /// All residues, to write.
    pub fn data_mut(&mut self) -> &mut [u32] {
        &mut self.data[..self.shape.residues()]
    }

    /// The residues of one prime: `[component][row][N]`.
    pub fn prime(&self, i: usize) -> &[u32] {
        &self.data[i * self.shape.per_prime()..][..self.shape.per_prime()]
    }

    /// The N residues of one polynomial, values at the roots of unity.
    ///
    /// # Panics
    /// Where the tile has not this prime, component and row.
    pub fn poly(&self, prime: usize, component: usize, row: usize) -> &[u32] {
        &self.data[self.shape.at(prime, component, row)]
    }

    /// [`Tile::poly`], to write.
    ///
    /// # Panics
    /// As [`Tile::poly`].
    pub fn poly_mut(&mut self, prime: usize, component: usize, row: usize) -> &mut [u32] {
        &mut self.data[self.shape.at(prime, component, row)]
    }
}
