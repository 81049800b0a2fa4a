//! Repeated measurements, in three figures.

use serde::{Deserialize, Serialize};

/// The median, and the extremes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Spread {
    /// Of some values; not a number where there are none.
    pub fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |place: usize| sorted.get(place).copied().unwrap_or(f64::NAN);
        Self {
            median: (at(sorted.len().saturating_sub(1) / 2) + at(sorted.len() / 2)) / 2.0,
            min: at(0),
            max: at(sorted.len().saturating_sub(1)),
        }
    }

    /// `count` over each of them.
    pub fn rate(self, count: f64) -> Self {
        Self { median: count / self.median, min: count / self.max, max: count / self.min }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_lie_in_the_middle() {
        let spread = Spread { median: 2.0, min: 1.0, max: 9.0 };
        assert_eq!(Spread::of(&[9.0, 1.0, 2.0]), spread);
        assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 2.0]).median, 2.0);
        assert_eq!(spread.rate(18.0), Spread { median: 9.0, min: 2.0, max: 18.0 });
        assert!(Spread::of(&[]).median.is_nan());
    }
}
