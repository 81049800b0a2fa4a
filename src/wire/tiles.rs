//! What batches and answers are: which images; then for every tile a seed and residues.

use super::frame::{Head, Reader, Writer};
use super::{WireError, residues, span};
use crate::messages::Span;
use crate::ring::{Basis, Shape, Tile};
use crate::scheme::Seed;

/// Bytes of the content with so many tiles of this shape, where they can be counted.
pub fn length(basis: &Basis, shape: Shape, tiles: u64) -> Option<u64> {
    let tile = basis.packed_bytes(shape)?;
    let tile = tile.checked_add(size_of::<Seed>() as u64)?;
    tile.checked_mul(tiles)?.checked_add(span::BYTES)
}

/// Writes a content.
pub fn put<'a>(
    basis: &Basis,
    span: Span,
    tiles: impl Iterator<Item = (&'a Seed, &'a Tile)>,
    to: &mut Writer<'_>,
) -> Result<(), WireError> {
    span::put(span, to)?;
    for (seed, tile) in tiles {
        to.put(seed)?;
        residues::write(basis, tile, to)?;
    }
    Ok(())
}

/// Reads a content of tiles of this shape.
pub fn take(
    basis: &Basis,
    shape: Shape,
    head: &Head,
    from: &mut Reader<'_>,
) -> Result<(Span, Vec<(Seed, Tile)>), WireError> {
    // How many tiles there must be is known after the span, which any of one tile or more has.
    if Some(head.length) < length(basis, shape, 1) {
        head.check_length(length(basis, shape, 1))?;
    }
    let span = span::take(from)?;
    let count = span.images.div_ceil(basis.degree() as u64);
    head.check_length(length(basis, shape, count))?;
    let mut tiles = Vec::new();
    for _ in 0..count {
        let seed = from.array()?;
        let tile = residues::read(basis, shape, head.kind, from)?;
        tiles.push((seed, tile));
    }
    Ok((span, tiles))
}
