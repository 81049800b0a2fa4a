//! y += matrix·x modulo a prime, for a slice of columns: each processor's best way.

#[cfg(target_arch = "x86_64")]
mod bytes;
mod doubles;
#[cfg(target_arch = "x86_64")]
mod halves;
mod lanes;
#[cfg(target_arch = "x86_64")]
mod partial;
mod rows;

use crate::math::{Lines, Modulus, simd::Simd};
use crate::ring::{BlockMatrix, Tile};
#[cfg(target_arch = "x86_64")]
use bytes::Bytes;
use doubles::Doubles;
#[cfg(target_arch = "x86_64")]
use halves::Halves;
pub use rows::{Rows, Start};

/// A matrix, packed for one of the products.
#[derive(Debug)]
pub enum Product {
    /// Everywhere.
    Doubles(Doubles),
    /// With dot products of pairs: AVX2, AVX-512 VNNI.
    #[cfg(target_arch = "x86_64")]
    Halves(Halves),
    /// With tiles of bytes: AMX.
    #[cfg(target_arch = "x86_64")]
    Bytes(Bytes),
}

/// Room for the inputs of a slice, as a product wants them.
#[derive(Debug, Default)]
pub struct Room {
    doubles: Lines<f64>,
    /// Halves or bytes.
    #[cfg(target_arch = "x86_64")]
    words: Lines<u32>,
    /// Sums of some columns, until they are complete.
    #[cfg(target_arch = "x86_64")]
    sums: Lines<u32>,
    /// Sums of a slice that are only read squared: `[component][row][column]`.
    pub between: Lines<u32>,
}

/// Some columns of what a matrix reads, modulo one prime.
#[derive(Clone, Copy)]
pub struct Slice<'a> {
    /// `[component][row][column]`, `stride` words from one row to the next.
    words: &'a [u32],
    held: usize,
    rows: usize,
    stride: usize,
    /// The rows that are read.
    support: &'a [u32],
    /// The first column, and how many.
    at: usize,
    pub width: usize,
    /// Whether the squares are meant: (c₀², 2c₀c₁, c₁²).
    squared: bool,
    /// Whether it has just been written.
    near: bool,
}

impl<'a> Slice<'a> {
    /// `width` columns from `at` on of some rows of a tile.
    pub fn of_tile(
        tile: &'a Tile,
        prime: usize,
        support: &'a [u32],
        (at, width): (usize, usize),
        squared: bool,
    ) -> Self {
        let shape = tile.shape();
        let words = &tile.data()[shape.at(prime, 0, 0).start..][..shape.per_prime()];
        let (held, rows, stride) = (shape.components, shape.rows, shape.degree);
        let near = false;
        Self { words, held, rows, stride, support, at, width, squared, near }
    }

    /// The squares of some of `rows` rows of `width` columns, whose two components are all of `words`.
    pub fn of_squares(words: &'a [u32], rows: usize, support: &'a [u32], width: usize) -> Self {
        let (held, stride, at, squared, near) = (2, width, 0, true, true);
        Self { words, held, rows, stride, support, at, width, squared, near }
    }

    /// Components, of squares three.
    pub fn components(&self) -> usize {
        if self.squared { 3 } else { self.held }
    }

    /// One component of the row that comes `k`th.
    #[inline(always)]
    fn piece(&self, component: usize, k: usize) -> &'a [u32] {
        let row = component * self.rows + self.support[k] as usize;
        &self.words[row * self.stride + self.at..][..self.width]
    }
}

/// What has been loaded of a slice.
#[derive(Clone, Copy)]
pub struct Loaded {
    /// Columns.
    pub width: usize,
    /// Whether they are of squares.
    pub squared: bool,
}

impl Product {
    /// Packs a matrix for rings of degree `degree`, for whichever product takes it fastest by count.
    ///
    /// Tiles of bytes want many outputs over many inputs: those of few rows are mostly stored and brought
    /// together.
    pub fn new(simd: Simd, degree: usize, source: BlockMatrix) -> Self {
        #[cfg(target_arch = "x86_64")]
        if Halves::suits(simd, degree) {
            let halves = Halves::new(&source);
            let bytes = Bytes::suits(simd, degree, &source).then(|| Bytes::new(&source));
            return match bytes.filter(|bytes| bytes.cycles() < halves.cycles()) {
                Some(bytes) => Self::Bytes(bytes),
                None => Self::Halves(halves),
            };
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
            #[cfg(target_arch = "x86_64")]
            Self::Bytes(_) => bytes::WIDTH,
        }
    }

    /// Takes all components of a slice to the form that is multiplied.
    pub fn load(&self, simd: Simd, m: &Modulus, x: Slice<'_>, room: &mut Room) {
        match self {
            Self::Doubles(_) => doubles::load(simd, m, x, &mut room.doubles),
            #[cfg(target_arch = "x86_64")]
            Self::Halves(_) => halves::load(simd, m, x, &mut room.words),
            #[cfg(target_arch = "x86_64")]
            Self::Bytes(matrix) => matrix.load(simd, m, x, &mut room.words),
        }
    }

    /// y += matrix·x for one component of what has been loaded.
    pub fn add(
        &self,
        simd: Simd,
        m: &Modulus,
        x: Loaded,
        component: usize,
        room: &mut Room,
        y: &mut Rows<'_>,
    ) {
        match self {
            Self::Doubles(matrix) => {
                matrix.add(simd, m, x, component, &room.doubles, y);
            }
            #[cfg(target_arch = "x86_64")]
            Self::Halves(matrix) => matrix.add(simd, m, x, component, room, y),
            #[cfg(target_arch = "x86_64")]
            Self::Bytes(matrix) => matrix.add(simd, m, x, component, room, y),
        }
    }
}
