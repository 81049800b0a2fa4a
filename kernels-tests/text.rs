//! The shaders' text, with no device at all: valid, and without extensions where it must be.

use cipherbatch::device::gpu::{Form, Kernel, Prelude};
use wgpu::naga::{
    front::wgsl,
    valid::{Capabilities, ValidationFlags, Validator},
};

fn validate(source: &str, capabilities: Capabilities) -> Result<(), String> {
    let module = wgsl::parse_str(source).map_err(|e| e.emit_to_string(source))?;
    let mut validator = Validator::new(ValidationFlags::all(), capabilities);
    validator.validate(&module).map(drop).map_err(|e| e.emit_to_string(source))
}

/// Every kernel's text in every form that a prelude has.
fn texts(prelude: Prelude) -> Vec<(&'static str, String)> {
    let of = |kernel: Kernel| {
        let forms = match (kernel, prelude) {
            (Kernel::Matmul, Prelude::U64) => &Form::ALL[..],
            (Kernel::Matmul, Prelude::U32) => &[Form::Halves, Form::Dot],
            _ => &[Form::Halves],
        };
        let text =
            |&form: &Form| (kernel.name(), kernel.source(prelude, form, &kernel.typical(form)));
        forms.iter().map(text).collect::<Vec<_>>()
    };
    Kernel::ALL.into_iter().flat_map(of).collect()
}

/// What a browser has: no extension, no capability beyond the core of WebGPU.
#[test]
fn every_shader_needs_no_extension() {
    for (name, text) in texts(Prelude::U32) {
        assert_eq!(validate(&text, Capabilities::default()), Ok(()), "{name}");
        assert!(
            !text.contains("enable ") && !text.contains("u64(") && !text.contains("i64>"),
            "{name}"
        );
    }
}

#[test]
fn every_shader_takes_64_bit_integers() {
    for (name, text) in texts(Prelude::U64) {
        let capabilities = Capabilities::default() | Capabilities::SHADER_INT64;
        assert_eq!(validate(&text, capabilities), Ok(()), "{name}");
        assert!(validate(&text, Capabilities::default()).is_err(), "{name}");
    }
}

#[test]
fn entry_points_are_called_like_their_files() {
    for (name, text) in texts(Prelude::U32) {
        let module = wgsl::parse_str(&text).expect("valid");
        let names: Vec<&str> = module.entry_points.iter().map(|e| e.name.as_str()).collect();
        assert_eq!(names, [name]);
    }
}
