//! What a program costs, before it is made.

use super::peaks::Peaks;
use crate::model::NormalForm;
use crate::scheme::Switch;

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
    /// Two cores of a recent x86 server with AVX-512. The products of a linear layer and the
    /// butterflies of a transform are from the benches of the kernels; all four are set alike so that
    /// the totals of the shipped networks come out.
    pub const CPU: Self =
        Self { multiply_add: 1e-11, butterfly: 1e-10, key_product: 1e-10, byte: 4e-11 };

    /// A large GPU at its published peaks, which nothing exceeds: not measured, and for reports
    /// alone. Parameters are chosen by [`CPU`](Self::CPU).
    pub const GPU: Self = Peaks::H100_SXM.cost();

    /// Seconds for sums of `weights` weights, squares' counted for three components and others' for
    /// two, that make `rows` ciphertexts at `level` primes.
    pub fn linear(&self, degree: usize, level: usize, weights: f64, rows: f64) -> f64 {
        let residues = (level * degree) as f64;
        residues * (weights * self.multiply_add + rows * 2.0 * 4.0 * self.byte)
    }

    /// Seconds for switching `rows` ciphertexts at `level` primes: residues to coefficients, each digit
    /// to every prime but its own, and what is left of two components modulo the primes that go, two of
    /// these at a time, to those that stay.
    pub fn switch(&self, degree: usize, level: usize, switch: Switch, rows: f64) -> f64 {
        let primes = level + switch.digits.behind();
        let digits = switch.digits.count(level);
        let gone = switch.digits.behind() + switch.rescale;
        let lifted = digits * (primes - switch.digits.primes().min(primes));
        let transforms = level + lifted + 2 * gone + 2 * gone.div_ceil(2) * (primes - gone);
        let n = degree as f64;
        let butterflies = transforms as f64 * n / 2.0 * n.log2();
        let products = (2 * digits * primes) as f64 * n;
        rows * (butterflies * self.butterfly + products * self.key_product)
    }
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

    /// Seconds for one full batch: `levels[d]` primes at the sums of depth d.
    pub fn seconds(
        &self,
        degree: usize,
        levels: &[usize],
        switch: impl Fn(usize) -> Switch,
        cost: &CostModel,
    ) -> f64 {
        let of_depth = |(d, &level): (usize, &usize)| {
            cost.linear(degree, level, self.entries[d], self.rows[d])
                + cost.switch(degree, level, switch(d), self.switched[d])
        };
        levels.iter().enumerate().map(of_depth).sum()
    }
}
