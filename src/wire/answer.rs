//! Encrypted results: for every tile the seed of the batch's tile that it answers, and all components.

use super::frame::{Head, Kind, Reader, Writer};
use super::message::Content;
use super::{WireError, tiles};
use crate::messages::{AnswerTile, EncryptedAnswer, Owner};
use crate::plan::PublicPlan;
use crate::ring::Shape;

/// The shape of one tile.
fn shape(plan: &PublicPlan) -> Shape {
    let (output, degree) = (plan.output, plan.parameters().degree());
    Shape { primes: output.level, components: output.components, rows: output.rows, degree }
}

impl Content for EncryptedAnswer {
    const KIND: Kind = Kind::Answer;
    const NAME: &'static str = "an answer";

    fn owner(&self) -> Owner {
        self.owner
    }

    fn length(&self, plan: &PublicPlan) -> Option<u64> {
        tiles::length(plan.parameters().results(), shape(plan), self.tiles.len() as u64)
    }

    fn put(&self, plan: &PublicPlan, to: &mut Writer<'_>) -> Result<(), WireError> {
        let tiles = self.tiles.iter().map(|part| (&part.answers, &part.tile));
        tiles::put(plan.parameters().results(), self.span, tiles, to)
    }

    fn take(plan: &PublicPlan, head: &Head, from: &mut Reader<'_>) -> Result<Self, WireError> {
        let (span, tiles) = tiles::take(plan.parameters().results(), shape(plan), head, from)?;
        let tiles = tiles.into_iter().map(|(answers, tile)| AnswerTile { answers, tile }).collect();
        Ok(Self { owner: head.owner, span, tiles })
    }
}
