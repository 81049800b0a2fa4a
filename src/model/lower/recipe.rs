//! One entry's activation as squares: what is squared, and how the squares combine.
//!
//! Under encryption there are squarings and linear maps, and nothing else; but a value may be read
//! both as it is and squared. With `t` the activation's input and `u = t + h`:
//!
//! * **Degree 2**, `a t² + b t + c`: one square, by completing it, `a (t + b/2a)² + (c − b²/4a)`.
//!   Where `|b/2a|` is large the completed square would be a small wave on a huge common offset,
//!   and an offset costs precision: then `a t²` beside `b t`.
//! * **Degree 4**: `h = c₃/4c₄` takes the cube away, and what is left in even powers is completed,
//!   `c₄ (u² + d₂/2c₄)² + d₁ u + d₀`: two squares, one after the other. Completing also keeps the
//!   inner value small: where the polynomial stands for ReLU, `u²` and its square would cancel.
//! * **Degree 6**: `h = c₅/6c₆` takes the fifth power away; with `w = u³ + q u`, `q = d₄/2c₆`,
//!   `c₆ (w + d₃/2c₆)² + e₂ u² + e₁ u + e₀`: a square for `u²`, two for the product `w = u (u² + q)`
//!   and one on top of them.
//! * **Degrees 3 and 5**, and 4 and 6 where `h` or a constant would be large: the same with
//!   products in place of completed squares, `c₃ t³ = t² · c₃ t` and the like.
//!
//! Products are differences of squares, `x y = ((s x + y/s)² − (s x − y/s)²) / 4`, with the `s` that
//! makes both sides equally large where `t` has mean 0 and variance 1: then the squares are no
//! larger than what they are for.
//!
//! Squares carry the root of their factor inside and its sign outside, so that their size is
//! their contribution to the result.

use std::ops::{Add, Mul};

/// The highest degree there is a recipe for.
pub(in crate::model) const MAX_DEGREE: usize = 6;

/// The largest shift of the activation's input, in its units.
const MAX_SHIFT: f64 = 8.0;

/// The largest constant beside `u²`; the fits of ReLU have −9 at degree 4 and −12.5 at degree 6.
const MAX_CONSTANT: f64 = 64.0;

/// One summand: a square, or what is squared there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Part {
    /// 0, 1 or 2.
    pub level: usize,
    /// The number in its level.
    pub index: usize,
    /// Whether it is read squared.
    pub squared: bool,
    /// What it is multiplied by.
    pub factor: f64,
}

/// A linear combination of an entry's squares and of what is squared, and a constant.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Combination {
    /// Each value at most once as it is and once squared.
    pub parts: Vec<Part>,
    /// Added to the sum.
    pub constant: f64,
}

/// An entry's activation.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Recipe {
    /// What is squared at level 0: `f · t + o`.
    pub first: Option<(f64, f64)>,
    /// What is squared at levels 1 and 2: combinations of earlier levels.
    pub later: [Vec<Combination>; 2],
    /// The result.
    pub result: Combination,
}

impl Add for Combination {
    type Output = Combination;

    fn add(mut self, other: Combination) -> Combination {
        let place = |p: &Part| (p.level, p.index, p.squared);
        for part in other.parts {
            match self.parts.iter_mut().find(|p| place(p) == place(&part)) {
                Some(own) => own.factor += part.factor,
                None => self.parts.push(part),
            }
        }
        self.constant += other.constant;
        self
    }
}

impl Add<f64> for Combination {
    type Output = Combination;

    fn add(mut self, constant: f64) -> Combination {
        self.constant += constant;
        self
    }
}

impl Mul<f64> for Combination {
    type Output = Combination;

    fn mul(mut self, factor: f64) -> Combination {
        self.parts.iter_mut().for_each(|part| part.factor *= factor);
        self.constant *= factor;
        self
    }
}

impl Combination {
    fn of(level: usize, index: usize, squared: bool, factor: f64) -> Self {
        let parts = match factor {
            0.0 => Vec::new(),
            factor => vec![Part { level, index, squared, factor }],
        };
        Combination { parts, constant: 0.0 }
    }
}

/// The mean square of `Σ_k c[k] x^k` over a normal `x` of mean `mean` and variance 1.
fn mean_square<const K: usize>(c: [f64; K], mean: f64) -> f64 {
    // The moments of a normal variable: E x^(k+1) = mean · E x^k + k · E x^(k−1).
    let mut moments = [1.0, mean, 0.0, 0.0, 0.0, 0.0, 0.0];
    for k in 1..6 {
        moments[k + 1] = mean * moments[k] + k as f64 * moments[k - 1];
    }
    let pairs = (0..K).flat_map(|i| (0..K).map(move |j| (i, j)));
    pairs.map(|(i, j)| c[i] * c[j] * moments[i + j]).sum()
}

impl Recipe {
    /// The recipe for `Σ_k coefficients[k] t^k`; `None` beyond [`MAX_DEGREE`].
    pub fn new(coefficients: &[f64]) -> Option<Recipe> {
        let degree = coefficients.iter().rposition(|&c| c != 0.0).unwrap_or(0);
        if degree > MAX_DEGREE {
            return None;
        }
        let mut c = [0.0; MAX_DEGREE + 1];
        c.iter_mut().zip(coefficients).for_each(|(c, given)| *c = *given);
        let mut recipe = Recipe::default();
        recipe.result = match degree {
            0 => Combination::default() + c[0],
            1 | 2 => recipe.quadratic(c),
            4 => recipe.quartic(c),
            6 => recipe.sextic(c),
            _ => recipe.by_products(c),
        };
        Some(recipe)
    }

    /// `u = t + shift`, and the polynomial in terms of it, unless it is shifted too far.
    fn shifted(&mut self, c: [f64; MAX_DEGREE + 1], shift: f64) -> Option<Shifted> {
        if shift.is_nan() || shift.abs() > MAX_SHIFT {
            return None;
        }
        self.first = Some((1.0, shift));
        let mut d = c;
        // Horner's scheme, once a coefficient: p(u − shift) in powers of u.
        for low in 0..MAX_DEGREE {
            for k in (low..MAX_DEGREE).rev() {
                d[k] -= shift * d[k + 1];
            }
        }
        let [u, u2] = [false, true].map(|squared| Combination::of(0, 0, squared, 1.0));
        Some(Shifted { d, u, u2, mean: shift })
    }

    /// Degrees 1 and 2.
    fn quadratic(&mut self, c: [f64; MAX_DEGREE + 1]) -> Combination {
        let (a, offset) = (c[2], c[1] / (2.0 * c[2]));
        if offset.abs() > MAX_SHIFT || !offset.is_finite() {
            self.first = Some((1.0, 0.0));
            return Combination::of(0, 0, true, a) + Combination::of(0, 0, false, c[1]) + c[0];
        }
        let root = a.abs().sqrt();
        self.first = Some((root, root * offset));
        Combination::of(0, 0, true, a.signum()) + (c[0] - a * offset * offset)
    }

    /// Degree 4.
    fn quartic(&mut self, c: [f64; MAX_DEGREE + 1]) -> Combination {
        let Some(Shifted { d, u, u2, .. }) = self.shifted(c, c[3] / (4.0 * c[4])) else {
            return self.by_products(c);
        };
        let constant = d[2] / (2.0 * d[4]);
        let linear = u * d[1] + d[0];
        if constant.abs() > MAX_CONSTANT || !constant.is_finite() {
            return self.square(1, d[4], u2.clone()) + u2 * d[2] + linear;
        }
        self.square(1, d[4], u2 + constant) + linear + -d[4] * constant * constant
    }

    /// Degree 6.
    fn sextic(&mut self, c: [f64; MAX_DEGREE + 1]) -> Combination {
        let Some(Shifted { d, u, u2, mean }) = self.shifted(c, c[5] / (6.0 * c[6])) else {
            return self.by_products(c);
        };
        let [q, r] = [d[4], d[3]].map(|d| d / (2.0 * c[6]));
        if !(q.abs() <= MAX_CONSTANT && r.abs() <= MAX_CONSTANT) {
            return self.by_products(c);
        }
        let balance = mean_square([q, 0.0, 1.0], mean) / mean_square([0.0, 1.0], mean);
        let w = self.product(1, u2.clone() + q, u.clone(), 1.0 / balance.sqrt());
        let square = self.square(2, d[6], w + r);
        let (e2, e1) = (d[2] - d[6] * q * q, d[1] - d[6] * 2.0 * q * r);
        square + u2 * e2 + u * e1 + (d[0] - d[6] * r * r)
    }

    /// Degrees 3 to 6 without completed squares.
    fn by_products(&mut self, c: [f64; MAX_DEGREE + 1]) -> Combination {
        self.first = Some((1.0, 0.0));
        let [t, t2] = [false, true].map(|squared| Combination::of(0, 0, squared, 1.0));
        let low = t2.clone() * c[2] + t.clone() * c[1] + c[0];
        let square = mean_square([0.0, 0.0, 1.0], 0.0);
        let balance = |of: f64| (of / square).sqrt().sqrt();
        if c[5] == 0.0 && c[6] == 0.0 {
            let s = balance(mean_square([0.0, c[3], c[4]], 0.0));
            return self.product(1, t2.clone(), t2 * c[4] + t * c[3], s) + low;
        }
        let t3 = self.product(1, t2.clone(), t.clone(), balance(1.0));
        let cubic = t3.clone() * c[5] + t2.clone() * c[4] + t * c[3];
        let s = balance(mean_square([0.0, c[3], c[4], c[5]], 0.0));
        self.square(2, c[6], t3) + self.product(2, t2, cubic, s) + low
    }

    /// `factor · inner²` at level 1 or 2; no square for a factor of zero.
    fn square(&mut self, level: usize, factor: f64, inner: Combination) -> Combination {
        if factor == 0.0 {
            return Combination::default();
        }
        let squares = &mut self.later[level - 1];
        squares.push(inner * factor.abs().sqrt());
        Combination::of(level, squares.len() - 1, true, factor.signum())
    }

    /// `x · y` at level 1 or 2, by the squares of `(s x ± y/s) / 2`.
    fn product(&mut self, level: usize, x: Combination, y: Combination, s: f64) -> Combination {
        if !(s.is_normal()) {
            return Combination::default();
        }
        let (x, y) = (x * s, y * (1.0 / s));
        let sum = self.square(level, 0.25, x.clone() + y.clone());
        sum + self.square(level, -0.25, x + y * -1.0)
    }
}

/// A polynomial in terms of `u = t + mean`.
struct Shifted {
    /// The coefficients.
    d: [f64; MAX_DEGREE + 1],
    u: Combination,
    /// u².
    u2: Combination,
    /// What `u` is where `t` is 0.
    mean: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(recipe: &Recipe, t: f64) -> f64 {
        let mut levels = vec![recipe.first.iter().map(|(f, o)| f * t + o).collect()];
        let combine = |combination: &Combination, levels: &[Vec<f64>]| {
            let read = |p: &Part| levels[p.level][p.index].powi(1 + i32::from(p.squared));
            combination.parts.iter().map(|p| p.factor * read(p)).sum::<f64>() + combination.constant
        };
        for later in &recipe.later {
            let values = later.iter().map(|inner| combine(inner, &levels)).collect();
            levels.push(values);
        }
        combine(&recipe.result, &levels)
    }

    fn squares(coefficients: &[f64]) -> [usize; 3] {
        let recipe = Recipe::new(coefficients).unwrap();
        [usize::from(recipe.first.is_some()), recipe.later[0].len(), recipe.later[1].len()]
    }

    #[test]
    fn the_number_of_squares_is_as_documented() {
        assert_eq!(squares(&[]), [0, 0, 0]);
        assert_eq!(squares(&[3.0, 0.0, 0.0]), [0, 0, 0]);
        assert_eq!(squares(&[3.0, 1.0, 0.0]), [1, 0, 0]);
        assert_eq!(squares(&[0.19947, 0.5, 0.19947]), [1, 0, 0]);
        assert_eq!(squares(&[0.1, 33.0, 1.0]), [1, 0, 0]);
        assert_eq!(squares(&[0.0, 0.0, 0.0, 1.0]), [1, 2, 0]);
        assert_eq!(squares(&[0.14960, 0.5, 0.29921, 0.0, -0.016623]), [1, 1, 0]);
        assert_eq!(squares(&[0.0, 0.0, 0.0, 0.0, 0.0, 1.0]), [1, 2, 2]);
        let sixth = [0.12467, 0.5, 0.37401, 0.0, -0.041557, 0.0, 0.0016623];
        assert_eq!(squares(&sixth), [1, 2, 1]);
        assert!(Recipe::new(&[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]).is_none());
    }

    fn coefficient() -> impl Strategy<Value = f64> {
        prop_oneof![Just(0.0), -2.0..2.0, -1e-3..1e-3, Just(1e-12), Just(-1.0)]
    }

    proptest! {
        #[test]
        fn a_recipe_computes_its_polynomial(
            coefficients in prop::collection::vec(coefficient(), 0..=MAX_DEGREE + 1),
            t in -6.0..6.0,
        ) {
            let expected = coefficients.iter().rev().fold(0.0, |y, c| y * t + c);
            let found = run(&Recipe::new(&coefficients).unwrap(), t);
            // Products of up to 6^6 are subtracted from one another.
            prop_assert!((found - expected).abs() <= 1e-8 * (1.0 + expected.abs()) + 1e-7,
                "{coefficients:?} at {t}: {found}, not {expected}");
        }
    }
}
