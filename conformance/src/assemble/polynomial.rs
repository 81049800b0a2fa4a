//! Activations, written as the nodes that frameworks make of them.

use super::Assembly;
use crate::blueprint::{Activation, Shape, Way};

/// The least-squares fits of ReLU under N(0, 1), low degree first.
const FITS: [&[f32]; 3] = [
    &[0.19947, 0.5, 0.19947],
    &[0.14960, 0.5, 0.29921, 0.0, -0.016623],
    &[0.12467, 0.5, 0.37401, 0.0, -0.041557, 0.0, 0.0016623],
];

/// Odd powers above the first, where there are any: as small as the fits' even ones nearby.
const ODD: [f32; 7] = [0.0, 0.0, 0.0, 0.03, 0.0, 0.0005, 0.0];

impl Shape {
    pub(super) fn degree(self) -> usize {
        match self {
            Shape::Fit { degree, .. } => degree,
            Shape::Square | Shape::Weak => 2,
        }
    }
}

impl Assembly {
    pub(super) fn polynomial(&mut self, activation: &Activation) {
        let x = self.at.clone();
        self.at = match activation.shape {
            Shape::Square if matches!(activation.way, Way::Power) => {
                let two = self.file.floats(&[], &[2.0]);
                self.file.node("Pow", &[&x, &two], vec![])
            }
            Shape::Square => self.file.node("Mul", &[&x, &x], vec![]),
            shape => {
                let names: Vec<Option<String>> = (0..=shape.degree())
                    .map(|power| self.coefficient(shape, power, activation.per_channel))
                    .collect();
                match activation.way {
                    Way::Power => self.sum_of_powers(&x, &names, true),
                    Way::Product => self.sum_of_powers(&x, &names, false),
                    Way::Horner => self.horner(&x, &names),
                }
            }
        };
    }

    /// A stored coefficient, a number or one per channel; `None` for a power that is left out.
    fn coefficient(&mut self, shape: Shape, power: usize, per_channel: bool) -> Option<String> {
        let degree = shape.degree();
        let centre = match shape {
            Shape::Fit { odd: true, .. } if power % 2 == 1 && power > 2 => ODD[power],
            _ => FITS[degree / 2 - 1][power],
        };
        if centre == 0.0 {
            return None;
        }
        let channels = if per_channel { self.shape[0] } else { 1 };
        let values: Vec<f32> = (0..channels)
            .map(|_| match (shape, power) {
                // Some channels of a trained layer become nearly linear, or linear.
                (Shape::Weak, 2) if self.uniform(0.0, 1.0) < 0.5 => 0.0,
                (Shape::Weak, 2) => self.uniform(-0.01, 0.01),
                _ => centre * self.uniform(0.7, 1.3),
            })
            .collect();
        let axes = match (per_channel, self.shape.len()) {
            (false, _) => vec![],
            (true, rank) => [vec![channels], vec![1; rank - 1]].concat(),
        };
        Some(self.file.floats(&axes, &values))
    }

    fn sum_of_powers(&mut self, x: &str, names: &[Option<String>], pow: bool) -> String {
        let mut sum: Option<String> = None;
        for (power, name) in names.iter().enumerate().rev() {
            let Some(name) = name else { continue };
            let term = match power {
                0 => name.clone(),
                _ if pow => {
                    let exponent = self.file.floats(&[], &[power as f32]);
                    let raised = self.file.node("Pow", &[x, &exponent], vec![]);
                    self.file.node("Mul", &[name, &raised], vec![])
                }
                _ => (0..power)
                    .fold(name.clone(), |product, _| self.file.node("Mul", &[&product, x], vec![])),
            };
            sum = Some(match sum {
                None => term,
                Some(sum) => self.file.node("Add", &[&sum, &term], vec![]),
            });
        }
        sum.expect("a polynomial has terms")
    }

    fn horner(&mut self, x: &str, names: &[Option<String>]) -> String {
        let mut value: Option<String> = None;
        for (power, name) in names.iter().enumerate().rev() {
            value = match (value, name) {
                (None, None) => None,
                (None, Some(name)) => Some(name.clone()),
                (Some(value), None) => Some(value),
                (Some(value), Some(name)) => Some(self.file.node("Add", &[&value, name], vec![])),
            };
            if power > 0 {
                value = value.map(|value| self.file.node("Mul", &[&value, x], vec![]));
            }
        }
        value.expect("a polynomial has terms")
    }
}
