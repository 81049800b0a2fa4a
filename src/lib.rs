//! Classification of batches of encrypted inputs.
pub mod model;
