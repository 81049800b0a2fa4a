//! Which images of a set are inside: three numbers of eight bytes.

use super::WireError;
use super::frame::{Reader, Writer};
use crate::messages::Span;

/// Bytes of a span.
pub const BYTES: u64 = 24;

/// The span, if it lies within its set.
fn sound(span: Span) -> Result<Span, WireError> {
    let Span { first, images, total } = span;
    span.end().map(|_| span).ok_or(WireError::Span { first, images, total })
}

/// Writes a span that lies within its set.
pub fn put(span: Span, to: &mut Writer<'_>) -> Result<(), WireError> {
    let Span { first, images, total } = sound(span)?;
    [first, images, total].iter().try_for_each(|number| to.put(&number.to_le_bytes()))
}

/// Reads a span that lies within its set.
pub fn take(from: &mut Reader<'_>) -> Result<Span, WireError> {
    let mut number = || Ok::<_, WireError>(u64::from_le_bytes(from.array()?));
    sound(Span { first: number()?, images: number()?, total: number()? })
}
