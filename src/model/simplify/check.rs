//! The check after every pass.
//!
//! A pass builds its result with the builder, which infers every shape and looks at every weight
//! anew; what is left to compare is the outside.

use crate::model::graph::Network;
use crate::model::{ModelError, Result};

/// Whether a pass kept the shapes of input and output.
pub(super) fn same_interface(before: &Network, after: &Network) -> Result<()> {
    let shapes =
        |network: &Network| format!("{:?} to {:?}", network.input_shape(), network.output_shape());
    if shapes(before) != shapes(after) {
        return Err(ModelError::Inconsistent {
            what: "the network".into(),
            expected: shapes(before),
            found: shapes(after),
        });
    }
    Ok(())
}
