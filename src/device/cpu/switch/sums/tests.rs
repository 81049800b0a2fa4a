//! Sums against the definition, on every instruction set, at the ends of all ranges.

use super::super::way::Step;
use super::*;
use crate::math::{Modulus, primes_below};
use crate::ring::{RAISED, pair};

const DIGITS: usize = 13;

/// The other prime of digits of two.
const Q: u32 = 2_147_352_577;

/// The steps of all kinds of ways: nothing goes, a guard, one prime or two, a guard and another.
fn ways() -> [Vec<Step>; 5] {
    let step = |remainder, plus_c| Step { remainder, plus_c };
    [
        vec![],
        vec![step(None, true)],
        vec![step(Some(0), false)],
        vec![step(Some(1), false), step(Some(0), false)],
        vec![step(Some(0), true), step(None, false)],
    ]
}

/// Integers of at most `bound`, both ends among them.
fn integers(n: usize, bound: i32, seed: u32) -> Vec<i32> {
    let integer = |i: u32| match (i + seed) % 5 {
        0 => bound,
        1 => -bound,
        _ => (i + seed).wrapping_mul(2_654_435_761) as i32 % (bound + 1),
    };
    (0..n as u32).map(integer).collect()
}

/// What belongs to one row.
struct Row {
    c: [Vec<u32>; 2],
    x: Vec<Vec<i32>>,
    y: Vec<i32>,
    /// x + q·y.
    pairs: Vec<Vec<u64>>,
    /// x with [`RAISED`] added.
    raised: Vec<Vec<u32>>,
    ready: Vec<u32>,
}

impl Row {
    fn new(n: usize, p: u32, bound: i32, seed: u32) -> Self {
        let residues = |k: u32| (0..n as u32).map(|i| p - 1 - (i + k + seed) % 3 % p).collect();
        let x: Vec<_> = (0..DIGITS as u32 + 4).map(|j| integers(n, bound, seed + j)).collect();
        let y = integers(n, bound, seed + 99);
        let pairs = x.iter().map(|x| {
            let mut pairs = vec![0; n];
            pair(Simd::detect(), &Modulus::new(Q), x, &y, &mut pairs);
            pairs
        });
        let pairs = pairs.collect();
        let raise = |x: &Vec<i32>| x.iter().map(|&x| RAISED.wrapping_add_signed(x)).collect();
        let raised = x.iter().map(raise).collect();
        Self { c: [0, 1].map(residues), x, y, pairs, raised, ready: residues(2) }
    }

    /// Every third digit is a sum; the fifth is there, times a factor.
    fn values<'a>(&'a self, factors: &'a Factors, bound: i32, lazy: bool) -> Values<'a> {
        let integers = |j: usize| {
            match lazy {
                true if j.is_multiple_of(3) => return Integers::Pairs(&self.pairs[j]),
                true => return Integers::Raised(&self.raised[j]),
                false => {}
            }
            let y = j.is_multiple_of(3).then_some((&self.y[..], factors, 1));
            Integers::Sums { of: Summands { x: &self.x[j], y }, bound: bound as u32 }
        };
        let digit = |j: usize| match j {
            5 => Digit::Values(&self.ready, Some((factors, 0))),
            6 => Digit::Values(&self.ready, None),
            _ => Digit::Integers(integers(j)),
        };
        Values {
            c: Own::Values([&self.c[0], &self.c[1]]),
            digits: (0..DIGITS).map(digit).collect(),
            remainders: (0..2).map(|k| [0, 1].map(|c| integers(DIGITS + 2 * k + c))).collect(),
        }
    }
}

/// The values of integers by the portable transform.
fn transformed(table: &NttTable, x: &Integers<'_>) -> Vec<u32> {
    let m = table.modulus();
    let Integers::Sums { of, .. } = x else { panic!("only sums are told apart here") };
    let mut values: Vec<u32> = of.x.iter().map(|&x| m.from_i32(x)).collect();
    if let Some((y, w, k)) = of.y {
        let products = y.iter().map(|&y| m.mul(m.from_i32(y), w.values()[k]));
        values.iter_mut().zip(products).for_each(|(x, y)| *x = m.add(*x, y));
    }
    table.forward_with(Simd::all().next().unwrap(), &mut values);
    values
}

/// Component `c` by the definition; `key` is `[digit][component]`.
fn wanted(
    table: &NttTable,
    key: &[[Vec<u32>; 2]],
    v: &Values<'_>,
    way: &Way,
    c: usize,
) -> Vec<u32> {
    let m = table.modulus();
    let digits = v.digits.iter().map(|d| match d {
        Digit::Integers(x) => transformed(table, x),
        Digit::Values(x, factor) => {
            let factor = factor.map_or(1, |(w, k)| w.values()[k]);
            x.iter().map(|&x| m.mul(x, factor)).collect()
        }
    });
    let digits: Vec<Vec<u32>> = digits.collect();
    let remainders: Vec<_> = v.remainders.iter().map(|r| transformed(table, &r[c])).collect();
    let late = way.steps.iter().any(|s| s.plus_c);
    let value = |i: usize| {
        let own = if let Own::Values(own) = v.c { own[c][i] } else { 0 };
        let start = if late { 0 } else { own };
        let products = digits.iter().zip(key).map(|(d, key)| m.mul(d[i], key[c][i]));
        let mut sum = products.fold(start, |sum, x| m.add(sum, x));
        for (step, &w) in way.steps.iter().zip(way.factors.values()) {
            let rest = step.remainder.map_or(0, |k| remainders[k][i]);
            sum = m.mul(m.sub(sum, rest), w);
            if step.plus_c {
                sum = m.add(sum, own);
            }
        }
        sum
    };
    (0..table.degree()).map(value).collect()
}

/// The same with c where the results go, if it is `held`.
fn with_own<'a>(v: &Values<'a>, held: bool) -> Values<'a> {
    Values {
        c: if held { Own::Held } else { v.c },
        digits: v.digits.clone(),
        remainders: v.remainders.clone(),
    }
}

/// In the order of [`super::super::key`].
fn ordered(m: &Modulus, key: &[[Vec<u32>; 2]], montgomery: bool) -> Vec<u32> {
    let n = key[0][0].len();
    let block = n.min(16);
    let mut out = Vec::new();
    for at in (0..n).step_by(block) {
        for values in key.iter().flatten() {
            let values = values[at..at + block].iter();
            out.extend(values.map(|&x| if montgomery { m.to_montgomery(x) } else { x }));
        }
    }
    out
}

/// More digits than fit one Montgomery sum, residues and integers at the ends of their ranges, primes of
/// all sizes; one row, and two that differ.
#[test]
fn sums_are_exact_at_the_extremes() {
    for (n, bound) in [(8, 100), (8, 1 << 31), (16, 1 << 30), (64, 1 << 31), (512, 1 << 31)]
        .into_iter()
        .chain([(512, 1 << 30), (1024, 1_595_600_000), (1024, 1 << 14), (2048, 1 << 20)])
    {
        let p = primes_below(bound, 4 * n as u32).next().unwrap();
        let m = Modulus::new(p);
        let table = NttTable::new(m, n);
        let most = 1 << 30;
        let rows = [Row::new(n, p, most, 0), Row::new(n, p, most, 7)];
        let factors = Factors::new(&m, [p - 2, Q % p].into_iter());
        let [values, lazy_values] =
            [false, true].map(|lazy| rows.each_ref().map(|row| row.values(&factors, most, lazy)));
        let residues = |k: u32| (0..n as u32).map(|i| p - 1 - (i + k) % 4 % p).collect();
        let key: Vec<[Vec<u32>; 2]> =
            (0..DIGITS as u32).map(|j| [residues(2 * j), residues(2 * j + 1)]).collect();
        for steps in ways() {
            let last = steps.len() as u32;
            let of_steps = Factors::new(&m, (0..last).map(|k| p - 1 - k));
            let way = Way { steps, factors: of_steps, ..Way::default() };
            let want = values.each_ref().map(|v| [0, 1].map(|c| wanted(&table, &key, v, &way, c)));
            for (simd, count) in Simd::all().flat_map(|simd| [(simd, 1), (simd, 2)]) {
                let montgomery = table.lazy(simd).is_none();
                let key = ordered(&m, &key, montgomery);
                let sums = Sums { simd, table: &table, key: &key, key_digits: DIGITS, way: &way };
                let values = if montgomery { &values } else { &lazy_values };
                // c by itself, and where the results go.
                for held in [false, true] {
                    let own = |row: &Row| row.c.clone();
                    let mut got = match held {
                        true => rows[..count].iter().flat_map(own).collect(),
                        false => vec![vec![u32::MAX; n]; 2 * count],
                    };
                    let values: Vec<_> =
                        values[..count].iter().map(|v| with_own(v, held)).collect();
                    let (pairs, _) = got.as_chunks_mut::<2>();
                    let mut out: Vec<[&mut [u32]; 2]> =
                        pairs.iter_mut().map(|[a, b]| [&mut a[..], &mut b[..]]).collect();
                    sums.write(&values, &mut Work::default(), &mut out);
                    assert_eq!(
                        got,
                        want[..count].concat(),
                        "{simd}, {p}, {n}, {count}, {held}, {way:?}"
                    );
                }
            }
        }
    }
}
