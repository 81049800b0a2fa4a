//! A matrix where the processor works.

use super::product::Product;
use crate::device::Operator;
use crate::math::simd::Simd;
use crate::ring::BlockMatrix;

/// A [`BlockMatrix`] in the order in which its product reads it.
#[derive(Debug)]
pub struct CpuMatrix {
    operator: Operator,
    /// The rows of the tile that are read at all, ascending.
    support: Vec<u32>,
    /// The product with these rows alone.
    product: Product,
}

impl CpuMatrix {
    /// Packs a matrix for rings of degree `degree`.
    pub fn new(simd: Simd, degree: usize, matrix: &BlockMatrix, squared: bool) -> Self {
        let operator = Operator { outputs: matrix.outputs(), inputs: matrix.inputs(), squared };
        let (support, source) = matrix.narrowed();
        Self { operator, support, product: Product::new(simd, degree, source) }
    }

    /// What it expects and gives.
    pub fn operator(&self) -> Operator {
        self.operator
    }

    /// The rows of the tile that are read at all, ascending.
    pub fn support(&self) -> &[u32] {
        &self.support
    }

    /// The product with the support.
    pub fn product(&self) -> &Product {
        &self.product
    }
}
