//! Encrypted inputs: for every tile the seed of all c₁, and all c₀.

use super::frame::{Head, Kind, Reader, Writer};
use super::message::Content;
use super::{WireError, tiles};
use crate::messages::{EncryptedBatch, Owner};
use crate::plan::PublicPlan;
use crate::ring::Shape;
use crate::scheme::SeededTile;

/// The shape of the c₀ of one tile.
fn shape(plan: &PublicPlan) -> Shape {
    let (input, degree) = (plan.input, plan.parameters().degree());
    Shape { primes: input.level, components: 1, rows: input.rows, degree }
}

impl Content for EncryptedBatch {
    const KIND: Kind = Kind::Batch;
    const NAME: &'static str = "an encrypted batch";

    fn owner(&self) -> Owner {
        self.owner
    }

    fn length(&self, plan: &PublicPlan) -> Option<u64> {
        tiles::length(plan.parameters().basis(), shape(plan), self.tiles.len() as u64)
    }

    fn put(&self, plan: &PublicPlan, to: &mut Writer<'_>) -> Result<(), WireError> {
        let tiles = self.tiles.iter().map(|tile| (&tile.seed, &tile.c0));
        tiles::put(plan.parameters().basis(), self.span, tiles, to)
    }

    fn take(plan: &PublicPlan, head: &Head, from: &mut Reader<'_>) -> Result<Self, WireError> {
        let (span, tiles) = tiles::take(plan.parameters().basis(), shape(plan), head, from)?;
        let tiles = tiles.into_iter().map(|(seed, c0)| SeededTile { seed, c0 }).collect();
        Ok(Self { owner: head.owner, span, tiles })
    }
}
