//! The server's keys: the seed of all aⱼ, and all bⱼ. Nothing at all where nothing is relinearised.

use super::frame::{Head, Kind, Reader, Writer};
use super::message::Content;
use super::{WireError, residues};
use crate::messages::{EvaluationKeys, Owner};
use crate::plan::PublicPlan;
use crate::ring::Shape;
use crate::scheme::{Seed, SeededTile};

/// The shape of all bⱼ: a row a digit, a digit a prime.
fn shape(plan: &PublicPlan) -> Shape {
    let (primes, degree) = (plan.parameters().levels(), plan.parameters().degree());
    Shape { primes, components: 1, rows: primes, degree }
}

/// Bytes of the content, where they can be counted.
pub fn length(plan: &PublicPlan) -> Option<u64> {
    match plan.needs_relin_key() {
        true => {
            let residues = plan.parameters().basis().packed_bytes(shape(plan))?;
            residues.checked_add(size_of::<Seed>() as u64)
        }
        false => Some(0),
    }
}

impl Content for EvaluationKeys {
    const KIND: Kind = Kind::EvaluationKeys;
    const NAME: &'static str = "evaluation keys";

    fn owner(&self) -> Owner {
        self.owner
    }

    fn length(&self, plan: &PublicPlan) -> Option<u64> {
        length(plan)
    }

    fn put(&self, plan: &PublicPlan, to: &mut Writer<'_>) -> Result<(), WireError> {
        let Some(relin) = &self.relin else { return Ok(()) };
        to.put(&relin.seed)?;
        residues::write(plan.parameters().basis(), &relin.c0, to)
    }

    fn take(plan: &PublicPlan, head: &Head, from: &mut Reader<'_>) -> Result<Self, WireError> {
        head.check_length(length(plan))?;
        let mut relin = None;
        if plan.needs_relin_key() {
            let seed = from.array()?;
            let basis = plan.parameters().basis();
            relin = Some(SeededTile {
                seed,
                c0: residues::read(basis, shape(plan), Self::KIND, from)?,
            });
        }
        Ok(Self { owner: head.owner, relin })
    }
}
