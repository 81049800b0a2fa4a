//! One node of the file: its name, its settings and the errors it can be part of.

use super::proto::{AttributeProto, NodeProto};
use crate::model::{ModelError, Result};

/// A node under import.
#[derive(Clone, Copy)]
pub(super) struct Operator<'a> {
    pub proto: &'a NodeProto,
    /// Its name, or that of its first output if it has none; unique.
    pub name: &'a str,
}

impl<'a> Operator<'a> {
    /// The operator's type.
    pub fn kind(&self) -> &'a str {
        &self.proto.op_type
    }

    /// The name of an input tensor; `None` if it is left out.
    pub fn input(&self, position: usize) -> Option<&'a str> {
        self.proto.input.get(position).map(String::as_str).filter(|name| !name.is_empty())
    }

    fn attribute(&self, name: &str) -> Option<&'a AttributeProto> {
        self.proto.attribute.iter().find(|attribute| attribute.name == name)
    }

    /// Whether a setting is given.
    pub fn has(&self, name: &str) -> bool {
        self.attribute(name).is_some()
    }

    /// An integer setting.
    pub fn int(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).map_or(default, |attribute| attribute.i)
    }

    /// A real setting.
    pub fn float(&self, name: &str, default: f32) -> f64 {
        f64::from(self.attribute(name).map_or(default, |attribute| attribute.f))
    }

    /// A setting that is a list of integers; empty if it is not given.
    pub fn ints(&self, name: &str) -> &'a [i64] {
        self.attribute(name).map_or(&[], |attribute| &attribute.ints)
    }

    /// A setting that is a text; empty if it is not given.
    pub fn text(&self, name: &str) -> String {
        let bytes = self.attribute(name).map_or(&[][..], |attribute| &attribute.s);
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// The whole setting.
    pub fn setting(&self, name: &str) -> Option<&'a AttributeProto> {
        self.attribute(name)
    }

    /// `N` sizes, none negative, or all of them `default`.
    pub fn sizes<const N: usize>(&self, name: &str, default: usize) -> Result<[usize; N]> {
        let given = self.ints(name);
        if given.is_empty() {
            return Ok([default; N]);
        }
        let sizes: Option<Vec<usize>> = given.iter().map(|&x| usize::try_from(x).ok()).collect();
        sizes.and_then(|sizes| sizes.try_into().ok()).ok_or_else(|| {
            self.misfit(format!("{name} of {N} sizes (two-dimensional)"), format!("{given:?}"))
        })
    }

    /// Something that does not fit.
    pub fn misfit(&self, expected: impl Into<String>, found: impl Into<String>) -> ModelError {
        ModelError::Shape {
            node: self.name.into(),
            op: self.kind().into(),
            expected: expected.into(),
            found: found.into(),
        }
    }

    /// A setting that is not supported, and what to do instead.
    pub fn unsupported(&self, what: impl Into<String>, advice: impl Into<String>) -> ModelError {
        ModelError::UnsupportedSetting {
            node: self.name.into(),
            op: self.kind().into(),
            what: what.into(),
            advice: advice.into(),
        }
    }
}
