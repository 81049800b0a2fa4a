//! The shaders' text, with no device at all: valid, and without extensions where it must be.

use cipherbatch::device::gpu::{Kernel, Prelude};
use wgpu::naga::{
    front::wgsl,
    valid::{Capabilities, ValidationFlags, Validator},
};

fn validate(source: &str, capabilities: Capabilities) -> Result<(), String> {
    let module = wgsl::parse_str(source).map_err(|e| e.emit_to_string(source))?;
    let mut validator = Validator::new(ValidationFlags::all(), capabilities);
    validator.validate(&module).map(drop).map_err(|e| e.emit_to_string(source))
}

#[test]
fn every_shader_needs_no_extension() {
    for kernel in Kernel::ALL {
        let outcome = validate(&kernel.source(Prelude::U32), Capabilities::default());
        assert_eq!(outcome, Ok(()), "{}", kernel.name());
    }
}

#[test]
fn every_shader_takes_64_bit_integers() {
    for kernel in Kernel::ALL {
        let source = kernel.source(Prelude::U64);
        let capabilities = Capabilities::default() | Capabilities::SHADER_INT64;
        assert_eq!(validate(&source, capabilities), Ok(()), "{}", kernel.name());
        assert!(validate(&source, Capabilities::default()).is_err(), "{}", kernel.name());
    }
}

#[test]
fn entry_points_are_called_like_their_files() {
    for kernel in Kernel::ALL {
        let module = wgsl::parse_str(&kernel.source(Prelude::U32)).expect("valid");
        let names: Vec<&str> = module.entry_points.iter().map(|e| e.name.as_str()).collect();
        assert_eq!(names, [kernel.name()]);
    }
}
