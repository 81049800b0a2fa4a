//! The rule that chooses ring degree, primes and scales.
//!
//! A prime goes with each squaring, two where one is too coarse: which they are is found greedily,
//! one more at a time where it helps most. A prime may be held in reserve, behind all sums, so that the
//! first switch, too, has a guard and digits of two primes. Sizes of primes and scales follow from the
//! error model, which is convex in their logarithms. The smallest ring that reaches the wanted
//! precision is taken (a larger one has more noise and never needs fewer primes), and there the
//! cheapest choice.

mod build;
mod candidate;
mod cost;
mod geometric;
mod model;
mod peaks;
mod sizes;

pub use build::Network;
use candidate::{Candidate, Pairing};
pub use cost::{CostModel, Work};
pub use model::{Levels, Solution, load};
pub use peaks::Peaks;

use crate::math::primes_below;
use crate::scheme::{Digits, ParametersLiteral, Switch, noise};
use rayon::prelude::*;

/// Primes stay below this power of two.
const LARGEST_PRIME: f64 = 31.0;

/// More precision than this many primes give for the result is never wanted.
const MOST_BASE: usize = 4;

/// No program has more levels.
const MOST_PRIMES: usize = 64;

/// Errors below this share of the wanted one are not looked for.
const FAR: f64 = 0.25;

/// All that a lowering needs to know.
#[derive(Clone, Debug)]
pub struct Scales {
    /// Ring degree and primes.
    pub literal: ParametersLiteral,
    /// By depth: primes at the sums there.
    pub levels: Vec<usize>,
    /// By depth: primes that go after the sums that are squared.
    pub drops: Vec<usize>,
    /// The digits of sums.
    pub pairing: Pairing,
    /// The scale of the input, of every layer, and of the result.
    pub scales: Vec<f64>,
    /// What each row of each layer is multiplied by beside its layer's scale.
    pub factors: Vec<Vec<f64>>,
    /// Where the predicted error comes from.
    pub solution: Solution,
    /// Predicted seconds for one batch.
    pub seconds: f64,
}

impl Scales {
    /// The scale of an encryption.
    pub fn fresh(&self) -> f64 {
        self.scales[0]
    }

    /// The scale of the result.
    pub fn output(&self) -> f64 {
        self.scales[self.scales.len() - 1]
    }

    /// How the sums of a depth come down.
    pub fn switch(&self, depth: usize) -> Switch {
        let (level, primes) = (self.levels[depth], self.literal.primes.len());
        let digits = self.pairing.digits(level, primes);
        Switch { rescale: self.drops[depth], digits, to_results: self.lands(depth) }
    }

    /// Whether the sums of a depth come down to primes that results have of their own.
    fn lands(&self, depth: usize) -> bool {
        !self.literal.result_primes.is_empty() && depth + 2 == self.levels.len()
    }

    /// By what the sums of a depth are divided.
    pub fn ratio(&self, depth: usize) -> f64 {
        let level = self.levels[depth];
        if self.is_of_results(depth) {
            return 1.0;
        }
        let gone = &self.literal.primes[level - self.drops[depth]..level];
        let back = if self.lands(depth) { &self.literal.result_primes[..] } else { &[] };
        product(gone) / product(back)
    }

    /// Whether the sums of a depth are modulo the primes that results have of their own.
    pub fn is_of_results(&self, depth: usize) -> bool {
        !self.literal.result_primes.is_empty() && depth + 1 == self.levels.len()
    }

    /// The predicted standard deviation of the result's error.
    pub fn error(&self) -> f64 {
        self.solution.error()
    }
}

fn product(primes: &[u32]) -> f64 {
    primes.iter().map(|&p| f64::from(p)).product()
}

/// The rule, for one network and one ring.
pub struct Search<'a> {
    network: &'a Network,
    work: &'a Work,
    cost: CostModel,
    /// What the result's modulus must hold beyond the scale, in bits: sign, range and margin.
    headroom: f64,
    degree: usize,
    bound: f64,
}

impl<'a> Search<'a> {
    /// For the ring of degree `degree` with at most `bound` bits of modulus.
    pub fn new(
        network: &'a Network,
        work: &'a Work,
        cost: CostModel,
        headroom: f64,
        (degree, bound): (usize, f64),
    ) -> Self {
        Self { network, work, cost, headroom, degree, bound }
    }

    /// All choices worth a look, the cheapest first, where an error of `aim` is wanted.
    pub fn run(&self, aim: f64) -> Vec<Scales> {
        sorted(self.grown(aim, |_| f64::INFINITY))
    }

    /// The first of [`run`](Self::run) with an error of at most `aim`, found without most others: a
    /// choice only grows dearer, so that one that is no cheaper than another that suffices is left.
    ///
    /// # Errors
    /// All of [`run`](Self::run), where none is so precise.
    pub fn cheapest(&self, aim: f64) -> Result<Scales, Vec<Scales>> {
        let precise = |s: &&Scales| s.error() <= aim;
        let limit = |found: &[Scales]| {
            let seconds = found.iter().filter(precise).map(|s| s.seconds);
            seconds.fold(f64::INFINITY, f64::min)
        };
        let mut found = sorted(self.grown(aim, limit));
        match found.iter().position(|s| precise(&s)) {
            Some(first) => Ok(found.swap_remove(first)),
            None => Err(found),
        }
    }

    /// Choices as they are met, those left out that take `limit` seconds of those before or more.
    fn grown(&self, aim: f64, limit: impl Fn(&[Scales]) -> f64) -> Vec<Scales> {
        let mut found = Vec::new();
        // One prime a squaring; the first sums lose nothing, since the input's scale is free, and neither does
        // the result.
        let depth = self.network.depth;
        let drops: Vec<usize> = (0..=depth).map(|d| usize::from(d > 0 && d < depth)).collect();
        for pairing in [Pairing::ALL, Pairing::NONE] {
            for (base, reserve) in (1..=MOST_BASE).flat_map(|base| [(base, false), (base, true)]) {
                let drops = drops.clone();
                let least = Candidate { drops, base, own: false, reserve, pairing };
                self.grow(least, aim, &limit, &mut found);
            }
        }
        if !self.network.may_land() {
            return found;
        }
        // With primes of the result's own a prime more or less goes into all others.
        for (base, left) in [(1, 1), (1, 2), (2, 2), (2, 3)] {
            let mut drops = drops.clone();
            drops[depth - 1] = left;
            let fresh = drops.iter().sum::<usize>();
            for from in (Pairing::WORTH..=fresh).chain([usize::MAX]) {
                let pairing = Pairing { from, below: Digits::Guarded };
                let drops = drops.clone();
                let at = Candidate { drops, base, own: true, reserve: true, pairing };
                self.grow(at, aim, &limit, &mut found);
            }
        }
        found
    }

    /// A choice, then with one prime more at a time where it helps most, until the error is far below
    /// what is wanted.
    fn grow(
        &self,
        mut at: Candidate,
        aim: f64,
        limit: &impl Fn(&[Scales]) -> f64,
        found: &mut Vec<Scales>,
    ) {
        let depth = self.network.depth;
        if self.seconds(&at) >= limit(found) {
            return;
        }
        let Some(mut best) = self.settle(&at) else { return };
        loop {
            found.extend(self.finish(&at, &best));
            // With two primes at a squaring and one in reserve, degree 6 would be a seventh faster than
            // with guarded digits and neither, but take a fifth more memory.
            if best.error < aim * FAR || at.reserve {
                return;
            }
            let ones: Vec<usize> = (1..depth).filter(|&d| at.drops[d] == 1).collect();
            let doubled = |d: usize| {
                let mut more = at.clone();
                more.drops[d] = 2;
                more
            };
            let limit = limit(found);
            let more: Vec<Candidate> = ones.into_iter().map(doubled).collect();
            if more.iter().all(|more| self.seconds(more) >= limit) {
                return;
            }
            let settled = |more: Candidate| Some((self.settle(&more)?, more));
            let all: Vec<_> = more.into_par_iter().filter_map(settled).collect();
            // The first of equals, so that plans repeat.
            let least = all.into_iter().min_by(|a, b| a.0.error.total_cmp(&b.0.error));
            let Some((settled, more)) = least else { return };
            if self.seconds(&more) >= limit {
                return;
            }
            (best, at) = (settled, more);
        }
    }

    /// Predicted seconds for one batch.
    fn seconds(&self, candidate: &Candidate) -> f64 {
        let switch = |depth| candidate.switch(depth);
        self.work.seconds(self.degree, &candidate.levels(), switch, &self.cost)
    }

    fn smallest_prime(&self) -> f64 {
        smallest_prime(self.degree)
    }

    fn fits(&self, candidate: &Candidate) -> bool {
        candidate.primes() <= most_primes((self.degree, self.bound))
    }

    /// Sizes of primes and scales.
    fn settle(&self, candidate: &Candidate) -> Option<Settled> {
        self.fits(candidate).then(|| sizes::settle(self, candidate))
    }

    /// The noise of switches and the ratios for given primes.
    fn levels(&self, candidate: &Candidate, primes: &[u32]) -> Levels {
        let levels = candidate.levels();
        let results = product(&primes[candidate.results()]);
        let ratio = |d: usize| {
            product(&primes[candidate.gone(d)]) / if candidate.lands(d) { results } else { 1.0 }
        };
        let literal = self.literal(candidate, primes);
        let noise = |d: usize| match candidate.drops[d] {
            0 => 0.0,
            _ => noise::switch(&literal, levels[d], candidate.switch(d), true),
        };
        Levels {
            fresh: noise::fresh(self.degree),
            noise: (0..levels.len()).map(noise).collect(),
            ratio: (0..levels.len()).map(ratio).collect(),
            output: (results.log2() - self.headroom).exp2(),
        }
    }

    fn literal(&self, candidate: &Candidate, primes: &[u32]) -> ParametersLiteral {
        let (primes, own) = primes.split_at(candidate.primes());
        let (primes, result_primes) = (primes.to_vec(), own.to_vec());
        ParametersLiteral { degree: self.degree, primes, result_primes }
    }

    /// The primes themselves, and the scales that go with them.
    fn finish(&self, candidate: &Candidate, settled: &Settled) -> Option<Scales> {
        let mut primes: Vec<u32> = Vec::with_capacity(settled.bits.len());
        for &bits in &settled.bits {
            primes.push(nearest(self.degree, bits, &primes)?);
        }
        if product(&primes[..candidate.primes()]).log2() > self.bound {
            return None;
        }
        let scales = sizes::refine(self, candidate, &primes, settled);
        let solution = self.network.model.solution(&self.levels(candidate, &primes), scales);
        let levels = candidate.levels();
        Some(Scales {
            literal: self.literal(candidate, &primes),
            scales: solution.scales.clone(),
            factors: self.network.factors.clone(),
            seconds: self.seconds(candidate),
            drops: candidate.drops.clone(),
            pairing: candidate.pairing,
            levels,
            solution,
        })
    }
}

/// The cheapest first, and of equals the one met first.
fn sorted(mut found: Vec<Scales>) -> Vec<Scales> {
    found.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    found
}

/// log₂ of the smallest primes worth a lane of 32 bits of which a ring has enough.
fn smallest_prime(degree: usize) -> f64 {
    20f64.max((4.0 * degree as f64).log2() + 5.0)
}

/// Primes that the modulus of a ring of some degree has at the most, within a bound on log₂ Q: a
/// prime for each squaring and none to spare.
pub fn most_primes((degree, bound): (usize, f64)) -> usize {
    (bound / (smallest_prime(degree) + 0.5)).min(MOST_PRIMES as f64) as usize
}

/// A candidate with all that follows from it.
#[derive(Clone, Debug, Default)]
struct Settled {
    /// log₂ of the primes, in the order of the modulus.
    bits: Vec<f64>,
    /// By node.
    scales: Vec<f64>,
    /// The standard deviation of the result's error.
    error: f64,
}

/// The largest prime below 2^`bits` that is not taken yet.
fn nearest(degree: usize, bits: f64, taken: &[u32]) -> Option<u32> {
    let bound = bits.min(LARGEST_PRIME).exp2().ceil() as u32;
    primes_below(bound, 4 * degree as u32).find(|p| !taken.contains(p))
}

#[cfg(test)]
mod tests {
    use super::model::{ErrorModel, Kind, Link, Node};
    use super::*;

    /// Squarings one after another, of values about as large as their weights.
    fn chain(depth: usize) -> (Network, Work) {
        let node = |kind, depth, sensitivity| Node { kind, depth, sensitivity };
        let squares = (0..depth).map(|d| node(Kind::Square, d, 1.0 + d as f64));
        let nodes = std::iter::once(node(Kind::Input, 0, 1.0)).chain(squares).chain([node(
            Kind::Output,
            depth,
            0.0,
        )]);
        let link = |to: usize| Link {
            to,
            from: to - 1,
            power: if to == 1 { 1 } else { 2 },
            lifted: false,
            energy: 2.0,
            largest: 1.0,
            norm: 20.0,
        };
        let model =
            ErrorModel { nodes: nodes.collect(), links: (1..depth + 2).map(link).collect() };
        let work = Work {
            entries: vec![1e5; depth + 1],
            switched: (0..=depth).map(|d| if d > 0 && d < depth { 1e3 } else { 0.0 }).collect(),
            rows: vec![1e3; depth + 1],
        };
        (Network { model, factors: Vec::new(), depth }, work)
    }

    /// What is left out of the search would not have been chosen.
    #[test]
    fn the_cheapest_is_the_first_precise_one_of_all() {
        let mut chosen = std::collections::BTreeSet::new();
        for depth in [2, 5, 9] {
            let (network, work) = chain(depth);
            let ring = (1 << 14, 438.0);
            let search = Search::new(&network, &work, CostModel::CPU, 4.0, ring);
            for bits in 0..14 {
                let aim = (-f64::from(bits)).exp2();
                let all = search.run(aim);
                let first = all.iter().find(|s| s.error() <= aim);
                let key = |s: &Scales| (s.literal.primes.clone(), s.drops.clone(), s.pairing);
                match (search.cheapest(aim), first) {
                    (Ok(found), Some(first)) => {
                        assert_eq!(key(&found), key(first), "{depth} squarings, {bits} bits");
                        chosen.insert(key(&found));
                    }
                    (Err(none), None) => {
                        assert!(none.iter().map(key).eq(all.iter().map(key)));
                    }
                    (found, _) => panic!("{depth} squarings, {bits} bits: {}", found.is_ok()),
                }
            }
        }
        assert!(chosen.len() > 5, "only {} choices were seen", chosen.len());
    }
}
