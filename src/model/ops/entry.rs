//! What a value's entries are: one sample's number, or the same entry of several samples.

use std::ops::{Add, Div, Mul};

/// Numbers that the reference executor computes with.
pub trait Entry:
    Copy + From<f64> + Add<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Send + Sync
{
    /// `max(x, 0)`.
    fn relu(self) -> Self;
}

impl Entry for f64 {
    fn relu(self) -> f64 {
        self.max(0.0)
    }
}

/// One entry of several samples, which go through the network together: in vectors, and past every
/// weight once. Each sample's numbers are those that it has alone, since no order changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Several(pub [f64; Several::COUNT]);

impl Several {
    /// How many samples: a cache line.
    pub const COUNT: usize = 8;
}

impl From<f64> for Several {
    #[inline]
    fn from(x: f64) -> Self {
        Self([x; Self::COUNT])
    }
}

macro_rules! by_sample {
    ($operation:ident, $function:ident, $operator:tt) => {
        impl $operation for Several {
            type Output = Self;

            #[inline]
            fn $function(mut self, other: Self) -> Self {
                for (x, y) in self.0.iter_mut().zip(other.0) {
                    *x $operator y;
                }
                self
            }
        }
    };
}

by_sample!(Add, add, +=);
by_sample!(Mul, mul, *=);
by_sample!(Div, div, /=);

impl Entry for Several {
    #[inline]
    fn relu(self) -> Self {
        Self(self.0.map(Entry::relu))
    }
}
