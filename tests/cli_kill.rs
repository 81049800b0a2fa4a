//! `evaluate`, killed at any moment, loses no batch and leaves no file that is taken for a whole one.
//!
//! Six times as a rule; `CIPHERBATCH_KILLS=50` for as many as one likes.
#![cfg(feature = "cli")]

mod processes;

use cipherbatch::wire::Message;
use cipherbatch::{EncryptedAnswer, EncryptedBatch, PublicPlan};
use ndarray::Array4;
use processes::{Desk, program, succeed_in};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

const BATCHES: usize = 6;

fn files(desk: &Desk, folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(desk.path(folder)).into_iter().flatten().map(|e| e.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|p| p.extension().is_some_and(|e| e == ending)).collect();
    files.sort();
    files
}

#[test]
fn a_killed_evaluation_goes_on() {
    let kills: usize = std::env::var("CIPHERBATCH_KILLS").map_or(6, |n| n.parse().unwrap());
    let desk = Desk::new();
    succeed_in(&desk, &["plan", "--model", "cryptonets", "--save", "plan", "--public", "public"]);
    succeed_in(&desk, &["keygen", "--plan", "public", "--secret", "secret", "--keys", "keys"]);
    let images = Array4::from_shape_fn((BATCHES * 4096, 1, 28, 28), |(i, _, y, x)| {
        ((i + y * 3 + x * 5) % 11) as f32 / 11.0
    });
    ndarray_npy::write_npy(desk.path("x.npy"), &images).unwrap();
    let encrypt = [
        "encrypt", "--plan", "public", "--secret", "secret", "--input", "x.npy", "--output", "in/",
    ];
    succeed_in(&desk, &encrypt);

    let evaluate = |output: &'static str| {
        [
            "evaluate",
            "--plan",
            "plan",
            "--keys",
            "keys",
            "--backend",
            "cpu",
            "--input",
            "in",
            "--output",
            output,
        ]
    };
    let clock = Instant::now();
    succeed_in(&desk, &evaluate("want"));
    let whole = clock.elapsed();
    let want: BTreeMap<_, _> = files(&desk, "want", "answer")
        .into_iter()
        .map(|path| (path.file_name().unwrap().to_owned(), fs::read(path).unwrap()))
        .collect();
    assert_eq!(want.len(), BATCHES);

    let public = PublicPlan::load(&desk.path("public")).unwrap();
    let (mut killed, mut stopped_between, mut tries) = (0, 0, 0);
    while killed < kills {
        let mut process = program(&desk)
            .args(evaluate("out"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Multiples of the golden ratio fall everywhere; another one each time, since what is left to do may take
        // less than all of it did.
        let moment = (f64::from(tries) * 0.618_033_988_75).fract() * 0.9;
        tries += 1;
        sleep(whole.mul_f64(moment) + Duration::from_millis(1));
        process.kill().unwrap();
        killed += usize::from(!process.wait().unwrap().success());
        let answers = files(&desk, "out", "answer");
        stopped_between += usize::from(!answers.is_empty() && answers.len() < BATCHES);
        for path in &answers {
            let batch = desk.path("in").join(path.file_stem().unwrap()).with_extension("batch");
            let batch = EncryptedBatch::load(&public, &batch).unwrap();
            assert!(EncryptedAnswer::load(&public, path).unwrap().answers(&batch));
        }
        if answers.len() == BATCHES {
            fs::remove_dir_all(desk.path("out")).unwrap();
        }
    }
    succeed_in(&desk, &evaluate("out"));
    for (name, want) in &want {
        assert!(fs::read(desk.path("out").join(name)).unwrap() == *want, "{name:?}");
    }
    assert_eq!(files(&desk, "out", "answer").len(), BATCHES);
    eprintln!("{killed} kills, {stopped_between} of them between two batches");
}
