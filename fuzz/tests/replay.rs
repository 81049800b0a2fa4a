//! Everything that was ever found, and well-formed files with it, given to its reader again.

use cipherbatch_fuzz::{TARGETS, seeds};

#[test]
fn what_was_found_is_refused_now() {
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name} has nothing to begin with");
        for bytes in &seeds {
            target(bytes);
            (0..bytes.len().min(300)).for_each(|len| target(&bytes[..len]));
        }
    }
}
