//! The error model of a network: first with a scale for every group of rows, then, with the groups'
//! ratios settled, with one for every layer.

use super::model::{ErrorModel, Kind, Levels, Link, Node};
use crate::model::{Affine, NormalForm};
use crate::plan::ranges::Ranges;
use crate::plan::sensitivity::{Sensitivity, groups};

/// Sweeps that settle the scales of groups.
const SWEEPS: usize = 60;

/// In [`Fine::share`] a group's mean square counts as at least this share of its layer's.
const NARROWEST: f64 = 1e-6;

/// A network's errors, layer by layer.
#[derive(Clone, Debug)]
pub struct Network {
    /// The input, the layers, the result.
    pub model: ErrorModel,
    /// What each row of each layer is multiplied by beside its layer's scale: entries times factors
    /// have root mean square 1.
    pub factors: Vec<Vec<f64>>,
    /// Squarings before the result.
    pub depth: usize,
}

impl Network {
    /// Whether the result may have primes of its own: all that it reads comes from the last switch.
    pub fn may_land(&self) -> bool {
        let nodes = &self.model.nodes;
        let mut read =
            self.model.links.iter().filter(|l| nodes[l.to].kind == Kind::Output).peekable();
        self.depth > 1
            && read.peek().is_some()
            && read.all(|l| nodes[l.from].depth + 1 == self.depth)
    }

    /// Settles the groups' ratios at `levels`, which are typical ones.
    pub fn new(
        form: &NormalForm,
        ranges: &Ranges,
        sensitivity: &Sensitivity,
        levels: &Levels,
    ) -> Self {
        let depths = form.depths();
        let fine = Fine::new(form, ranges, sensitivity, &depths);
        let scales = fine.settle(levels);
        let mut factors = Vec::with_capacity(form.squares.len());
        for (k, layer) in form.squares.iter().enumerate() {
            let own = &scales[fine.first[k + 1]..];
            let rows: Vec<f64> = layer.groups.iter().map(|&g| own[g as usize]).collect();
            let squares = &ranges.mean_squares[k + 1];
            let sum: f64 = rows.iter().zip(squares).map(|(t, u)| t * t * u).sum();
            let scale = (sum / rows.len().max(1) as f64).sqrt();
            // A layer that is always zero has no scale to speak of.
            let scale = if scale > 0.0 { scale } else { 1.0 };
            factors.push(rows.into_iter().map(|t| (t / scale).max(1e-9)).collect());
        }
        let model = fine.merged(form, &factors);
        Self { model, factors, depth: form.depth() }
    }
}

/// A node a group.
struct Fine {
    model: ErrorModel,
    /// The first node of each source, and of the result.
    first: Vec<usize>,
    /// The source of each node; that after the last one for the result.
    source: Vec<usize>,
    start: Vec<f64>,
    /// The mean square of each node's entries.
    squares: Vec<f64>,
}

impl Fine {
    fn new(
        form: &NormalForm,
        ranges: &Ranges,
        sensitivity: &Sensitivity,
        depths: &[usize],
    ) -> Self {
        let input = Node { kind: Kind::Input, depth: 0, sensitivity: sensitivity.input };
        let (mut nodes, mut links) = (vec![input], Vec::new());
        let (mut first, mut source) = (vec![0], vec![0]);
        let mut start = vec![16f64.exp2()];
        let mut squares = vec![1.0];
        let layers: Vec<&Affine> = form.squares.iter().chain([&form.output]).collect();
        for (k, (layer, of)) in layers.iter().zip(&sensitivity.layers).enumerate() {
            let last = k == form.squares.len();
            let own = nodes.len();
            first.push(own);
            let depth = if last { form.depth() } else { depths[k + 1] };
            if last {
                // The result has one scale for all rows.
                nodes.push(Node { kind: Kind::Output, depth, sensitivity: 0.0 });
                source.push(k + 1);
                start.push(22f64.exp2());
                squares.push(1.0);
            } else {
                let mut sizes = vec![(0.0, 0.0); groups(layer)];
                for (r, &g) in layer.groups.iter().enumerate() {
                    sizes[g as usize].0 += ranges.mean_squares[k + 1][r];
                    sizes[g as usize].1 += 1.0;
                }
                for (&sensitivity, (square, rows)) in of.groups.iter().zip(sizes) {
                    nodes.push(Node { kind: Kind::Square, depth, sensitivity });
                    source.push(k + 1);
                    let rms = if square > 0.0 { (square / rows).sqrt() } else { 1.0 };
                    start.push(22f64.exp2() / rms);
                    squares.push(square / rows.max(1.0));
                }
            }
            for (term, roundings) in layer.terms.iter().zip(&of.rounding) {
                let power = if term.squared { 2 } else { 1 };
                // Across a squaring, a value is lifted.
                let lifted = !term.squared && depth > 0;
                links.extend(roundings.iter().map(|r| Link {
                    to: if last { own } else { own + r.row as usize },
                    from: first[term.source] + r.column as usize,
                    power,
                    lifted,
                    energy: r.energy,
                    largest: r.largest.max(1e-300),
                    norm: r.norm.max(1e-300),
                }));
            }
        }
        Self { model: ErrorModel { nodes, links }, first, source, start, squares }
    }

    fn settle(&self, levels: &Levels) -> Vec<f64> {
        let mut scales = self.start.clone();
        let mut held = vec![false; scales.len()];
        for l in self.model.links.iter().filter(|l| l.power == 2 && l.energy > 0.0) {
            held[l.from] = true;
        }
        for _ in 0..SWEEPS {
            self.model.relax(levels, &mut scales);
            self.share(levels, &held, &mut scales);
        }
        scales
    }

    /// Holds back groups that no squaring does: a channel that is only read as it is, at whatever
    /// scale. They get room and noise in the proportion in which their layer's other groups do:
    /// Σ noise/T² is least for a given Σ square·T² where noise/(square·T⁴) is the same for all.
    fn share(&self, levels: &Levels, held: &[bool], scales: &mut [f64]) {
        for own in self.first.windows(2).skip(1).map(|w| w[0]..w[1]) {
            let layer = own.clone().map(|n| self.squares[n]).sum::<f64>() / own.len() as f64;
            let square = |n: usize| self.squares[n].max(NARROWEST * layer);
            let noise = |n: usize| self.model.noise(&self.model.nodes[n], levels);
            let counts = |n: usize| held[n] && noise(n) > 0.0;
            let others = || own.clone().filter(|&n| counts(n));
            let noises: f64 = others().map(noise).sum();
            let rooms: f64 = others().map(|n| square(n) * scales[n].powi(4)).sum();
            if !(noises > 0.0 && rooms > 0.0) {
                continue;
            }
            let room: f64 = others().map(|n| square(n) * scales[n].powi(2)).sum();
            let usual = (room / others().map(square).sum::<f64>()).sqrt();
            for n in own.clone().filter(|&n| !counts(n)) {
                let fair = (noise(n) / square(n) * rooms / noises).sqrt().sqrt();
                // What does not matter at all is as the others are.
                scales[n] = if noise(n) > 0.0 { fair.min(scales[n]) } else { usual };
            }
        }
    }

    /// One node a layer; links of one layer's groups to another's become one.
    fn merged(&self, form: &NormalForm, factors: &[Vec<f64>]) -> ErrorModel {
        let mut ratio = vec![1.0; self.model.nodes.len()];
        for (k, layer) in form.squares.iter().enumerate() {
            for (&g, f) in layer.groups.iter().zip(&factors[k]) {
                ratio[self.first[k + 1] + g as usize] = *f;
            }
        }
        let mut nodes: Vec<Node> =
            self.first.iter().map(|&n| Node { sensitivity: 0.0, ..self.model.nodes[n] }).collect();
        for (n, node) in self.model.nodes.iter().enumerate() {
            nodes[self.source[n]].sensitivity += node.sensitivity / (ratio[n] * ratio[n]);
        }
        let mut links: Vec<Link> = Vec::new();
        let mut norms: Vec<(usize, usize, f64)> = Vec::new();
        for l in &self.model.links {
            let (to, from) = (self.source[l.to], self.source[l.from]);
            let unit = ratio[l.to] / ratio[l.from].powi(l.power);
            let find = |m: &Link| (m.to, m.from, m.power) == (to, from, l.power);
            let at = links.iter().position(find).unwrap_or_else(|| {
                links.push(Link { to, from, energy: 0.0, largest: 0.0, norm: 0.0, ..*l });
                links.len() - 1
            });
            let link = &mut links[at];
            link.energy += l.energy / (unit * unit);
            link.largest = link.largest.max(l.largest * unit);
            // A row's sum runs over groups of columns, whose links follow one another.
            match norms.last_mut() {
                Some(n) if (n.0, n.1) == (at, l.to) => n.2 += l.norm * unit,
                _ => norms.push((at, l.to, l.norm * unit)),
            }
        }
        for (at, _, norm) in norms {
            links[at].norm = links[at].norm.max(norm);
        }
        ErrorModel { nodes, links }
    }
}
