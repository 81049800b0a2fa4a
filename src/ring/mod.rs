//! Many residues: the real ring of degree N in residue number system (RNS) form.
//!
//! The ring is the real subring of the 4N-th cyclotomic ring (Kim and Song, ePrint 2018/952):
//! a = a₀ + Σ_{0<i<N} aᵢ (Xⁱ − X^{2N−i}) in Z\[X\]/(X^{2N} + 1). Its dimension is N and it has N
//! **real** slots, twice as many as the usual X^N + 1.

mod basis;
mod crt;
mod matrix;
#[allow(unsafe_code, reason = "vectors are loaded and stored by address")]
mod ntt;
mod packed;
#[allow(unsafe_code, reason = "advice to the operating system")]
mod pages;
#[allow(unsafe_code, reason = "vectors are loaded and stored by address")]
mod pointwise;
mod tile;

pub use basis::Basis;
pub use crt::Crt;
pub use matrix::{Block, BlockMatrix, MatrixError, ROW_NORM_BOUND, WEIGHT_BOUND};
pub use ntt::NttTable;
#[cfg(target_arch = "x86_64")]
pub(crate) use ntt::lazy;
pub(crate) use ntt::{RAISED, Summands, pair};
pub use packed::{pack, packed_bytes, unpack};
pub(crate) use pointwise::{add_product, subtract_product};
pub use tile::{Shape, Tile};
