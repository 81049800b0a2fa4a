//! The residues of a tile, packed polynomial by polynomial, in its order.

use super::frame::{Reader, Writer};
use super::{Kind, WireError};
use crate::ring::{Basis, Shape, Tile, pack, packed_bytes, unpack};
use rayon::prelude::*;

/// Bytes that are read or written at a time: enough for all cores, and the most that is taken before
/// as much has arrived.
const STEP: usize = 1 << 20;

/// Writes the residues of a tile, `[prime][component][row]`.
pub fn write(basis: &Basis, tile: &Tile, to: &mut Writer<'_>) -> Result<(), WireError> {
    let Shape { primes, degree, .. } = tile.shape();
    let mut bytes = Vec::new();
    for (i, prime) in basis.primes().take(primes).enumerate() {
        let size = packed_bytes(degree, prime);
        for some in tile.prime(i).chunks((STEP / size).max(1) * degree) {
            bytes.resize(some.len() / degree * size, 0);
            let polynomials = some.par_chunks_exact(degree).zip(bytes.par_chunks_exact_mut(size));
            polynomials.for_each(|(residues, bytes)| pack(prime, residues, bytes));
            to.put(&bytes)?;
        }
    }
    Ok(())
}

/// Reads the residues of a tile; `kind` is for messages.
pub fn read(
    basis: &Basis,
    shape: Shape,
    kind: Kind,
    from: &mut Reader<'_>,
) -> Result<Tile, WireError> {
    let degree = shape.degree;
    let (mut bytes, mut residues) = (Vec::new(), Vec::new());
    for prime in basis.primes().take(shape.primes) {
        let size = packed_bytes(degree, prime);
        let (mut left, most) = (shape.components * shape.rows, (STEP / size).max(1));
        while left > 0 {
            let count = left.min(most);
            left -= count;
            bytes.resize(count * size, 0);
            from.take(&mut bytes)?;
            let at = residues.len();
            let room = residues.try_reserve(count * degree);
            room.map_err(|_| WireError::Room { kind, bytes: 4 * count * degree })?;
            residues.resize(at + count * degree, 0);
            let first = at / degree;
            residues[at..]
                .par_chunks_exact_mut(degree)
                .zip(bytes.par_chunks_exact(size))
                .enumerate()
                .try_for_each(|(i, (residues, bytes))| {
                    unpack(prime, bytes, residues);
                    check(prime, first + i, residues)
                })?;
        }
    }
    Tile::new(shape, residues).ok_or(WireError::Trailing)
}

/// That residues are below their prime.
fn check(prime: u32, polynomial: usize, residues: &[u32]) -> Result<(), WireError> {
    // A maximum is vectorised; a search that stops early is not.
    if residues.iter().fold(0, |max, &x| max.max(x)) < prime {
        return Ok(());
    }
    let place = residues.iter().position(|&x| x >= prime).unwrap_or_default();
    Err(WireError::Residue { value: residues[place], prime, polynomial, place })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_residue_at_its_prime_is_refused() {
        assert!(check(97, 3, &[0, 96, 5]).is_ok());
        let error = check(97, 3, &[0, 96, 97]).unwrap_err();
        let expected = WireError::Residue { value: 97, prime: 97, polynomial: 3, place: 2 };
        assert_eq!(error.to_string(), expected.to_string());
    }
}
