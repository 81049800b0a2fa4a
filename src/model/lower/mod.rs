//! From the graph to the normal form: linear layers composed, activations as squares.

mod recipe;
mod rows;
mod value;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::graph::{Network, Node};
use super::normal::{Affine, NormalForm};
use super::ops::Op;
use super::{ModelError, Result, SparseMatrix, limits};
use recipe::{Combination, MAX_DEGREE, Recipe};
use value::Value;

impl NormalForm {
    /// The normal form of a network, which is [simplified](Network::simplified) first.
    ///
    /// Every run of linear layers becomes one map, because under encryption depth is what costs.
    /// An activation of degree 2 costs one square an entry, with its factor and shift in the map
    /// before and its sign and constant in the map after; degrees 3 to 6 and products of two
    /// values cost more.
    ///
    /// The inputs of activations are taken to be about as large as 1, as after a batch
    /// normalization: how a polynomial is best written as squares depends on where it is used.
    ///
    /// # Errors
    /// [`ModelError::Relu`] for a ReLU that is no polynomial yet,
    /// [`ModelError::Degree`] for a polynomial of a degree above 6, [`ModelError::TooLarge`] where
    /// composed layers exceed 2^27 weights, [`ModelError::NonFinite`] where they overflow, and
    /// [`ModelError::Pass`].
    pub fn new(network: &Network) -> Result<NormalForm> {
        let network = network.simplified()?;
        let mut lowering =
            Lowering { network: &network, squares: Vec::new(), names: HashSet::new() };
        let mut values = vec![Rc::new(Value::input(network.input_shape().iter().product()))];
        for (index, node) in network.nodes().iter().enumerate().skip(1) {
            let inputs: Vec<_> = node.inputs().iter().map(|id| values[id.0].clone()).collect();
            values.push(Rc::new(lowering.node(index, node, &inputs)?));
        }
        let output = values.swap_remove(network.output().0);
        let name = lowering.unique(lowering.layer(&output, network.output().0));
        let form = NormalForm {
            input_shape: network.input_shape().to_vec(),
            output_shape: network.output_shape().to_vec(),
            squares: lowering.squares,
            output: Rc::unwrap_or_clone(output).into_affine(name, network.output_shape().to_vec()),
        };
        form.check()?;
        Ok(form)
    }
}

struct Lowering<'a> {
    network: &'a Network,
    squares: Vec<Affine>,
    names: HashSet<String>,
}

impl Lowering<'_> {
    fn node(&mut self, index: usize, node: &Node, inputs: &[Rc<Value>]) -> Result<Value> {
        let x = &inputs[0];
        let input = self.network.nodes()[node.inputs[0].0].shape();
        let limited = |size| limits::check(node.name(), "its matrix", size, limits::MATRIX_ENTRIES);
        match node.op() {
            Op::Conv2d(conv) => {
                limited(rows::conv2d_entries(conv, input, node.shape()))?;
                let (map, bias) = rows::conv2d(conv, input, node.shape());
                Ok(x.mapped(node.name(), &map, Some(&bias))?.named_by(index))
            }
            Op::Dense(layer) => {
                let map = rows::dense(layer);
                Ok(x.mapped(node.name(), &map, Some(&layer.bias))?.named_by(index))
            }
            Op::AveragePool(pool) => {
                limited(rows::average_pool_entries(pool, node.shape()))?;
                x.mapped(node.name(), &rows::average_pool(pool, input, node.shape()), None)
            }
            Op::Scale(layer) => {
                let per_channel = x.bias.len() / layer.scale.len().max(1);
                Ok(x.scaled(&layer.factors(per_channel), &layer.shifts(per_channel)))
            }
            Op::Polynomial(of) => {
                let coefficients = of.expanded(node.shape()).unwrap_or_default();
                self.polynomial(index, node, x, &coefficients)
            }
            Op::Relu => Err(ModelError::Relu { node: node.name().into() }),
            Op::Add => x.plus(node.name(), &inputs[1]),
            Op::Multiply => self.product(index, node, x, &inputs[1]),
            Op::Input | Op::Reshape(_) => Ok(Value::clone(x)),
        }
    }

    /// A polynomial of every entry; `coefficients[k]` holds those of the k-th power.
    fn polynomial(
        &mut self,
        index: usize,
        node: &Node,
        x: &Value,
        coefficients: &[Vec<f64>],
    ) -> Result<Value> {
        let degree = coefficients.iter().rposition(|c| c.iter().any(|&c| c != 0.0)).unwrap_or(0);
        let of = |power: usize, entry: usize| coefficients.get(power).map_or(0.0, |c| c[entry]);
        let size = x.bias.len();
        if degree < 2 {
            let factors: Vec<f64> = (0..size).map(|entry| of(1, entry)).collect();
            let shifts: Vec<f64> = (0..size).map(|entry| of(0, entry)).collect();
            return Ok(x.scaled(&factors, &shifts));
        }
        let recipe = |entry| {
            let c: Vec<f64> = (0..=degree).map(|power| of(power, entry)).collect();
            Recipe::new(&c).ok_or_else(|| ModelError::Degree {
                node: node.name().into(),
                degree,
                limit: MAX_DEGREE,
            })
        };
        let recipes = (0..size).map(recipe).collect::<Result<Vec<_>>>()?;
        let layer = self.layer(x, index);
        let channels = Channels::of(node.shape());
        let mut levels = vec![self.square(layer.clone(), first_squares(x, &recipes, node))];
        for (level, suffix) in [(0, "second squares"), (1, "third squares")] {
            let inner = recipes.iter().map(|recipe| recipe.later[level].as_slice());
            let rows = combine(&levels, inner, x.origin);
            if rows.bias.is_empty() {
                break;
            }
            let lengths = || recipes.iter().map(|recipe| recipe.later[level].len());
            let rows = Rows {
                rows,
                shape: tensor(node.shape(), lengths()),
                groups: channels.groups(lengths()),
                starts: starts(lengths()),
            };
            levels.push(self.square(format!("{layer} ({suffix})"), rows));
        }
        let results = recipes.iter().map(|recipe| std::slice::from_ref(&recipe.result));
        Ok(combine(&levels, results, x.origin))
    }

    /// `x y = ((x + y) / 2)² − ((x − y) / 2)²`, entry by entry.
    fn product(&mut self, index: usize, node: &Node, x: &Value, y: &Value) -> Result<Value> {
        let size = x.bias.len();
        let halves = |factor: f64| y.scaled(&vec![factor; size], &vec![0.0; size]);
        let x = x.scaled(&vec![0.5; size], &vec![0.0; size]);
        let mut both = x.plus(node.name(), &halves(0.5))?;
        both.append(&x.plus(node.name(), &halves(-0.5))?);
        let origin = both.origin;
        let layer = self.layer(&both, index);
        let once = Channels::of(node.shape()).groups(std::iter::repeat_n(1, size));
        let more = once.iter().map(|group| group + size as u32);
        let groups = once.iter().copied().chain(more).collect();
        // Sums, then differences.
        let shape = [2].iter().chain(node.shape()).copied().collect();
        let level = self.square(layer, Rows { rows: both, shape, groups, starts: Vec::new() });
        let mut map = SparseMatrix::empty(2 * size);
        for entry in 0..size {
            map.push_row([(entry as u32, 1.0), ((size + entry) as u32, -1.0)]);
        }
        Ok(Value::of_source((level.source, true), map, vec![0.0; size], origin))
    }

    /// Adds a layer of squares.
    fn square(&mut self, name: String, rows: Rows) -> Level {
        let (name, len) = (self.unique(name), rows.rows.bias.len());
        self.squares
            .push(Affine { groups: rows.groups, ..rows.rows.into_affine(name, rows.shape) });
        Level { source: self.squares.len(), len, starts: rows.starts }
    }

    /// The last layer that a value went through, or else the node that it is now at.
    fn layer(&self, value: &Value, index: usize) -> String {
        let origin = if value.origin == 0 { index } else { value.origin };
        self.network.nodes()[origin].layer().to_owned()
    }

    /// The name, with a number where it is taken.
    fn unique(&mut self, name: String) -> String {
        let numbered = (2..).map(|number| format!("{name} #{number}"));
        let mut names = std::iter::once(name.clone()).chain(numbered);
        names.find(|name| self.names.insert(name.clone())).unwrap_or(name)
    }
}

/// The squares of one level of an activation.
struct Level {
    source: usize,
    len: usize,
    /// Where each entry's squares begin.
    starts: Vec<usize>,
}

/// What is to be squared.
struct Rows {
    rows: Value,
    /// As in [`Affine::shape`].
    shape: Vec<usize>,
    /// As in [`Affine::groups`].
    groups: Vec<u32>,
    /// Where each entry's rows begin.
    starts: Vec<usize>,
}

/// Which channel each entry of a value belongs to: a channel has one polynomial.
#[derive(Clone, Copy)]
struct Channels {
    /// Entries of one channel.
    size: usize,
}

impl Channels {
    fn of(shape: &[usize]) -> Self {
        Self { size: shape.iter().skip(1).product::<usize>().max(1) }
    }

    /// A group for each place among the rows of a channel's entries.
    fn groups(self, lengths: impl Iterator<Item = usize>) -> Vec<u32> {
        let mut numbers = HashMap::new();
        let places =
            lengths.enumerate().flat_map(|(e, len)| (0..len).map(move |at| (e / self.size, at)));
        places
            .map(|place| {
                let next = numbers.len() as u32;
                *numbers.entry(place).or_insert(next)
            })
            .collect()
    }
}

fn starts(lengths: impl Iterator<Item = usize>) -> Vec<usize> {
    lengths.scan(0, |sum, len| Some(std::mem::replace(sum, *sum + len))).collect()
}

/// The tensor of rows of which each entry of a value has so many.
fn tensor(shape: &[usize], mut lengths: impl Iterator<Item = usize> + Clone) -> Vec<usize> {
    let rows = lengths.clone().sum();
    if lengths.all(|length| length == 1) { shape.to_vec() } else { vec![rows] }
}

/// The rows `f · t + o` of all entries.
fn first_squares(x: &Value, recipes: &[Recipe], node: &Node) -> Rows {
    let channels = Channels::of(node.shape());
    let rows = recipes.iter().enumerate();
    let rows = rows.flat_map(|(entry, recipe)| recipe.first.map(|(f, o)| (entry, f, o)));
    let lengths = || recipes.iter().map(|recipe| usize::from(recipe.first.is_some()));
    Rows {
        rows: x.selected(rows),
        shape: tensor(node.shape(), lengths()),
        groups: channels.groups(lengths()),
        starts: starts(lengths()),
    }
}

/// The values of a list of combinations per entry, entry after entry.
fn combine<'a>(
    levels: &[Level],
    combinations: impl Iterator<Item = &'a [Combination]> + Clone,
    origin: usize,
) -> Value {
    let all = combinations.clone().enumerate();
    let all = all.flat_map(|(entry, list)| list.iter().map(move |item| (entry, item)));
    let mut value = Value::constant(all.clone().map(|(_, item)| item.constant).collect(), origin);
    for (number, level) in levels.iter().enumerate() {
        for squared in [false, true] {
            let mut map = SparseMatrix::empty(level.len);
            for (entry, item) in all.clone() {
                let parts = item.parts.iter();
                let parts = parts.filter(|p| (p.level, p.squared) == (number, squared));
                let mut row: Vec<(u32, f64)> =
                    parts.map(|p| ((level.starts[entry] + p.index) as u32, p.factor)).collect();
                row.sort_unstable_by_key(|entry| entry.0);
                map.push_row(row);
            }
            value.insert((level.source, squared), map);
        }
    }
    value
}
