//! The CPU side: rayon over slices and ciphertexts, SIMD within.
