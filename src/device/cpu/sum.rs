//! Where a layer's sum lies: among the results as far as these have its polynomials, and what a switch
//! takes away in memory of its own.
//!
//! A switch reads c₀ and c₁ once more, modulo primes that stay, where it then writes. So only c₂ and what there is
//! modulo primes that go takes other memory: 9 of 21 polynomials at seven primes.

use super::scatter::Scatter;
use crate::ring::{Shape, Tile};

/// A sum of extents `sum`, from row `first` of the results on, shared by threads.
pub struct Sum<'a> {
    sum: Shape,
    results: Scatter<'a>,
    extents: Shape,
    first: usize,
    own: Scatter<'a>,
}

impl<'a> Sum<'a> {
    /// Takes `own` for what has no place among the results.
    pub fn new(sum: Shape, (results, first): (&'a mut Tile, usize), own: &'a mut Tile) -> Self {
        let extents = results.shape();
        let primes = slabs(sum, extents, sum.primes, 0);
        own.reshape(Shape { primes, components: 1, ..sum });
        let (results, own) = (Scatter::new(results.data_mut()), Scatter::new(own.data_mut()));
        Self { sum, results, extents, first, own }
    }

    /// The sum's extents.
    pub fn shape(&self) -> Shape {
        self.sum
    }

    /// The results' extents.
    pub fn results(&self) -> Shape {
        self.extents
    }

    /// Whether a polynomial lies where the result's will be.
    pub fn is_result(&self, prime: usize, component: usize) -> bool {
        prime < self.extents.primes && component < self.extents.components
    }

    /// The memory that a component's rows modulo a prime lie in, N words each, and where they begin.
    pub fn place(&self, prime: usize, component: usize) -> (&Scatter<'a>, usize) {
        if self.is_result(prime, component) {
            return (&self.results, self.extents.at(prime, component, self.first).start);
        }
        let slab = slabs(self.sum, self.extents, prime, component);
        (&self.own, slab * self.sum.rows * self.sum.degree)
    }

    /// A polynomial, of the sum or of the result in its place.
    ///
    /// # Safety
    /// As for [`Scatter::read`].
    pub unsafe fn poly(&self, prime: usize, component: usize, row: usize) -> &[u32] {
        let (memory, start) = self.place(prime, component);
        // SAFETY: the caller's promise.
        unsafe { memory.read(start + row * self.sum.degree, self.sum.degree) }
    }

    /// [`Sum::poly`], to write.
    ///
    /// # Safety
    /// As for [`Scatter::part`].
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn poly_mut(&self, prime: usize, component: usize, row: usize) -> &mut [u32] {
        let (memory, start) = self.place(prime, component);
        // SAFETY: the caller's promise.
        unsafe { memory.part(start + row * self.sum.degree, self.sum.degree) }
    }
}

/// How many rows of polynomials have no place among the results before those of a prime and component.
fn slabs(sum: Shape, results: Shape, prime: usize, component: usize) -> usize {
    let kept = prime.min(results.primes);
    let more = sum.components.saturating_sub(results.components);
    let of_own = if prime < results.primes { results.components.min(component) } else { 0 };
    kept * more + (prime - kept) * sum.components + component - of_own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_polynomial_has_a_place_of_its_own() {
        for (primes, components, kept) in [(7, 3, 6), (4, 3, 4), (3, 3, 1), (5, 2, 4), (2, 2, 2)] {
            let sum = Shape { primes, components, rows: 3, degree: 4 };
            let extents = Shape { primes: kept, components: 2, rows: 5, degree: 4 };
            let (mut results, mut own) = (Tile::zeros(extents), Tile::default());
            let at = Sum::new(sum, (&mut results, 2), &mut own);
            for i in 0..sum.residues() / 4 {
                let (prime, component, row) = (i / 3 / components, i / 3 % components, i % 3);
                // SAFETY: one at a time.
                let poly = unsafe { at.poly_mut(prime, component, row) };
                assert!(poly.iter().all(|&x| x == 0), "{sum:?}: {i} is another's");
                poly.fill(1);
            }
            let used = |tile: &Tile| tile.data().iter().filter(|&&x| x == 1).count();
            assert_eq!(used(&own), own.data().len());
            assert_eq!(used(&results), 4 * 3 * 2 * kept);
            assert!((0..kept).all(|i| results.poly(i, 1, 1) == [0; 4]), "rows before");
        }
    }
}
