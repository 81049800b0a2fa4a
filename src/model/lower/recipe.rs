//! One entry's activation as squares: what is squared, and how the squares combine.
//!
//! Under encryption there are squarings and linear maps, and nothing else. With `t` the
//! activation's input, in units of its width:
//!
//! * **Degree 2**, `a t² + b t + c`: one square, by completing it,
//!   `a (t + b/2a)² + (c − b²/4a)`.
//! * **Degree 2 with a weak `a`** (`|b/2a| > 16`, or `a = 0` where a channel of an otherwise
//!   quadratic layer is linear): the completed square would be a small wave on a huge common
//!   offset, and an offset costs precision. Two squares instead:
//!   `a t² + b t = α (t + 1)² + β (t − 1)² − a`, where `α + β = a` and `2 (α − β) = b`.
//! * **Degree 3 to 6**: the first squares are `(t + 1)²` and `(t − 1)²`, of which `t` and `t²` are
//!   linear combinations; then products by `x y = ((x + y)² − (x − y)²) / 4` and, where the
//!   leading power is even, one completed square of a quadratic or cubic:
//!   - degree 3: `c₃ t³ = t² · c₃ t`, two squares;
//!   - degree 4: `c₄ (t² + p t)² = c₄ t⁴ + c₃ t³ + c₄ p² t²` with `p = c₃ / 2c₄`, one square;
//!   - degree 5: `t² · (c₅ t³ + c₄ t² + c₃ t)`, two squares on top of `t³`;
//!   - degree 6: `c₆ (t³ + p t² + q t + r)²`, one square on top of `t³`.
//!
//! Squares carry the root of their factor inside and its sign outside, so that their size is
//! their contribution to the result.

use std::ops::{Add, Mul};

/// The highest degree there is a recipe for.
pub(in crate::model) const MAX_DEGREE: usize = 6;

/// The largest offset, in widths of the activation's input, that a completed square may have.
const MAX_OFFSET: f64 = 16.0;

/// A linear combination of an entry's squares, and a constant.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Combination {
    /// Level of the square (0, 1 or 2), its number in that level, its factor; each at most once.
    pub parts: Vec<(usize, usize, f64)>,
    /// Added to the sum.
    pub constant: f64,
}

/// An entry's activation.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Recipe {
    /// The squares of level 0: pairs `(f, o)`, each for `(f · t + o)²`.
    pub first: Vec<(f64, f64)>,
    /// The squares of levels 1 and 2, of combinations of squares of earlier levels.
    pub later: [Vec<Combination>; 2],
    /// The result.
    pub result: Combination,
}

impl Add for Combination {
    type Output = Combination;

    fn add(mut self, other: Combination) -> Combination {
        for (level, index, factor) in other.parts {
            match self.parts.iter_mut().find(|part| (part.0, part.1) == (level, index)) {
                Some(part) => part.2 += factor,
                None => self.parts.push((level, index, factor)),
            }
        }
        self.constant += other.constant;
        self
    }
}

impl Mul<f64> for Combination {
    type Output = Combination;

    fn mul(mut self, factor: f64) -> Combination {
        self.parts.iter_mut().for_each(|part| part.2 *= factor);
        self.constant *= factor;
        self
    }
}

impl Combination {
    fn constant(constant: f64) -> Self {
        Combination { parts: Vec::new(), constant }
    }
}

impl Recipe {
    /// The recipe for `Σ_k coefficients[k] t^k`; `None` beyond [`MAX_DEGREE`].
    pub fn new(coefficients: &[f64]) -> Option<Recipe> {
        let used = coefficients.iter().rposition(|&c| c != 0.0).map_or(0, |degree| degree + 1);
        let coefficients = &coefficients[..used];
        let mut recipe = Recipe::default();
        recipe.result = match *coefficients {
            [] => Combination::default(),
            [c] => Combination::constant(c),
            [c, b] => recipe.two_squares(0.0, b) + Combination::constant(c),
            [c, b, a] => recipe.quadratic(a, b) + Combination::constant(c),
            _ if used <= MAX_DEGREE + 1 => recipe.higher(coefficients),
            _ => return None,
        };
        Some(recipe)
    }

    /// `a t² + b t` with one square, or two where its offset would be large.
    fn quadratic(&mut self, a: f64, b: f64) -> Combination {
        let offset = b / (2.0 * a);
        if offset.abs() > MAX_OFFSET || !offset.is_finite() {
            return self.two_squares(a, b);
        }
        self.shifted(a, offset) + Combination::constant(-a * offset * offset)
    }

    /// `a t² + b t` as squares of `t + 1` and `t − 1`.
    fn two_squares(&mut self, a: f64, b: f64) -> Combination {
        let difference = b / 2.0;
        let alpha = self.shifted((a + difference) / 2.0, 1.0);
        let beta = self.shifted((a - difference) / 2.0, -1.0);
        alpha + beta + Combination::constant(-a)
    }

    /// `factor · (t + offset)²`; no square for a factor of zero.
    fn shifted(&mut self, factor: f64, offset: f64) -> Combination {
        if factor == 0.0 {
            return Combination::default();
        }
        let root = factor.abs().sqrt();
        self.first.push((root, root * offset));
        let part = (0, self.first.len() - 1, factor.signum());
        Combination { parts: vec![part], constant: 0.0 }
    }

    /// `factor · inner²` at level 1 or 2; no square for a factor of zero.
    fn square(&mut self, level: usize, factor: f64, inner: Combination) -> Combination {
        if factor == 0.0 {
            return Combination::default();
        }
        let squares = &mut self.later[level - 1];
        squares.push(inner * factor.abs().sqrt());
        Combination { parts: vec![(level, squares.len() - 1, factor.signum())], constant: 0.0 }
    }

    /// `x · y = ((x + y)² − (x − y)²) / 4` at level 1 or 2.
    fn product(&mut self, level: usize, x: Combination, y: Combination) -> Combination {
        let sum = self.square(level, 0.25, x.clone() + y.clone());
        sum + self.square(level, -0.25, x + y * -1.0)
    }

    /// Degrees 3 to 6; the last coefficient is not zero.
    fn higher(&mut self, coefficients: &[f64]) -> Combination {
        let mut c = [0.0; MAX_DEGREE + 1];
        c[..coefficients.len()].copy_from_slice(coefficients);
        let plus = self.shifted(1.0, 1.0);
        let minus = self.shifted(1.0, -1.0);
        let t = plus.clone() * 0.25 + minus.clone() * -0.25;
        let t2 = (plus + minus) * 0.5 + Combination::constant(-1.0);
        let mut result = match coefficients.len() - 1 {
            3 => self.product(1, t2.clone(), t.clone() * c[3]),
            4 => self.quartic(&mut c, &t, &t2),
            _ => {
                let t3 = self.product(1, t2.clone(), t.clone());
                if c[6] == 0.0 {
                    let cubic = t3 * c[5] + t2.clone() * c[4] + t.clone() * c[3];
                    self.product(2, t2.clone(), cubic)
                } else {
                    self.sextic(&mut c, &t, &t2, &t3)
                }
            }
        };
        result = result + t2 * c[2] + t * c[1];
        result + Combination::constant(c[0])
    }

    /// The powers 4 and 3, with what they add to lower powers taken off `c`.
    fn quartic(&mut self, c: &mut [f64], t: &Combination, t2: &Combination) -> Combination {
        let p = c[3] / (2.0 * c[4]);
        if p.abs() > MAX_OFFSET || !p.is_finite() {
            let cubic = self.product(1, t2.clone(), t.clone() * c[3]);
            return self.square(1, c[4], t2.clone()) + cubic;
        }
        c[2] -= c[4] * p * p;
        self.square(1, c[4], t2.clone() + t.clone() * p)
    }

    /// The powers 6 to 3, with what they add to lower powers taken off `c`.
    fn sextic(
        &mut self,
        c: &mut [f64],
        t: &Combination,
        t2: &Combination,
        t3: &Combination,
    ) -> Combination {
        let p = c[5] / (2.0 * c[6]);
        let q = (c[4] / c[6] - p * p) / 2.0;
        let r = (c[3] / c[6] - 2.0 * p * q) / 2.0;
        // A typical ratio of c₄ to c₆ is −25 (the fit of ReLU), so q may be larger than an offset.
        let small = |x: f64, bound: f64| x.abs() <= bound;
        if !small(p, MAX_OFFSET) || !small(q, 4.0 * MAX_OFFSET) || !small(r, 4.0 * MAX_OFFSET) {
            let lower = t3.clone() * c[5] + t2.clone() * c[4] + t.clone() * c[3];
            return self.square(2, c[6], t3.clone()) + self.product(2, t2.clone(), lower);
        }
        c[2] -= c[6] * (q * q + 2.0 * p * r);
        c[1] -= c[6] * 2.0 * q * r;
        c[0] -= c[6] * r * r;
        let inner = t3.clone() + t2.clone() * p + t.clone() * q + Combination::constant(r);
        self.square(2, c[6], inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(recipe: &Recipe, t: f64) -> f64 {
        let mut levels = vec![recipe.first.iter().map(|(f, o)| (f * t + o).powi(2)).collect()];
        let combine = |combination: &Combination, levels: &[Vec<f64>]| {
            let parts = combination.parts.iter();
            parts.map(|&(level, index, f)| f * levels[level][index]).sum::<f64>()
                + combination.constant
        };
        for later in &recipe.later {
            let squares = later.iter().map(|inner| combine(inner, &levels).powi(2)).collect();
            levels.push(squares);
        }
        combine(&recipe.result, &levels)
    }

    fn squares(coefficients: &[f64]) -> [usize; 3] {
        let recipe = Recipe::new(coefficients).unwrap();
        [recipe.first.len(), recipe.later[0].len(), recipe.later[1].len()]
    }

    #[test]
    fn the_number_of_squares_is_as_documented() {
        assert_eq!(squares(&[]), [0, 0, 0]);
        assert_eq!(squares(&[3.0, 0.0, 0.0]), [0, 0, 0]);
        assert_eq!(squares(&[3.0, 1.0, 0.0]), [2, 0, 0]);
        assert_eq!(squares(&[0.19947, 0.5, 0.19947]), [1, 0, 0]);
        assert_eq!(squares(&[0.1, 33.0, 1.0]), [2, 0, 0]);
        assert_eq!(squares(&[0.1, 32.0, 1.0]), [1, 0, 0]);
        assert_eq!(squares(&[0.0, 0.0, 0.0, 1.0]), [2, 2, 0]);
        assert_eq!(squares(&[0.14960, 0.5, 0.29921, 0.0, -0.016623]), [2, 1, 0]);
        assert_eq!(squares(&[0.0, 0.0, 0.0, 0.0, 0.0, 1.0]), [2, 2, 2]);
        let sixth = [0.12467, 0.5, 0.37401, 0.0, -0.041557, 0.0, 0.0016623];
        assert_eq!(squares(&sixth), [2, 2, 1]);
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
