//! Geometric programs: a sum of products of powers is minimised, where other products are bounded.
//!
//! In the logarithms x of the variables this is: minimise log Σⱼ exp(bⱼ + aⱼ·x) subject to
//! cᵢ·x ≤ dᵢ, which is convex. Newton's method with a logarithmic barrier (Boyd and Vandenberghe,
//! Convex Optimization, sections 4.5 and 11.3) takes some thirty steps from anywhere inside.

/// A product of powers: bits, and exponents by variable.
#[derive(Clone, Debug, Default)]
pub struct Monomial {
    /// log₂ of its factor.
    pub bits: f64,
    /// (variable, exponent), each variable once.
    pub powers: Vec<(usize, f64)>,
}

impl Monomial {
    /// log₂ of its value at log₂ x.
    pub fn at(&self, x: &[f64]) -> f64 {
        self.bits + self.powers.iter().map(|&(i, a)| a * x[i]).sum::<f64>()
    }
}

/// Minimise the sum of `sum` where every one of `bounds` is at most 1.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// The number of variables.
    pub variables: usize,
    /// What is added up.
    pub sum: Vec<Monomial>,
    /// What stays at or below 1.
    pub bounds: Vec<Monomial>,
}

/// Weights of the objective against the barrier, and Newton steps at each.
const WEIGHTS: [(f64, usize); 4] = [(1.0, 12), (12.0, 8), (150.0, 8), (2000.0, 8)];

/// A step that improves by less than this, in the barrier's units, is the last.
const SETTLED: f64 = 1e-6;

impl Program {
    /// log₂ of the sum.
    pub fn value(&self, x: &[f64]) -> f64 {
        let bits: Vec<f64> = self.sum.iter().map(|m| m.at(x)).collect();
        let most = bits.iter().fold(f64::NEG_INFINITY, |m, &b| m.max(b));
        if most.is_finite() {
            most + bits.iter().map(|b| (b - most).exp2()).sum::<f64>().log2()
        } else {
            most
        }
    }

    /// Whether all bounds hold.
    pub fn holds(&self, x: &[f64]) -> bool {
        self.bounds.iter().all(|bound| bound.at(x) < 0.0)
    }

    /// log₂ of the best variables, from a point where all bounds hold; no worse than it.
    pub fn solve(&self, start: Vec<f64>) -> Vec<f64> {
        let mut x = start;
        for (weight, steps) in WEIGHTS {
            for _ in 0..steps {
                let (gradient, hessian) = self.derivatives(&x, weight);
                let Some(step) = descend(hessian, &gradient) else { break };
                let slope: f64 = step.iter().zip(&gradient).map(|(s, g)| s * g).sum();
                if -slope < SETTLED || !self.advance(&mut x, &step, slope, weight) {
                    break;
                }
            }
        }
        x
    }

    /// The objective in the barrier's units.
    fn merit(&self, x: &[f64], weight: f64) -> f64 {
        let barrier: f64 = self.bounds.iter().map(|b| -(-b.at(x)).ln()).sum();
        weight * self.value(x) + barrier
    }

    /// Backtracking: the longest of the halved steps that improves enough.
    fn advance(&self, x: &mut Vec<f64>, step: &[f64], slope: f64, weight: f64) -> bool {
        let before = self.merit(x, weight);
        let mut length = 1.0;
        for _ in 0..40 {
            let next: Vec<f64> = x.iter().zip(step).map(|(x, s)| x + length * s).collect();
            if self.holds(&next) && self.merit(&next, weight) <= before + 0.1 * length * slope {
                *x = next;
                return true;
            }
            length *= 0.5;
        }
        false
    }

    /// Gradient and Hessian, row by row.
    fn derivatives(&self, x: &[f64], weight: f64) -> (Vec<f64>, Vec<f64>) {
        let n = self.variables;
        let (mut gradient, mut hessian) = (vec![0.0; n], vec![0.0; n * n]);
        let value = self.value(x);
        let ln2 = std::f64::consts::LN_2;
        let outer = |hessian: &mut [f64], powers: &[(usize, f64)], factor: f64| {
            for &(i, a) in powers {
                powers.iter().for_each(|&(j, b)| hessian[i * n + j] += factor * a * b);
            }
        };
        for m in &self.sum {
            let share = (m.at(x) - value).exp2();
            m.powers.iter().for_each(|&(i, a)| gradient[i] += share * a);
            outer(&mut hessian, &m.powers, weight * share * ln2);
        }
        for i in 0..n {
            for j in 0..n {
                hessian[i * n + j] -= weight * ln2 * gradient[i] * gradient[j];
            }
        }
        gradient.iter_mut().for_each(|g| *g *= weight);
        for bound in &self.bounds {
            let room = -bound.at(x);
            bound.powers.iter().for_each(|&(i, a)| gradient[i] += a / room);
            outer(&mut hessian, &bound.powers, 1.0 / (room * room));
        }
        (gradient, hessian)
    }
}

/// Newton's step −H⁻¹g by Cholesky's decomposition; a little is added to the diagonal, since what no
/// summand holds back may be flat.
fn descend(mut h: Vec<f64>, gradient: &[f64]) -> Option<Vec<f64>> {
    let n = gradient.len();
    let mean = (0..n).map(|i| h[i * n + i]).sum::<f64>() / n.max(1) as f64;
    for i in 0..n {
        h[i * n + i] += 1e-9 * mean + 1e-12;
    }
    for i in 0..n {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| h[i * n + k] * h[j * n + k]).sum();
            let rest = h[i * n + j] - dot;
            if i == j {
                if !(rest > 0.0 && rest.is_finite()) {
                    return None;
                }
                h[i * n + i] = rest.sqrt();
            } else {
                h[i * n + j] = rest / h[j * n + j];
            }
        }
    }
    let mut step: Vec<f64> = gradient.iter().map(|g| -g).collect();
    for i in 0..n {
        let dot: f64 = (0..i).map(|k| h[i * n + k] * step[k]).sum();
        step[i] = (step[i] - dot) / h[i * n + i];
    }
    for i in (0..n).rev() {
        let dot: f64 = (i + 1..n).map(|k| h[k * n + i] * step[k]).sum();
        step[i] = (step[i] - dot) / h[i * n + i];
    }
    Some(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn monomial(bits: f64, powers: &[(usize, f64)]) -> Monomial {
        Monomial { bits, powers: powers.to_vec() }
    }

    /// x⁻² + x⁴/2 is least at x = 1; with x ≤ ½ at the bound.
    #[test]
    fn one_variable() {
        let sum = vec![monomial(0.0, &[(0, -2.0)]), monomial(-1.0, &[(0, 4.0)])];
        let free = Program { variables: 1, sum, bounds: vec![monomial(-60.0, &[(0, 1.0)])] };
        let x = free.solve(vec![-5.0])[0];
        assert!(x.abs() < 1e-3, "{x}");
        let held = Program { bounds: vec![monomial(1.0, &[(0, 1.0)])], ..free };
        let x = held.solve(vec![-5.0])[0];
        assert!((-1.01..-1.0).contains(&x), "{x}");
    }

    /// 1/x² + 1/y² with x y ≤ 16 shares the product equally.
    #[test]
    fn a_bound_is_shared() {
        let sum = vec![monomial(0.0, &[(0, -2.0)]), monomial(0.0, &[(1, -2.0)])];
        let bounds = vec![monomial(-4.0, &[(0, 1.0), (1, 1.0)])];
        let program = Program { variables: 2, sum, bounds };
        let x = program.solve(vec![-3.0, 1.0]);
        assert!(x.iter().all(|x| (x - 2.0).abs() < 0.01), "{x:?}");
        assert!(program.holds(&x));
    }
}
