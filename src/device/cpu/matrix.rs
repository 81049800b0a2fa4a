//! A matrix where the processor works.

use super::product::{Loaded, Product, Room, Rows, Slice, Start};
use super::scatter::Scatter;
use crate::device::{Affine, Operator};
use crate::math::{Modulus, simd::Simd};
use crate::ring::{Basis, BlockMatrix, Tile};

/// A [`BlockMatrix`] in the order in which its product reads it.
#[derive(Debug)]
pub struct CpuMatrix {
    operator: Operator,
    /// The rows that are read at all, ascending: of a tile, or of `first`.
    support: Vec<u32>,
    /// The product with these rows alone.
    product: Product,
    /// What the tile goes through before it is squared.
    first: Option<Box<First>>,
}

/// A sum that is squared where it is made.
#[derive(Debug)]
struct First {
    matrix: CpuMatrix,
    /// `[prime][row]`.
    constants: Vec<u32>,
}

/// Columns of a slice at most, where a sum is squared where it is made: what it is made of, the sum and
/// its squares are all in L2, 1.5 MB for 845 rows from 784.
const WIDTH: usize = 64;

impl CpuMatrix {
    /// Packs a matrix for rings of degree `degree`.
    pub fn new(simd: Simd, degree: usize, matrix: &BlockMatrix, squared: bool) -> Self {
        let operator = Operator { outputs: matrix.outputs(), inputs: matrix.inputs(), squared };
        let (support, source) = matrix.narrowed();
        Self { operator, support, product: Product::new(simd, degree, source), first: None }
    }

    /// Packs outer·(inner)². Extents have been checked by the engine.
    pub fn quadratic(simd: Simd, basis: &Basis, inner: Affine<'_>, outer: &BlockMatrix) -> Self {
        let matrix = Self::new(simd, basis.degree(), inner.matrix, false);
        let residues =
            |i: usize| inner.constants.iter().map(move |&c| basis.modulus(i).from_i128(c));
        let constants = (0..basis.len()).flat_map(residues).collect();
        let mut out = Self::new(simd, basis.degree(), outer, true);
        out.operator.inputs = matrix.operator.inputs;
        out.first = Some(Box::new(First { matrix, constants }));
        out
    }

    /// What it expects and gives.
    pub fn operator(&self) -> Operator {
        self.operator
    }

    /// Columns of a slice that suit the caches, at most.
    pub fn width(&self) -> usize {
        let first = self.first.as_ref().map(|first| first.matrix.width().min(WIDTH));
        first.into_iter().fold(self.product.width(), usize::min)
    }

    /// Components of its product with a tile.
    pub fn components(&self, tile: &Tile) -> usize {
        if self.operator.squared { 3 } else { tile.shape().components }
    }

    /// Takes columns of what it reads to the form that is multiplied, of the tile's prime number `prime`.
    pub fn load(
        &self,
        simd: Simd,
        m: &Modulus,
        (tile, prime): (&Tile, usize),
        columns: (usize, usize),
        room: &mut Room,
    ) {
        let Some(first) = &self.first else {
            let slice = Slice::of_tile(tile, prime, &self.support, columns, self.operator.squared);
            return self.product.load(simd, m, slice, room);
        };
        let mut between = std::mem::take(&mut room.between);
        let (rows, width) = (first.matrix.operator.outputs, columns.1);
        let words = between.at_least(2 * rows * width);
        first.write(simd, m, (tile, prime), columns, room, words);
        let squares = Slice::of_squares(words, rows, &self.support, width);
        self.product.load(simd, m, squares, room);
        room.between = between;
    }

    /// y += matrix·x for one component of `width` columns that have been loaded.
    pub fn add(
        &self,
        simd: Simd,
        m: &Modulus,
        width: usize,
        component: usize,
        room: &mut Room,
        y: &mut Rows<'_>,
    ) {
        let loaded = Loaded { width, squared: self.operator.squared };
        self.product.add(simd, m, loaded, component, room, y);
    }
}

impl First {
    /// The sum's columns, `[component][row][column]`.
    fn write(
        &self,
        simd: Simd,
        m: &Modulus,
        from: (&Tile, usize),
        columns: (usize, usize),
        room: &mut Room,
        out: &mut [u32],
    ) {
        self.matrix.load(simd, m, from, columns, room);
        let (prime, rows, width) = (from.1, self.matrix.operator.outputs, columns.1);
        let target = Scatter::new(out);
        for component in 0..2 {
            // SAFETY: nobody else has the memory, and one component's rows go before the other's come.
            let mut y = unsafe { Rows::new(&target, component * rows * width, width, width) };
            y.start = match component {
                0 => Start::Constants(&self.constants[prime * rows..][..rows]),
                _ => Start::Zero,
            };
            self.matrix.add(simd, m, width, component, room, &mut y);
        }
    }
}
