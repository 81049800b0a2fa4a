//! Sizes of primes and scales of layers, for a given number of primes at each depth: one geometric
//! program. Its variables are the scales of all nodes, the size of the primes that go after each
//! depth's sums, and that of the primes left for the result.

use super::geometric::{Monomial, Program};
use super::model::Kind;
use super::{Candidate, LARGEST_PRIME, Search, Settled};
use crate::scheme::{Digits, noise};

/// Bits by which entries may exceed their root mean square, on the way to the result.
const HEADROOM: f64 = 6.0;

/// Scales stay within 2^±this.
const LARGEST_SCALE: f64 = 500.0;

/// A scale to start from.
const START: f64 = 22.0;

/// Bits between a start and a bound.
const INSIDE: f64 = 0.2;

/// Which variable, if it is one, holds the size of the primes of a depth.
struct Sizes<'a> {
    candidate: &'a Candidate,
    /// By depth, then the base's.
    sizes: Vec<Size>,
}

#[derive(Clone, Copy)]
enum Size {
    /// log₂ of the product of a depth's primes.
    Fixed(f64),
    /// The variable that is log₂ of each of so many primes.
    Free { variable: usize, count: usize },
}

impl Sizes<'_> {
    /// Multiplies by the product of a depth's primes to a power; the base follows the last depth.
    fn multiply(&self, m: &mut Monomial, depth: usize, power: f64) {
        match self.sizes[depth] {
            Size::Fixed(bits) => m.bits += power * bits,
            Size::Free { count: 0, .. } => {}
            Size::Free { variable, count } => m.powers.push((variable, power * count as f64)),
        }
    }

    fn base(&self) -> usize {
        self.candidate.drops.len()
    }
}

/// Sizes and scales, all free.
pub fn settle(search: &Search<'_>, candidate: &Candidate) -> Settled {
    let nodes = search.network.model.nodes.len();
    let mut variables = nodes;
    let counts = candidate.drops.iter().chain([&candidate.base]);
    let sizes = counts.map(|&count| {
        let variable = variables;
        variables += usize::from(count > 0);
        Size::Free { variable, count }
    });
    let sizes = Sizes { candidate, sizes: sizes.collect() };
    let program = program(search, &sizes, variables);
    let mut start = vec![0.0; variables];
    let share = (search.bound / candidate.primes() as f64).min(LARGEST_PRIME);
    for size in &sizes.sizes {
        if let Size::Free { variable, count: 1.. } = *size {
            start[variable] = share - INSIDE;
        }
    }
    // Where two primes go, small ones: weights must fit between the scales before and after.
    for (d, &drop) in candidate.drops.iter().enumerate() {
        if let (2.., Size::Free { variable, .. }) = (drop, sizes.sizes[d]) {
            start[variable] = search.smallest_prime() + INSIDE;
        }
    }
    climb(search, &program, &mut start);
    let x = program.solve(start);
    let size = |depth: usize| match sizes.sizes[depth] {
        Size::Free { variable, .. } => x[variable],
        Size::Fixed(_) => 0.0,
    };
    let mut bits = vec![size(sizes.base()); candidate.base];
    for (d, &drop) in candidate.drops.iter().enumerate().rev() {
        bits.extend(std::iter::repeat_n(if drop > 0 { size(d) } else { 0.0 }, drop));
    }
    let error = (0.5 * program.value(&x)).exp2();
    Settled { bits, scales: x[..nodes].iter().map(|x| x.exp2()).collect(), error }
}

/// Scales for primes that are fixed, from those for primes of about their sizes.
pub fn refine(
    search: &Search<'_>,
    candidate: &Candidate,
    primes: &[u32],
    settled: &Settled,
) -> Vec<f64> {
    let log2 = |primes: &[u32]| primes.iter().map(|&p| f64::from(p).log2()).sum::<f64>();
    let levels = candidate.levels();
    let gone = levels.iter().zip(&candidate.drops).map(|(&l, &d)| log2(&primes[l - d..l]));
    let sizes = gone.chain([log2(&primes[..candidate.base])]).map(Size::Fixed).collect();
    let nodes = search.network.model.nodes.len();
    let program = program(search, &Sizes { candidate, sizes }, nodes);
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

/// The error and the bounds.
fn program(search: &Search<'_>, sizes: &Sizes<'_>, variables: usize) -> Program {
    let model = &search.network.model;
    let depth = search.network.depth;
    let levels = sizes.candidate.levels();
    let share = (search.bound / sizes.candidate.primes() as f64).min(LARGEST_PRIME);
    let (rescale, fresh) = (noise::rescale(search.degree), noise::fresh(search.degree));
    let mut out = Program { variables, ..Program::default() };
    let add = |value: f64, powers: Vec<(usize, f64)>| {
        (value > 0.0).then(|| Monomial { bits: value.log2(), powers })
    };
    for (n, node) in model.nodes.iter().enumerate() {
        let noise = match node.kind {
            Kind::Input => fresh,
            Kind::Square if sizes.candidate.drops[node.depth] > 0 => rescale,
            _ => 0.0,
        };
        out.sum.extend(add(node.sensitivity * noise * noise, vec![(n, -2.0)]));
        if node.kind == Kind::Square && noise > 0.0 {
            // All digits are taken to be of one size, which is right unless some are far smaller.
            let digits = std::iter::repeat_n(share.exp2(), levels[node.depth]);
            let relin = noise::relinearise(search.degree, digits);
            let relin = match sizes.candidate.switch(node.depth).digits {
                // The guard is taken to be of that size, too.
                Digits::Guarded => (relin / share.exp2()).hypot(rescale),
                // Half as many digits with two errors each, a prime larger and divided by one.
                Digits::Plain | Digits::Paired => relin,
            };
            if let Some(mut m) = add(node.sensitivity * relin * relin, vec![(n, -2.0)]) {
                sizes.multiply(&mut m, node.depth, -2.0);
                out.sum.push(m);
            }
        }
    }
    for l in &model.links {
        let depth = model.nodes[l.to].depth;
        let p = f64::from(l.power);
        out.sum.extend(add(l.energy / 12.0 * l.lifted_step().powi(2), Vec::new()));
        let powers = vec![(l.to, -2.0), (l.from, 2.0 * p)];
        if let Some(mut m) = add(l.energy / 12.0, powers) {
            sizes.multiply(&mut m, depth, -2.0);
            out.sum.push(m);
        }
        let load = if l.lifted { 0.0 } else { l.load() };
        if let Some(mut m) = add(load, vec![(l.to, 1.0), (l.from, -p)]) {
            sizes.multiply(&mut m, depth, 1.0);
            out.bounds.push(m);
        }
    }
    for (n, node) in model.nodes.iter().enumerate() {
        // What is left of the modulus holds the value.
        let headroom = if node.kind == Kind::Output { search.headroom } else { HEADROOM };
        let mut m = Monomial { bits: headroom, powers: vec![(n, 1.0)] };
        (node.depth + 1..=depth).for_each(|d| sizes.multiply(&mut m, d, -1.0));
        sizes.multiply(&mut m, sizes.base(), -1.0);
        out.bounds.push(m);
        for sign in [1.0, -1.0] {
            out.bounds.push(Monomial { bits: -LARGEST_SCALE, powers: vec![(n, sign)] });
        }
    }
    let mut total = Monomial { bits: -search.bound, powers: Vec::new() };
    for (d, size) in sizes.sizes.iter().enumerate() {
        if let Size::Free { variable, count: 1.. } = *size {
            let smallest = search.smallest_prime();
            out.bounds.push(Monomial { bits: -LARGEST_PRIME, powers: vec![(variable, 1.0)] });
            out.bounds.push(Monomial { bits: smallest, powers: vec![(variable, -1.0)] });
            sizes.multiply(&mut total, d, 1.0);
        }
    }
    if search.bound.is_finite() && !total.powers.is_empty() {
        out.bounds.push(total);
    }
    out
}
