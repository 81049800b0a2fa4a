//! Sizes of primes and scales of layers, for a given number of primes at each depth: one geometric
//! program. Its variables are the scales of all nodes, the size of the primes that go after each
//! depth's sums, that of the primes left for the result, and that of the prime in reserve.

use super::candidate::Candidate;
use super::geometric::{Monomial, Program};
use super::model::Kind;
use super::{LARGEST_PRIME, Search, Settled};
use crate::scheme::noise;

/// Bits by which entries may exceed their root mean square, on the way to the result.
const HEADROOM: f64 = 6.0;

/// Scales stay within 2^±this.
const LARGEST_SCALE: f64 = 500.0;

/// A scale to start from.
const START: f64 = 22.0;

/// Bits between a start and a bound.
const INSIDE: f64 = 0.2;

/// log₂ of a prime.
#[derive(Clone, Copy)]
enum Size {
    Fixed(f64),
    /// The variable that it is.
    Free(usize),
}

/// The sizes of all primes, in the order of the modulus.
struct Sizes(Vec<Size>);

impl Sizes {
    /// Multiplies by the primes at some places, to a power.
    fn multiply(&self, m: &mut Monomial, places: impl IntoIterator<Item = usize>, power: f64) {
        for place in places {
            match self.0[place] {
                Size::Fixed(bits) => m.bits += power * bits,
                Size::Free(variable) => match m.powers.iter_mut().find(|p| p.0 == variable) {
                    Some(found) => found.1 += power,
                    None => m.powers.push((variable, power)),
                },
            }
        }
    }
}

/// Sizes and scales, all free.
pub fn settle(search: &Search<'_>, candidate: &Candidate) -> Settled {
    let nodes = search.network.model.nodes.len();
    let share = (search.bound / candidate.primes() as f64).min(LARGEST_PRIME) - INSIDE;
    let mut start = vec![0.0; nodes];
    // Primes that go together are of one size, and so are those left for the result.
    let mut sizes = vec![Size::Fixed(0.0); candidate.primes().max(candidate.results().end)];
    let gone = (0..candidate.drops.len()).map(|d| candidate.gone(d));
    for places in gone.chain([candidate.results(), candidate.fresh()..candidate.primes()]) {
        if places.is_empty() {
            continue;
        }
        // Where two primes go, small ones: weights must fit between the scales before and after.
        let small = places.start >= candidate.base && places.len() > 1;
        sizes[places].fill(Size::Free(start.len()));
        start.push(if small { search.smallest_prime() + INSIDE } else { share });
    }
    let program = program(search, candidate, &Sizes(sizes.clone()), start.len());
    climb(search, &program, &mut start);
    let x = program.solve(start);
    let bits = |size: &Size| match *size {
        Size::Fixed(bits) => bits,
        Size::Free(variable) => x[variable],
    };
    let error = (0.5 * program.value(&x)).exp2();
    let scales = x[..nodes].iter().map(|x| x.exp2()).collect();
    Settled { bits: sizes.iter().map(bits).collect(), scales, error }
}

/// Scales for primes that are fixed, from those for primes of about their sizes.
pub fn refine(
    search: &Search<'_>,
    candidate: &Candidate,
    primes: &[u32],
    settled: &Settled,
) -> Vec<f64> {
    let sizes = Sizes(primes.iter().map(|&p| Size::Fixed(f64::from(p).log2())).collect());
    let program = program(search, candidate, &sizes, settled.scales.len());
    let mut start: Vec<f64> = settled.scales.iter().map(|s| s.log2()).collect();
    climb(search, &program, &mut start);
    program.solve(start).into_iter().map(f64::exp2).collect()
}

/// Scales within all bounds: from the input on, each as large as it may be, or as typical.
fn climb(search: &Search<'_>, program: &Program, x: &mut [f64]) {
    let nodes = &search.network.model.nodes;
    for n in 0..nodes.len() {
        x[n] = if x[n] > 0.0 { x[n] } else { START };
        for bound in &program.bounds {
            // Bounds that hold a node from above read only nodes before it.
            let own = bound.powers.iter().find(|p| p.0 == n && p.1 > 0.0);
            let later = bound.powers.iter().any(|p| p.0 > n && p.0 < nodes.len());
            if let (Some(&(_, power)), false) = (own, later) {
                x[n] -= ((bound.at(x) + INSIDE) / power).max(0.0);
            }
        }
    }
}

/// A number times nothing yet; `None` for 0.
fn number(value: f64) -> Option<Monomial> {
    (value > 0.0).then(|| Monomial { bits: value.log2(), powers: Vec::new() })
}

/// The variance that the switch of a depth adds, at the scale after it, as [`noise::switch`] has it.
fn switch(
    search: &Search<'_>,
    candidate: &Candidate,
    sizes: &Sizes,
    depth: usize,
) -> Vec<Monomial> {
    let gone = candidate.gone(depth);
    if gone.is_empty() {
        return Vec::new();
    }
    let level = gone.end;
    let rounding = number(noise::rescale(search.degree).powi(2));
    let digits = candidate.switch(depth).digits;
    let guard = level..level + digits.behind();
    // Keys' errors in a digit below 1.
    let key = noise::relinearise(search.degree, std::iter::once(1.0)).powi(2);
    let mut keys: Vec<Monomial> = Vec::new();
    for first in (0..level).step_by(digits.primes()) {
        let Some(mut m) = number(key * digits.primes() as f64) else { continue };
        sizes.multiply(&mut m, first..first + digits.primes(), 2.0);
        sizes.multiply(&mut m, guard.clone(), -2.0);
        m.powers.sort_by_key(|p| p.0);
        // Digits of primes of the same sizes together.
        match keys.iter_mut().find(|k| k.powers == m.powers) {
            Some(k) => k.bits += (1.0 + (m.bits - k.bits).exp2()).log2(),
            None => keys.push(m),
        }
    }
    // The guard's own rounding is divided as the keys' errors are.
    keys.extend(rounding.clone().filter(|_| !guard.is_empty()));
    keys.iter_mut().for_each(|m| ratio(candidate, sizes, depth, m, -2.0));
    keys.extend(rounding);
    keys
}

/// Multiplies by what the sums of a depth are divided by, to a power.
fn ratio(candidate: &Candidate, sizes: &Sizes, depth: usize, m: &mut Monomial, power: f64) {
    sizes.multiply(m, candidate.gone(depth), power);
    if candidate.lands(depth) {
        sizes.multiply(m, candidate.results(), -power);
    }
}

/// The error and the bounds.
fn program(search: &Search<'_>, candidate: &Candidate, sizes: &Sizes, variables: usize) -> Program {
    let model = &search.network.model;
    let depth = search.network.depth;
    let mut out = Program { variables, ..Program::default() };
    let switches: Vec<_> = (0..=depth).map(|d| switch(search, candidate, sizes, d)).collect();
    let fresh: Vec<_> = number(noise::fresh(search.degree).powi(2)).into_iter().collect();
    for (n, node) in model.nodes.iter().enumerate() {
        let noise = match node.kind {
            Kind::Input => &fresh,
            Kind::Square => &switches[node.depth],
            Kind::Output => continue,
        };
        let Some(sensitivity) = number(node.sensitivity) else { continue };
        out.sum.extend(noise.iter().map(|noise| {
            let mut m = noise.clone();
            m.bits += sensitivity.bits;
            m.powers.push((n, -2.0));
            m
        }));
    }
    for l in &model.links {
        let depth = model.nodes[l.to].depth;
        let p = f64::from(l.power);
        out.sum.extend(number(l.energy / 12.0 * l.lifted_step().powi(2)));
        if let Some(mut m) = number(l.energy / 12.0) {
            m.powers = vec![(l.to, -2.0), (l.from, 2.0 * p)];
            ratio(candidate, sizes, depth, &mut m, -2.0);
            out.sum.push(m);
        }
        if let Some(mut m) = number(if l.lifted { 0.0 } else { l.load() }) {
            m.powers = vec![(l.to, 1.0), (l.from, -p)];
            ratio(candidate, sizes, depth, &mut m, 1.0);
            out.bounds.push(m);
        }
    }
    for (n, node) in model.nodes.iter().enumerate() {
        // What is left of the modulus holds the value.
        let headroom = if node.kind == Kind::Output { search.headroom } else { HEADROOM };
        let mut m = Monomial { bits: headroom, powers: vec![(n, 1.0)] };
        sizes.multiply(&mut m, candidate.held((node.depth + 1).min(depth)), -1.0);
        out.bounds.push(m);
        for sign in [1.0, -1.0] {
            out.bounds.push(Monomial { bits: -LARGEST_SCALE, powers: vec![(n, sign)] });
        }
    }
    let mut total = Monomial { bits: -search.bound, powers: Vec::new() };
    sizes.multiply(&mut total, 0..candidate.primes(), 1.0);
    let mut each = total.clone();
    sizes.multiply(&mut each, candidate.results(), 1.0);
    for &(variable, _) in &each.powers {
        let smallest = search.smallest_prime();
        out.bounds.push(Monomial { bits: -LARGEST_PRIME, powers: vec![(variable, 1.0)] });
        out.bounds.push(Monomial { bits: smallest, powers: vec![(variable, -1.0)] });
    }
    if search.bound.is_finite() && !total.powers.is_empty() {
        out.bounds.push(total);
    }
    out
}
