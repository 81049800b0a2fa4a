//! Which form of the product a matrix takes, and in which sizes.

use super::Kernel;
use super::context::Gpu;
use super::options::{Form, Tuning};
use super::pipelines::Variant;
use super::unroll::Constant;
use crate::ring::{Block, BlockMatrix};

/// Threads of a product's workgroup at most: more of them read inputs less often, fewer are easier to find
/// room for.
const THREADS: usize = 192;

/// Columns of a workgroup in vectors of four, at most and at least: 64 bytes to a kilobyte of a row.
const ACROSS: [usize; 2] = [64, 4];

/// The largest weights of one and of two balanced digits to base 256.
const ONE_DIGIT: u32 = 127;
const TWO_DIGITS: u32 = 127 * 256 + 127;

/// Terms of a row at most where four bytes are summed in 32 bits (`shaders/lib/sum_dot.wgsl`).
const MOST_TERMS: usize = 1 << 15;

/// Time of a multiply-add in each form, in any unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    pub halves: f64,
    /// `None` where there are no 64-bit integers.
    pub wide: Option<f64>,
    /// A digit of the weight.
    pub dot: f64,
}

impl Costs {
    /// Instructions a term, where nothing has been measured. A packed dot product is four terms in one, for
    /// each of a residue's four digits; most adapters have it, and those that have not spend ten on it.
    pub fn counted(gpu: &Gpu) -> Self {
        let wide = (gpu.prelude == super::Prelude::U64).then_some(1.0);
        Self { halves: 2.0, wide, dot: 2.0 }
    }

    /// The time of one multiply-add with weights up to `weight`; `None` where the form cannot have them.
    fn of(&self, form: Form, weight: u32, terms: usize) -> Option<f64> {
        match form {
            Form::Halves => Some(self.halves),
            Form::Wide => self.wide,
            Form::Dot if terms > MOST_TERMS || weight > TWO_DIGITS => None,
            Form::Dot => Some(self.dot * f64::from(digits(weight))),
        }
    }
}

/// Balanced digits of weights up to `weight`.
fn digits(weight: u32) -> u32 {
    if weight <= ONE_DIGIT { 1 } else { 2 }
}

/// How a product with one matrix runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    pub form: Form,
    /// Columns of a workgroup in vectors of four, and threads along its outputs.
    pub across: usize,
    pub down: usize,
    /// Components of a workgroup: three where squares are made, which need one another's inputs.
    pub components: usize,
    /// Outputs of a thread in vectors of four.
    pub vectors: usize,
    /// Input rows of a round.
    pub depth: usize,
    /// Digits of a weight, and terms that are summed together.
    pub digits: usize,
    pub group: usize,
    /// Terms after which a sum of halves is folded at the latest.
    pub bound: u32,
}

impl Sizes {
    /// What suits a matrix, and squares or not.
    pub fn new(
        gpu: &Gpu,
        costs: &Costs,
        tuning: &Tuning,
        matrix: &BlockMatrix,
        squared: bool,
    ) -> Self {
        let weight = matrix.max_weight();
        let terms = matrix.blocks().iter().map(|b| b.columns.len()).max().unwrap_or(0);
        let cost = |form: &Form| costs.of(*form, weight, terms);
        let fastest = Form::ALL
            .into_iter()
            .filter(|form| cost(form).is_some())
            .min_by(|a, b| cost(a).partial_cmp(&cost(b)).unwrap_or(std::cmp::Ordering::Equal));
        let wanted = tuning.form.filter(|form| cost(form).is_some());
        let form = wanted.or(fastest).unwrap_or(Form::Halves);
        let (digits, group) = match form {
            Form::Dot => (digits(weight) as usize, 4),
            _ => (1, 1),
        };
        // A thread's sums stay in registers: eight outputs of four columns are 64 of them, with four or five
        // words a sum four outputs are as many.
        let vectors = tuning.vectors.map_or(if form == Form::Dot { 1 } else { 2 }, |v| v as usize);
        let depth = (tuning.depth.unwrap_or(8).max(4) as usize).next_multiple_of(4);
        let components = if squared { 3 } else { 1 };
        let limit = gpu.limits.max_compute_invocations_per_workgroup as usize;
        let threads = tuning.product_threads.unwrap_or(THREADS).min(limit) / components;
        let (across, down) = shape(matrix.blocks(), threads, 4 * vectors);
        // |w|·terms stays within 32,767 between two folds (`shaders/lib/sum_halves.wgsl`).
        let bound = 32_767 / weight.max(1);
        Self { form, across, down, components, vectors, depth, digits, group, bound }
    }

    /// Outputs of a workgroup.
    pub fn outputs(&self) -> usize {
        4 * self.vectors * self.down
    }

    /// A product with squares and weights of two digits.
    pub fn typical(form: Form) -> Self {
        let (digits, group) = if form == Form::Dot { (2, 4) } else { (1, 1) };
        let (across, down, components, vectors, depth, bound) = (16, 2, 3, 2, 8, 8);
        Self { form, across, down, components, vectors, depth, digits, group, bound }
    }

    /// The kernel in these sizes.
    pub fn variant(&self) -> Variant {
        Variant::with_form(Kernel::Matmul, self.form, &self.constants())
    }

    /// The sizes as the kernel's text knows them.
    pub fn constants(&self) -> Vec<Constant> {
        let groups = self.depth / self.group;
        let bounded = self.form == Form::Halves;
        let run =
            if bounded { prior_power_of_two(self.bound as usize).min(groups) } else { groups };
        let run = if groups.is_multiple_of(run) { run } else { 1 };
        let constants = [
            ("WX", self.across as u32),
            ("WY", self.down as u32),
            ("Z", self.components as u32),
            ("VECTORS", self.vectors as u32),
            ("DEPTH", self.depth as u32),
            ("DIGITS", self.digits as u32),
            ("GROUP", self.group as u32),
            ("RUN", run as u32),
            ("BOUNDED", u32::from(bounded)),
        ];
        constants.to_vec()
    }
}

fn prior_power_of_two(x: usize) -> usize {
    1 << x.max(1).ilog2()
}

/// The workgroup of up to `threads` threads that does least: padded outputs, and the inputs that are read for
/// them, which cost about as much as eight outputs.
fn shape(blocks: &[Block], threads: usize, outputs: usize) -> (usize, usize) {
    const READING: u64 = 8;
    let [most, least] = ACROSS;
    let cost = |down: &usize| -> u64 {
        let tile = down * outputs;
        let of = |b: &Block| (b.rows.len().div_ceil(tile) * b.columns.len()) as u64;
        blocks.iter().map(of).sum::<u64>() * (tile as u64 + READING)
    };
    let down = (1..=(threads / least).clamp(1, 8)).min_by_key(cost).unwrap_or(1);
    (prior_power_of_two(threads / down).clamp(least, most), down)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dense(inputs: u32, outputs: i32) -> BlockMatrix {
        let row = |r| (0..inputs).map(|c| (c, r * 100 + c as i32 + 1)).collect();
        BlockMatrix::from_rows(inputs as usize, &(0..outputs).map(row).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn workgroups_suit_their_blocks() {
        let of = |outputs, threads| shape(dense(3, outputs).blocks(), threads, 8);
        assert_eq!([5, 8].map(|o| of(o, 192)), [(64, 1); 2]);
        assert_eq!([16, 32, 100].map(|o| of(o, 192)), [(64, 2), (32, 4), (16, 7)]);
        assert_eq!([16, 32, 64].map(|o| of(o, 64)), [(32, 2), (16, 4), (8, 8)]);
    }

    #[test]
    fn forms_have_their_bounds() {
        let costs = Costs { halves: 2.0, wide: None, dot: 0.5 };
        assert_eq!(costs.of(Form::Dot, 127, 9), Some(0.5));
        assert_eq!(costs.of(Form::Dot, 128, 9), Some(1.0));
        assert_eq!(costs.of(Form::Dot, 32_640, 9), None);
        assert_eq!(costs.of(Form::Dot, 1, MOST_TERMS + 1), None);
        assert_eq!(costs.of(Form::Wide, 1, 1), None);
    }
}
