//! Where the time went, for Chrome's trace viewer (`chrome://tracing`, Perfetto).

use std::fmt::Write;
use std::time::Duration;

/// What took time: each kind has a line of its own in the viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Track {
    /// Chunks of layers, by the host's clock.
    Layers,
    /// Kernels, by the device's clock, from the first of their batch on.
    Kernels,
}

/// Something that took time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its line.
    pub track: Track,
    /// For people.
    pub name: String,
    /// The layer that it belongs to, as the server's progress counts them; `None` where inputs come in.
    pub layer: Option<usize>,
    /// Since the recording began.
    pub start: Duration,
    /// How long it took.
    pub length: Duration,
}

/// Spans as a JSON file in Chrome's trace format, times in microseconds.
pub fn chrome(spans: &[Span]) -> String {
    let mut out = String::from("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n");
    for track in [Track::Layers, Track::Kernels] {
        let (line, name) = (track as usize, format!("{track:?}").to_lowercase());
        let _ = writeln!(
            out,
            "{{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":1,\"tid\":{line},\"args\":{{\"name\":\"{name}\"}}}},"
        );
    }
    for span in spans {
        // Names have no quotes; whatever else they may have, a file is a file.
        let name = span.name.replace(['"', '\\'], "'").replace(char::is_control, " ");
        let us = |d: Duration| d.as_secs_f64() * 1e6;
        let _ = writeln!(
            out,
            "{{\"name\":\"{name}\",\"ph\":\"X\",\"pid\":1,\"tid\":{},\"ts\":{:.3},\"dur\":{:.3}}},",
            span.track as usize,
            us(span.start),
            us(span.length)
        );
    }
    // The format lets the last comma stand in arrays, JSON does not: an empty event ends them.
    out + "{\"name\":\"end\",\"ph\":\"M\",\"pid\":1,\"tid\":0,\"args\":{}}\n]}\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_are_json() {
        let span = |name: &str| Span {
            track: Track::Kernels,
            name: name.into(),
            layer: None,
            start: Duration::from_micros(1500),
            length: Duration::from_nanos(2500),
        };
        let text = chrome(&[span("matmul"), span("a \"quoted\\ name\n")]);
        let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
        let events = parsed["traceEvents"].as_array().unwrap();
        assert_eq!(events.len(), 5);
        assert_eq!(
            (events[2]["ts"].as_f64(), events[2]["dur"].as_f64()),
            (Some(1500.0), Some(2.5))
        );
        assert_eq!(events[3]["name"], "a 'quoted' name ");
    }
}
