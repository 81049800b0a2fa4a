//! `cipherbatch plan` as its users meet it.
#![cfg(feature = "cli")]

use cipherbatch::Plan;
use std::process::{Command, Output};

fn plan(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cipherbatch")).arg("plan").args(arguments).output().unwrap()
}

#[test]
fn a_table_and_json_say_the_same() {
    let table = plan(&["--model", "cryptonets"]);
    assert!(table.status.success());
    let table = String::from_utf8(table.stdout).unwrap();
    let json = plan(&["--model", "cryptonets", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&json["ring_degree"], &json["security_bits"]), (&4096.into(), &128.into()));
    for step in json["steps"].as_array().unwrap() {
        let layer = step["layer"].as_str().unwrap();
        let line = table.lines().find(|line| line.starts_with(layer)).unwrap();
        assert!(line.contains(&step["weights"].to_string()), "{line}");
        let shape: Vec<_> =
            step["shape"].as_array().unwrap().iter().map(|d| d.to_string()).collect();
        let seconds = step["gpu_seconds_at_peak"].as_f64().unwrap();
        let said = |cell: String| line.split_whitespace().any(|word| word == cell);
        assert!(said(shape.join("×")) && said(format!("{seconds:.4}")), "{line}");
    }
    assert_eq!(json["steps"][0]["shape"], serde_json::json!([5, 13, 13]));
    let gpu = json["gpu_seconds_at_peak"].as_f64().unwrap();
    assert!(0.0 < gpu && gpu < json["cpu_seconds"].as_f64().unwrap());
    assert!(table.contains("NVIDIA H100 SXM") && table.contains("not measured"), "{table}");
    assert!(table.contains("N = 4096, 3 primes") && table.contains("at most 106"), "{table}");
    let switches: u64 =
        json["steps"].as_array().unwrap().iter().map(|s| s["key_switches"].as_u64().unwrap()).sum();
    assert_eq!(switches, 100, "lazy: the dense layer's results and nothing else");
}

/// A budget is kept, or refused with what is needed.
#[test]
fn memory_is_bounded_or_refused() {
    let memory = |budget: &str| {
        let done = plan(&["--model", "cryptonets", "--json", "--memory", budget]);
        assert!(done.status.success(), "{done:?}");
        let json: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
        json["memory_bytes"].as_u64().unwrap()
    };
    let (free, bound) = (memory("100GB"), memory("80MB"));
    assert!(bound <= 80_000_000 && bound < free, "{bound} {free}");
    let refused = plan(&["--model", "cryptonets", "--memory", "1MB"]);
    let line = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && line.lines().count() == 1, "{line}");
    let needed = line.split(|c: char| !c.is_ascii_digit()).any(|n| n.len() > 6);
    assert!(needed, "{line}");
}

#[test]
fn a_plan_is_written_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cryptonets.plan");
    let done = plan(&["--model", "cryptonets", "--save", path.to_str().unwrap()]);
    assert!(done.status.success());
    let read = Plan::from_bytes(&std::fs::read(&path).unwrap()).unwrap();
    assert!(String::from_utf8(done.stdout).unwrap().contains(&read.digest().to_string()));
}

#[test]
fn more_precision_costs_more_and_too_much_is_refused() {
    let more = plan(&["--model", "cryptonets", "--precision", "6.5", "--json"]);
    let more: serde_json::Value = serde_json::from_slice(&more.stdout).unwrap();
    assert!(more["primes"].as_array().unwrap().len() > 3);
    let refused = plan(&["--model", "cryptonets", "--precision", "60"]);
    let line = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(line.contains("60.0 are wanted") && line.lines().count() == 1, "{line}");
}
