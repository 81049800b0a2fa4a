//! y += matrix·x modulo a prime, for a slice of columns: each processor's best way.

mod doubles;
#[cfg(target_arch = "x86_64")]
mod halves;
mod lanes;

use crate::math::{Modulus, simd::Simd};
use crate::ring::BlockMatrix;
use doubles::Doubles;
#[cfg(target_arch = "x86_64")]
use halves::Halves;

/// A matrix, packed for one of the products.
#[derive(Debug)]
pub enum Product {
    /// Everywhere.
    Doubles(Doubles),
    /// With the dot products of AVX-512 VNNI.
    #[cfg(target_arch = "x86_64")]
    Halves(Halves),
}

/// Room for one component of the inputs of a slice, as a product wants them.
#[derive(Debug, Default)]
pub struct Room {
    doubles: Vec<f64>,
    #[cfg(target_arch = "x86_64")]
    halves: Vec<u32>,
}

/// A slice of a tile: some columns of all rows that a matrix reads.
#[derive(Clone, Copy)]
pub struct Slice<'a> {
    /// `[component][row][width]` residues.
    pub residues: &'a [u32],
    /// How many.
    pub rows: usize,
    /// Columns.
    pub width: usize,
    /// Whether the squares are meant: (c₀², 2c₀c₁, c₁²).
    pub squared: bool,
}

impl<'a> Slice<'a> {
    /// The two residues whose product is an entry of a component, row after row; twice the entry
    /// itself where it is not a square that is meant.
    fn factors(&self, component: usize) -> (&'a [u32], &'a [u32]) {
        let size = self.rows * self.width;
        let part = |c: usize| &self.residues[c * size..][..size];
        match self.squared {
            true => (part(component / 2), part(component.div_ceil(2))),
            false => (part(component), part(component)),
        }
    }
}

impl Product {
    /// Packs a matrix for rings of degree `degree`.
    pub fn new(simd: Simd, degree: usize, source: BlockMatrix) -> Self {
        #[cfg(target_arch = "x86_64")]
        if Halves::suits(simd, degree) {
            return Self::Halves(Halves::new(&source));
        }
        let _ = (simd, degree);
        Self::Doubles(Doubles::new(source))
    }

    /// Columns of a slice that suit the caches, at most.
    pub fn width(&self) -> usize {
        match self {
            Self::Doubles(_) => doubles::WIDTH,
            #[cfg(target_arch = "x86_64")]
            Self::Halves(_) => halves::WIDTH,
        }
    }

    /// Adds the product with one component of `x` to `y`, `[row][width]`.
    pub fn add(
        &self,
        simd: Simd,
        m: &Modulus,
        x: Slice<'_>,
        component: usize,
        room: &mut Room,
        y: &mut [u32],
    ) {
        match self {
            Self::Doubles(matrix) => matrix.add(simd, m, x, component, &mut room.doubles, y),
            #[cfg(target_arch = "x86_64")]
            Self::Halves(matrix) => matrix.add(simd, m, x, component, &mut room.halves, y),
        }
    }
}
