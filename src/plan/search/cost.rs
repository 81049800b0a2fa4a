//! What a program costs, before it is made.

use crate::model::NormalForm;

/// Seconds for the parts of an evaluation on one device. Only ratios matter to the choice of
/// parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CostModel {
    /// One residue times one weight, added.
    pub multiply_add: f64,
    /// One butterfly of a transform.
    pub butterfly: f64,
    /// One residue times one residue of a key, added.
    pub key_product: f64,
    /// One byte of a tile written and read again.
    pub byte: f64,
}

impl CostModel {
    /// Two cores of a recent x86 server.
    pub const CPU: Self =
        Self { multiply_add: 2.5e-11, butterfly: 2.5e-10, key_product: 2.5e-10, byte: 1e-10 };
}

/// Counts that do not depend on levels.
#[derive(Clone, Debug)]
pub struct Work {
    /// By depth: weights, those of squares counted three halves times, since squares have three
    /// components.
    pub entries: Vec<f64>,
    /// By depth: rows that are switched.
    pub switched: Vec<f64>,
    /// By depth: rows that are computed.
    pub rows: Vec<f64>,
}

impl Work {
    /// Counts a network.
    pub fn of(form: &NormalForm) -> Self {
        let depths = form.depths();
        let count = form.depth() + 1;
        let mut work =
            Self { entries: vec![0.0; count], switched: vec![0.0; count], rows: vec![0.0; count] };
        for (k, layer) in form.squares.iter().chain([&form.output]).enumerate() {
            let depth = depths.get(k + 1).copied().unwrap_or(count - 1);
            for t in &layer.terms {
                let factor = if t.squared { 3.0 } else { 2.0 };
                work.entries[depth] += factor * t.map.entries() as f64;
            }
            work.rows[depth] += layer.rows() as f64;
            if depth > 0 && k < form.squares.len() {
                work.switched[depth] += layer.rows() as f64;
            }
        }
        work
    }

    /// Seconds for one full batch: `levels[d]` primes at the sums of depth d, of which `drops[d]`
    /// go.
    pub fn seconds(
        &self,
        degree: usize,
        levels: &[usize],
        drops: &[usize],
        cost: &CostModel,
    ) -> f64 {
        let n = degree as f64;
        let butterflies = n / 2.0 * n.log2();
        let mut seconds = 0.0;
        for (d, (&level, &drop)) in levels.iter().zip(drops).enumerate() {
            let (level, drop) = (level as f64, drop as f64);
            seconds += self.entries[d] * level * n * cost.multiply_add;
            seconds += self.rows[d] * 2.0 * level * n * 4.0 * cost.byte;
            let transforms = level * level + 2.0 * drop * (1.0 + level - drop);
            seconds += self.switched[d]
                * (transforms * butterflies * cost.butterfly
                    + 2.0 * level * level * n * cost.key_product);
        }
        seconds
    }
}
