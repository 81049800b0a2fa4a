//! The name of a plan: what keys, ciphertexts and answers carry, so that none meets another plan.

use super::Program;
use crate::scheme::ParametersLiteral;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// SHA-256 over everything that decides what a ciphertext of the plan means.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    pub(super) fn of(
        literal: &ParametersLiteral,
        program: &Program,
        shapes: [&[usize]; 2],
        (low, high): (f32, f32),
    ) -> Self {
        let mut hash = Sha256::new();
        let mut put = |words: &mut dyn Iterator<Item = u64>| {
            let words: Vec<u64> = words.collect();
            // Lengths first, so that no two sequences run together.
            hash.update((words.len() as u64).to_le_bytes());
            words.iter().for_each(|w| hash.update(w.to_le_bytes()));
        };
        put(&mut [literal.degree as u64]
            .into_iter()
            .chain(literal.primes.iter().map(|&p| p.into())));
        put(&mut literal.result_primes.iter().map(|&p| p.into()));
        shapes.iter().for_each(|shape| put(&mut shape.iter().map(|&d| d as u64)));
        put(&mut [low, high].into_iter().map(|x| x.to_bits().into()));
        put(&mut [program.input.scale.to_bits(), program.input.level as u64].into_iter());
        for step in &program.steps {
            let of_results = |of_results| u64::from(of_results) << 32;
            let switch = step.switch.map_or(0, |s| {
                3 * s.rescale as u64 + s.digits as u64 + 1 + of_results(s.to_results)
            });
            let level = step.value.level as u64 + of_results(step.value.of_results);
            put(&mut [step.value.scale.to_bits(), level, switch].into_iter());
            put(&mut step.bias.iter().flat_map(|&b| [b as u64, (b >> 64) as u64]));
            for t in &step.terms {
                put(&mut [t.source as u64, t.squared.into(), t.weight_scale.to_bits()].into_iter());
                put(&mut t.matrix.columns().iter().map(|&c| c.into()));
                put(&mut t.matrix.rows().iter().map(|&r| r.into()));
                put(&mut t.matrix.weights().iter().map(|&w| w as u64));
                let blocks = t.matrix.blocks().iter();
                put(&mut blocks.flat_map(|b| {
                    [b.columns.start, b.columns.end, b.rows.start, b.rows.end, b.weights]
                        .map(|x| x as u64)
                }));
            }
        }
        Self(hash.finalize().into())
    }

    /// All 32 bytes.
    pub fn bytes(&self) -> [u8; 32] {
        self.0
    }

    /// A digest that was stored.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Digest {
    /// The first eight bytes: enough for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..8].iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}
