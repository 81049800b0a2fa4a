//! What is computed one after another: the steps of a program, wide sums in parts.
//!
//! A dense layer reads all that is before it, which would have to live at one time. In parts it is
//! added up as its inputs come, and they can go.

use super::order::{fractions, keys};
use crate::plan::{Program, Step};
use crate::ring::BlockMatrix;
use crate::scheme::Switch;
use std::borrow::Cow;

/// More parts would save little.
const MOST_PARTS: u64 = 64;

/// Parts save memory where a sum is this much smaller than what it reads.
const SMALLER: u64 = 4;

/// A term is wide whose rows all read from so far apart, in 2³² parts of its source.
const WIDE: u64 = 1 << 31;

/// A step, or a part of one.
#[derive(Clone, Debug)]
pub struct Stage<'a> {
    /// The program's step.
    pub step: usize,
    /// Steps before it that are done with it, in order.
    pub inlined: Vec<usize>,
    /// Whether other parts of the step follow.
    pub is_part: bool,
    /// What is summed.
    pub terms: Vec<Summand<'a>>,
    /// The value that it is added to, in place: the part before.
    pub onto: Option<usize>,
    /// Integers added to each row; none for parts.
    pub bias: Option<&'a [i128]>,
    /// Rows of the result.
    pub rows: usize,
    /// Primes of the sum.
    pub level: usize,
    /// Whether these are the results' own.
    pub of_results: bool,
    /// Primes of the result.
    pub primes: usize,
    /// How the sum comes down.
    pub switch: Option<Switch>,
    /// Components of the result.
    pub components: usize,
}

/// A term of a stage.
#[derive(Clone, Debug)]
pub struct Summand<'a> {
    /// The value that is read: 0 is the input, k the result of stage k − 1.
    pub source: usize,
    /// Whether it is squared first.
    pub squared: bool,
    /// Integer weights.
    pub matrix: Cow<'a, BlockMatrix>,
    /// What the source goes through before it is squared.
    pub inner: Option<Inner<'a>>,
}

/// A step that is no stage ([`super::inline`]).
#[derive(Clone, Debug)]
pub struct Inner<'a> {
    /// Which.
    pub step: usize,
    /// Integer weights.
    pub matrix: &'a BlockMatrix,
    /// Integers added to each row.
    pub bias: &'a [i128],
    /// For each block of the summand's matrix, the rows of the source that it depends on, ascending.
    pub reach: Vec<Vec<u32>>,
}

impl Inner<'_> {
    /// Its rows by what they read, those that read the same side by side.
    pub fn sort(&self, rows: &mut [u32]) {
        let mut ends = vec![(0, 0); self.matrix.outputs()];
        for block in self.matrix.blocks() {
            let columns = self.matrix.columns()[block.columns.clone()].iter();
            let (last, first) = (columns.clone().max(), columns.min());
            for &row in &self.matrix.rows()[block.rows.clone()] {
                ends[row as usize] = (last.copied().unwrap_or(0), first.copied().unwrap_or(0));
            }
        }
        rows.sort_unstable_by_key(|&row| (ends[row as usize], row));
    }
}

impl Summand<'_> {
    /// The rows of the source that a block of the matrix depends on.
    pub fn reads(&self, block: usize) -> &[u32] {
        match &self.inner {
            Some(inner) => &inner.reach[block],
            None => &self.matrix.columns()[self.matrix.blocks()[block].columns.clone()],
        }
    }

    /// What some rows of the matrix read, ascending: rows of the source, or of what it goes through.
    pub fn sources(&self, rows: &[u32]) -> Vec<u32> {
        self.matrix.part(rows, self.matrix.inputs(), |c| c).narrowed().0
    }
}

impl<'a> Stage<'a> {
    fn new(index: usize, step: &'a Step) -> Self {
        let summand = |t: &'a crate::plan::Term| Summand {
            source: t.source,
            squared: t.squared,
            matrix: Cow::Borrowed(&t.matrix),
            inner: None,
        };
        Self {
            step: index,
            inlined: vec![],
            is_part: false,
            terms: step.terms.iter().map(summand).collect(),
            onto: None,
            bias: Some(&step.bias),
            rows: step.value.rows,
            level: step.level(),
            of_results: step.is_of_results(),
            primes: step.value.level,
            switch: step.switch,
            components: step.value.components,
        }
    }

    /// Its terms that are made of sums, and these.
    pub fn inners(&self) -> impl Iterator<Item = (&Summand<'a>, &Inner<'a>)> {
        self.terms.iter().filter_map(|t| Some((t, t.inner.as_ref()?)))
    }

    /// Bytes of one row of the sum over a ring of degree `degree`, as wide as it can be, with the
    /// primes behind it that its switch takes.
    pub fn bytes_of_sum(&self, degree: usize) -> u64 {
        let behind = self.switch.map_or(0, |s| s.digits.behind());
        4 * (3 * (self.level + behind) * degree) as u64
    }
}

/// A stage a step.
pub fn whole(program: &Program) -> Vec<Stage<'_>> {
    program.steps.iter().enumerate().map(|(index, step)| Stage::new(index, step)).collect()
}

/// Wide sums in parts, each of which reads about `grain` bytes.
pub fn in_parts<'a>(
    program: &Program,
    steps: Vec<Stage<'a>>,
    degree: usize,
    grain: u64,
) -> Vec<Stage<'a>> {
    let keys = keys(program.input.rows, &steps);
    let mut places = keys.iter().map(|keys| fractions(keys));
    let mut stages: Vec<Stage<'_>> = Vec::new();
    // The value of each of the program's, and the places of each value's rows; nobody else reads
    // parts.
    let mut values = vec![0];
    let mut at: Vec<Vec<u64>> = places.by_ref().take(1).collect();
    for (mut stage, places) in steps.into_iter().zip(places) {
        stage.terms.iter_mut().for_each(|t| t.source = values[t.source]);
        let own = stage.rows as u64 * stage.bytes_of_sum(degree);
        let wide = stage.terms.iter().filter(|t| is_wide(t, &at[t.source]));
        let read: usize = wide.map(|t| 2 * t.matrix.narrowed().0.len()).sum();
        let read = 4 * (read * stage.level * degree) as u64;
        let parts = if read < SMALLER * own { 1 } else { (read / grain.max(own)).min(MOST_PARTS) };
        let cut = chain(stage, parts, &stages, &at);
        stages.extend(cut);
        at.resize(stages.len(), vec![]);
        at.push(places);
        values.push(stages.len());
    }
    stages
}

/// Whether all rows of a term read from far apart.
fn is_wide(t: &Summand<'_>, places: &[u64]) -> bool {
    t.inner.is_none()
        && (0..t.matrix.blocks().len()).all(|block| {
            let at = t.reads(block).iter().map(|&c| places[c as usize]);
            at.clone().max().zip(at.min()).is_some_and(|(last, first)| last - first >= WIDE)
        })
}

/// A stage, its wide terms in parts: each is added to those before it, and the last one, which has
/// the other terms, too, brings the sum down.
fn chain<'a>(
    stage: Stage<'a>,
    parts: u64,
    before: &[Stage<'_>],
    at: &[Vec<u64>],
) -> Vec<Stage<'a>> {
    let (wide, others): (Vec<_>, Vec<_>) =
        stage.terms.iter().cloned().partition(|t| is_wide(t, &at[t.source]));
    let part = |number: u64| -> Vec<Summand<'a>> {
        // Places are above 0.
        let keep =
            |t: &Summand<'_>, c: u32| ((at[t.source][c as usize] - 1) * parts) >> 32 == number;
        let own = wide.iter().map(|t| Summand {
            matrix: Cow::Owned(t.matrix.with_columns(|c| keep(t, c))),
            ..t.clone()
        });
        own.collect()
    };
    let mut parts: Vec<_> = (0..parts).map(part).collect();
    // All parts have as many components where each has something of every term.
    let whole = parts.iter().flatten().all(|t| !t.matrix.columns().is_empty());
    let last = parts.pop().filter(|_| whole && !parts.is_empty());
    let Some(mut terms) = last else { return vec![stage] };
    let held = |source: usize| source.checked_sub(1).map_or(2, |k| before[k].components);
    let of_term = |t: &Summand<'_>| if t.squared { 3 } else { held(t.source) };
    let components = wide.iter().map(of_term).max().unwrap_or(2);
    let first = before.len() + 1;
    let mut out: Vec<Stage<'a>> = Vec::new();
    for terms in parts {
        let onto = out.len().checked_sub(1).map(|before| first + before);
        out.push(Stage {
            inlined: vec![],
            is_part: true,
            terms,
            onto,
            bias: None,
            switch: None,
            primes: stage.level,
            components,
            ..stage.clone()
        });
    }
    terms.extend(others);
    terms.push(Summand {
        source: first + out.len() - 1,
        squared: false,
        matrix: Cow::Owned(BlockMatrix::identity(stage.rows)),
        inner: None,
    });
    out.push(Stage { terms, ..stage });
    out
}
