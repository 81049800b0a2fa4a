//! The network in the clear.
