//! The predicted error of a result as a function of scales: a sum of products of powers.
//!
//! With T the scale of a layer (what is squared is held as u·T), r the product of the primes that
//! go after its sum, and j a source that it reads squared (p = 2) or as it is (p = 1):
//!
//! * weights are w·T·r/Tⱼᵖ, rounded; the result's variance grows by E/12 · (Tⱼᵖ/(T·r))², and for a
//!   term that is lifted, whose weights are cut to what the kernels hold, by that cut's step, too;
//! * the switch adds noise to u·T; the result's variance grows by G · noise²/T².
//!
//! E and G are the measured sensitivities. In log T this is convex, so there is one best choice of
//! scales for given primes. Where nothing bounds weights, each T balances P/T² (its own noise and
//! weights) against Q₂T⁴ + Q₁T² (the weights of its readers), and sweeps over all nodes settle.

use crate::ring::{ROW_NORM_BOUND, WEIGHT_BOUND};

/// The largest integer weight before rounding.
const LARGEST_WEIGHT: f64 = WEIGHT_BOUND as f64 - 2.0;

/// The largest sum of a row before rounding: every weight may grow by a half.
const LARGEST_NORM: f64 = 0.9 * ROW_NORM_BOUND as f64;

/// No scale is further from 1 than this.
const LARGEST: f64 = 1e60;

/// What sets a node's noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The encrypted input.
    Input,
    /// A layer that is squared afterwards.
    Square,
    /// The result.
    Output,
}

/// A scale to choose.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is the scale of.
    pub kind: Kind,
    /// Squarings before it.
    pub depth: usize,
    /// The result's variance for an error of variance 1 in it: G.
    pub sensitivity: f64,
}

/// The weights that lead from one node to another.
#[derive(Clone, Debug)]
pub struct Link {
    /// The node that reads.
    pub to: usize,
    /// The node that is read.
    pub from: usize,
    /// 2 for squares, else 1.
    pub power: i32,
    /// Whether its sums are lifted, so that weights need not fit any ratio.
    pub lifted: bool,
    /// The result's variance for weights wrong by 1: E.
    pub energy: f64,
    /// The largest absolute weight.
    pub largest: f64,
    /// The largest Σ|w| of a row.
    pub norm: f64,
}

/// Nodes and links, in units in which T is the scale.
#[derive(Clone, Debug)]
pub struct ErrorModel {
    /// The input first, the result last.
    pub nodes: Vec<Node>,
    /// In any order.
    pub links: Vec<Link>,
}

/// What a choice of ring and primes means for the error.
#[derive(Clone, Debug)]
pub struct Levels {
    /// The standard deviation of a fresh encryption's noise.
    pub fresh: f64,
    /// By depth: the product of the primes that go after a sum.
    pub ratio: Vec<f64>,
    /// By depth: the standard deviation of the noise of a switch.
    pub noise: Vec<f64>,
    /// The largest scale of the result.
    pub output: f64,
}

/// Scales with the error that they lead to.
#[derive(Clone, Debug)]
pub struct Solution {
    /// By node.
    pub scales: Vec<f64>,
    /// The result's variance: that of the input, then by depth that of weights and of switches.
    pub input: f64,
    /// By depth, the part that rounding weights adds, the result's included.
    pub weights: Vec<f64>,
    /// By depth, the part that switches add.
    pub switches: Vec<f64>,
}

impl Solution {
    /// The standard deviation of the result's error.
    pub fn error(&self) -> f64 {
        (self.input + self.weights.iter().chain(&self.switches).sum::<f64>()).sqrt()
    }
}

/// How far weights, of which the largest and the largest Σ|w| of a row are given, are from what the
/// kernels hold: at most 1.
pub fn load(largest: f64, norm: f64) -> f64 {
    (largest / LARGEST_WEIGHT).max(norm / LARGEST_NORM)
}

impl Link {
    /// How far its weights at scale 1 are from what the kernels hold.
    pub fn load(&self) -> f64 {
        load(self.largest, self.norm)
    }

    /// The step to which a weight is rounded because it is lifted, at the most: factors are integers,
    /// so weights reach half of what the kernels hold.
    pub fn lifted_step(&self) -> f64 {
        if self.lifted { 2.0 * self.load() } else { 0.0 }
    }
}

impl ErrorModel {
    /// The result's variance for a node's noise at scale 1.
    pub fn noise(&self, node: &Node, levels: &Levels) -> f64 {
        let deviation = match node.kind {
            Kind::Input => levels.fresh,
            Kind::Square => levels.noise[node.depth],
            Kind::Output => 0.0,
        };
        node.sensitivity * deviation * deviation
    }

    /// One step towards the best scales where nothing bounds weights.
    pub fn relax(&self, levels: &Levels, scales: &mut [f64]) {
        let mut falls: Vec<f64> = self.nodes.iter().map(|node| self.noise(node, levels)).collect();
        let (mut first, mut second) = (vec![0.0; falls.len()], vec![0.0; falls.len()]);
        for l in &self.links {
            let read = scales[l.from].powi(l.power);
            let ratio = levels.ratio[self.nodes[l.to].depth];
            let energy = l.energy / 12.0 / (ratio * ratio);
            falls[l.to] += energy * read * read;
            let rises = if l.power == 2 { &mut second } else { &mut first };
            rises[l.from] += energy / (scales[l.to] * scales[l.to]);
        }
        for (i, node) in self.nodes.iter().enumerate() {
            let high = if node.kind == Kind::Output { levels.output } else { LARGEST };
            let wanted = balance(falls[i], first[i], second[i]).clamp(1.0 / LARGEST, high);
            // Most of the way, since neighbours move at the same time.
            scales[i] = (scales[i] * wanted.powi(3)).sqrt().sqrt();
        }
    }

    /// Where the error at given scales comes from.
    pub fn solution(&self, levels: &Levels, scales: Vec<f64>) -> Solution {
        let depths = levels.ratio.len();
        let (mut weights, mut switches, mut input) = (vec![0.0; depths], vec![0.0; depths], 0.0);
        for (node, scale) in self.nodes.iter().zip(&scales) {
            let variance = self.noise(node, levels) / (scale * scale);
            match node.kind {
                Kind::Input => input += variance,
                _ => switches[node.depth] += variance,
            }
        }
        for l in &self.links {
            let depth = self.nodes[l.to].depth;
            let step = scales[l.from].powi(l.power) / (scales[l.to] * levels.ratio[depth]);
            weights[depth] += l.energy / 12.0 * (step.powi(2) + l.lifted_step().powi(2));
        }
        Solution { scales, input, weights, switches }
    }
}

/// The x that minimises p/x² + q₁x² + q₂x⁴; infinite where nothing rises.
fn balance(p: f64, q1: f64, q2: f64) -> f64 {
    match (p > 0.0, q1 > 0.0, q2 > 0.0) {
        (false, _, _) => 0.0,
        (true, false, false) => f64::INFINITY,
        (true, false, true) => (p / (2.0 * q2)).powf(1.0 / 6.0),
        (true, true, false) => (p / q1).sqrt().sqrt(),
        (true, true, true) => {
            // y = x²: p = q₁y² + 2q₂y³, which rises; both parts alone bound y from above.
            let (mut low, mut high) = (0.0, (p / q1).sqrt().min((p / (2.0 * q2)).cbrt()));
            for _ in 0..60 {
                let y = 0.5 * (low + high);
                if q1 * y * y + 2.0 * q2 * y * y * y < p { low = y } else { high = y }
            }
            high.sqrt()
        }
    }
}
