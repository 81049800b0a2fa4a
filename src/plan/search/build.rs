//! The error model of a network: first with a scale for every group of rows, then, with the groups'
//! ratios settled, with one for every layer.

use super::model::{ErrorModel, Kind, Levels, Link, Node};
use crate::model::{Affine, NormalForm};
use crate::plan::ranges::Ranges;
use crate::plan::sensitivity::{Sensitivity, groups};

/// Sweeps that settle the scales of groups.
const SWEEPS: usize = 60;

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
                }
            }
            for (term, roundings) in layer.terms.iter().zip(&of.rounding) {
                let power = match (term.squared, depth) {
                    (true, _) => 2,
                    (false, 0) => 1,
                    // Across a squaring, a value is lifted.
                    _ => 0,
                };
                links.extend(roundings.iter().map(|r| Link {
                    to: if last { own } else { own + r.row as usize },
                    from: first[term.source] + r.column as usize,
                    power,
                    energy: r.energy,
                    largest: r.largest.max(1e-300),
                    norm: r.norm.max(1e-300),
                }));
            }
        }
        Self { model: ErrorModel { nodes, links }, first, source, start }
    }

    fn settle(&self, levels: &Levels) -> Vec<f64> {
        self.model.relax(levels, &self.start, SWEEPS)
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
