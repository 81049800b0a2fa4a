//! Client and server as four processes that share files and nothing else.
#![cfg(feature = "cli")]

mod processes;

use cipherbatch::wire::Message;
use cipherbatch::{
    Client, Device, EncryptedAnswer, EncryptedBatch, EvaluationKeys, Plan, PublicPlan, Server,
};
use ndarray::{Array2, ArrayD, Axis};
use ndarray_npy::read_npy;
use processes::{Desk, program, refused_in, run_in, succeed_in};
use std::fs;
use std::process::Stdio;

/// MNIST's first test images, as they come along.
const IMAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/mnist/t10k-images-idx3-ubyte.gz");

/// A plan of CryptoNets' network: the whole of it for the server, the public part for the client.
fn planned() -> Desk {
    let desk = Desk::new();
    succeed_in(&desk, &["plan", "--model", "cryptonets", "--save", "plan", "--public", "public"]);
    desk
}

/// A client's desk with keys, and the evaluation keys on it for the server.
fn keyed(planned: &Desk) -> Desk {
    let client = Desk::with(planned, &["public"]);
    succeed_in(&client, &["keygen", "--plan", "public", "--secret", "secret", "--keys", "keys"]);
    client
}

const ENCRYPT: [&str; 9] =
    ["encrypt", "--plan", "public", "--secret", "secret", "--input", IMAGES, "--limit", "100"];
const EVALUATE: [&str; 7] = ["evaluate", "--plan", "plan", "--keys", "keys", "--backend", "cpu"];
const DECRYPT: [&str; 5] = ["decrypt", "--plan", "public", "--secret", "secret"];

/// Each process in a folder with its own files and no others; and the library, given the same files,
/// arrives at the same bits.
#[test]
fn four_processes_give_the_answers_of_one() {
    let planned = planned();
    let keygen = keyed(&planned);
    let encrypt = Desk::with(&planned, &["public"]).and(&keygen, &["secret"]);
    succeed_in(&encrypt, &[&ENCRYPT[..], &["--output", "x"]].concat());
    let evaluate = Desk::with(&planned, &["plan"]).and(&keygen, &["keys"]).and(&encrypt, &["x"]);
    succeed_in(&evaluate, &[&EVALUATE[..], &["--input", "x", "--output", "y"]].concat());
    let decrypt =
        Desk::with(&planned, &["public"]).and(&keygen, &["secret"]).and(&evaluate, &["y"]);
    succeed_in(&decrypt, &[&DECRYPT[..], &["--input", "y", "--output", "y.npy"]].concat());
    succeed_in(
        &decrypt,
        &[&DECRYPT[..], &["--input", "y", "--output", "y.txt", "--labels"]].concat(),
    );
    let got: ArrayD<f32> = read_npy(decrypt.path("y.npy")).unwrap();

    let plan = Plan::from_bytes(&fs::read(planned.path("plan")).unwrap()).unwrap();
    let public = PublicPlan::load(&planned.path("public")).unwrap();
    assert_eq!(public, plan.public());
    let client = Client::load_secret(&public, &keygen.path("secret")).unwrap();
    let keys = EvaluationKeys::load(&public, &keygen.path("keys")).unwrap();
    let batch = EncryptedBatch::load(&public, &encrypt.path("x")).unwrap();
    let server = Server::new(&plan, &keys, Device::cpu()).unwrap();
    let answer = server.evaluate(&batch).unwrap();
    assert_eq!(answer, EncryptedAnswer::load(&public, &evaluate.path("y")).unwrap());
    assert_eq!(client.decrypt(&answer).unwrap(), got);
    assert_eq!(got.shape(), [100, 10]);
    // The same plan, made again from the network.
    let model = ["evaluate", "--model", "cryptonets", "--keys", "keys", "--backend", "cpu"];
    succeed_in(&evaluate, &[&model[..], &["--input", "x", "--output", "again"]].concat());
    assert!(fs::read(evaluate.path("y")).unwrap() == fs::read(evaluate.path("again")).unwrap());
    #[cfg(feature = "gpu")]
    if Device::gpu().is_ok() {
        let gpu = ["evaluate", "--plan", "plan", "--keys", "keys", "--backend", "gpu"];
        succeed_in(&evaluate, &[&gpu[..], &["--input", "x", "--output", "z"]].concat());
        assert!(fs::read(evaluate.path("y")).unwrap() == fs::read(evaluate.path("z")).unwrap());
    }

    let labels = fs::read_to_string(decrypt.path("y.txt")).unwrap();
    let labels: Vec<usize> = labels.lines().map(|line| line.parse().unwrap()).collect();
    for (row, &label) in got.outer_iter().zip(&labels) {
        assert!(row.iter().all(|&v| v <= row[label]));
    }
    // The first digits of the set, as people read them.
    assert_eq!(labels[..10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);

    let report: serde_json::Value = serde_json::from_slice(
        &succeed_in(&planned, &["plan", "--model", "cryptonets", "--json"]).stdout,
    )
    .unwrap();
    let size = |desk: &Desk, name| fs::metadata(desk.path(name)).unwrap().len();
    assert_eq!(report["upload_bytes"], size(&encrypt, "x") - 124);
    assert_eq!(report["answer_bytes"], size(&evaluate, "y") - 124);
    assert_eq!(report["key_bytes"], size(&keygen, "keys") - 100);
    assert!(size(&encrypt, "x") <= 12_000 * plan.slots() as u64, "12 kB an image of a full batch");
    assert!(size(&keygen, "keys") <= 2_000_000);
}

#[test]
fn pipes_work() {
    let planned = planned();
    let desk = keyed(&planned).and(&planned, &["plan"]);
    let spawn = |arguments: &[&str], stdin: Stdio| {
        program(&desk).args(arguments).stdin(stdin).stdout(Stdio::piped()).spawn().unwrap()
    };
    let through = ["--input", "-", "--output", "-"];
    let mut x = spawn(&[&ENCRYPT[..], &["--output", "-"]].concat(), Stdio::null());
    let mut y = spawn(&[&EVALUATE[..], &through].concat(), x.stdout.take().unwrap().into());
    let labels = [&DECRYPT[..], &through, &["--labels"]].concat();
    let labels = spawn(&labels, y.stdout.take().unwrap().into()).wait_with_output().unwrap();
    assert!(x.wait().unwrap().success() && y.wait().unwrap().success());
    assert!(labels.status.success());
    assert!(labels.stdout.starts_with(b"7\n2\n1\n0\n4\n"));
    assert_eq!(labels.stdout.iter().filter(|&&b| b == b'\n').count(), 100);
}

/// Folders: what is there is not made again, what is missing is, and all come in order.
#[test]
fn folders_go_on_where_they_stopped() {
    let planned = planned();
    let desk = keyed(&planned).and(&planned, &["plan"]);
    let x = Array2::from_shape_fn((9000, 784), |(i, j)| ((i + j * 7) % 97) as f32 / 97.0);
    let x = x.into_shape_with_order((9000, 1, 28, 28)).unwrap();
    ndarray_npy::write_npy(desk.path("x.npy"), &x).unwrap();
    let encrypt = [
        "encrypt", "--plan", "public", "--secret", "secret", "--input", "x.npy", "--output", "in/",
    ];
    succeed_in(&desk, &encrypt);
    let names = ["000000000000", "000000004096", "000000008192"];
    let batch = |i: usize| desk.path(&format!("in/{}.batch", names[i]));
    let answer = |i: usize| desk.path(&format!("out/{}.answer", names[i]));
    assert_eq!(fs::read_dir(desk.path("in")).unwrap().count(), 3);

    // Encryption that was interrupted goes on, and nothing is encrypted a second time.
    let first = fs::read(batch(0)).unwrap();
    fs::remove_file(batch(1)).unwrap();
    let line = refused_in(&desk, &encrypt);
    assert!(line.contains("--force"), "{line}");
    succeed_in(&desk, &[&encrypt[..], &["--resume"]].concat());
    assert_eq!(fs::read(batch(0)).unwrap(), first);
    assert_eq!(fs::read_dir(desk.path("in")).unwrap().count(), 3);

    let evaluate = [&EVALUATE[..], &["--input", "in", "--output", "out"]].concat();
    let says = |out: std::process::Output| String::from_utf8(out.stdout).unwrap();
    assert!(says(succeed_in(&desk, &evaluate)).contains("3 evaluated, 0 were there"));
    let decrypt = [&DECRYPT[..], &["--input", "out", "--output", "y.npy"]].concat();
    fs::rename(answer(1), desk.path("away")).unwrap();
    let line = refused_in(&desk, &decrypt);
    assert!(line.contains("answers to inputs 4096 to 8191 are missing"), "{line}");
    assert!(says(succeed_in(&desk, &evaluate)).contains("1 evaluated, 2 were there"));
    assert_eq!(fs::read(answer(1)).unwrap(), fs::read(desk.path("away")).unwrap());
    succeed_in(&desk, &decrypt);
    let got: ArrayD<f32> = read_npy(desk.path("y.npy")).unwrap();
    assert_eq!(got.shape(), [9000, 10]);
    // Inputs repeat after 97.
    let apart = |a: usize, b: usize| {
        let difference = &got.index_axis(Axis(0), a) - &got.index_axis(Axis(0), b);
        difference.iter().fold(0f32, |most, v| most.max(v.abs()))
    };
    assert!(apart(0, 97 * 90) < 2.0 && apart(0, 1) > 0.0);

    // An answer to something else is not taken for one to this, nor a damaged file for a whole one.
    fs::copy(answer(0), answer(2)).unwrap();
    assert!(refused_in(&desk, &evaluate).contains("of something else"));
    fs::write(answer(2), &fs::read(answer(0)).unwrap()[..1000]).unwrap();
    assert!(refused_in(&desk, &evaluate).contains("truncated"));
    let forced = [&evaluate[..], &["--force"]].concat();
    assert!(says(succeed_in(&desk, &forced)).contains("1 evaluated, 2 were there"));
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let planned = planned();
    let desk = keyed(&planned).and(&planned, &["plan"]);
    let other = keyed(&planned);
    fs::copy(other.path("secret"), desk.path("secret2")).unwrap();
    fs::copy(other.path("keys"), desk.path("keys2")).unwrap();
    let foreign = [
        "plan",
        "--model",
        "cryptonets",
        "--precision",
        "6.5",
        "--save",
        "plan2",
        "--public",
        "public2",
    ];
    succeed_in(&desk, &foreign);
    succeed_in(&desk, &[&ENCRYPT[..], &["--output", "x"]].concat());
    succeed_in(&desk, &[&EVALUATE[..], &["--input", "x", "--output", "y"]].concat());
    let before = desk.entries();
    let evaluate = |plan, keys, input| {
        refused_in(
            &desk,
            &["evaluate", "--plan", plan, "--keys", keys, "--input", input, "--output", "z"],
        )
    };
    let decrypt = |plan, secret, input| {
        refused_in(
            &desk,
            &["decrypt", "--plan", plan, "--secret", secret, "--input", input, "--output", "z"],
        )
    };
    for (line, what) in [
        (evaluate("plan", "keys2", "x"), "met key pair"),
        (evaluate("plan2", "keys", "x"), "met plan"),
        (evaluate("public", "keys", "x"), "does not begin with \"CBPLAN\""),
        (evaluate("plan", "secret", "x"), "it holds a secret key, where evaluation keys must be"),
        (
            evaluate("plan", "keys", "y"),
            "it holds encrypted answers, where an encrypted batch must be",
        ),
        (evaluate("plan", "keys", "gone"), "gone"),
        (decrypt("public", "secret2", "y"), "met key pair"),
        (decrypt("public2", "secret", "y"), "met plan"),
        (decrypt("plan", "secret", "y"), "not a file of cipherbatch"),
        (decrypt("public", "keys", "y"), "it holds evaluation keys, where a secret key must be"),
        (
            decrypt("public", "secret", "x"),
            "it holds an encrypted batch, where encrypted answers must be",
        ),
    ] {
        assert!(line.contains(what), "{line}");
    }
    // Truncated and damaged on the way, at places all over the file.
    let whole = fs::read(desk.path("x")).unwrap();
    for at in [0, 7, 60, 100, 5000, whole.len() / 2, whole.len() - 33, whole.len() - 1] {
        fs::write(desk.path("damaged"), &whole[..at]).unwrap();
        evaluate("plan", "keys", "damaged");
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(desk.path("damaged"), bytes).unwrap();
        evaluate("plan", "keys", "damaged");
    }
    fs::remove_file(desk.path("damaged")).unwrap();
    assert_eq!(desk.entries(), before, "no output of what was refused");
}

#[test]
fn keys_are_not_lost_by_mistake() {
    let planned = planned();
    let desk = keyed(&planned);
    let secret = fs::read(desk.path("secret")).unwrap();
    let keygen = ["keygen", "--plan", "public", "--secret", "secret", "--keys", "keys3"];
    assert!(refused_in(&desk, &keygen).contains("secret: it is there already"));
    assert_eq!(fs::read(desk.path("secret")).unwrap(), secret);
    assert!(!desk.path("keys3").exists());
    succeed_in(&desk, &[&keygen[..], &["--force"]].concat());
    assert_ne!(fs::read(desk.path("secret")).unwrap(), secret);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |name| fs::metadata(desk.path(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode("secret"), 0o600);
    }
}

/// Results that others may see: refused where nothing would be left of them, which is so for a plan as
/// precise as answers need; flooded and rounded where the plan can spare it.
#[test]
fn results_to_share_are_flooded_or_refused() {
    for (precision, bits, shared) in
        [(None, "20", false), (Some("12"), "20", false), (Some("12"), "8", true)]
    {
        let desk = Desk::new();
        let plan = ["plan", "--model", "cryptonets", "--save", "plan", "--public", "public"];
        let precision: Vec<&str> = precision.into_iter().flat_map(|p| ["--precision", p]).collect();
        succeed_in(&desk, &[&plan[..], &precision].concat());
        succeed_in(&desk, &["keygen", "--plan", "public", "--secret", "secret", "--keys", "keys"]);
        succeed_in(&desk, &[&ENCRYPT[..7], &["--limit", "1", "--output", "x"]].concat());
        succeed_in(&desk, &[&EVALUATE[..], &["--input", "x", "--output", "y"]].concat());
        succeed_in(&desk, &[&DECRYPT[..], &["--input", "y", "--output", "own.npy"]].concat());
        let share =
            [&DECRYPT[..], &["--input", "y", "--output", "y.npy", "--share", bits]].concat();
        if !shared {
            let line = refused_in(&desk, &share);
            assert!(line.contains("at 20 bits") && line.contains("more precise"), "{line}");
            assert!(!desk.path("y.npy").exists());
            continue;
        }
        succeed_in(&desk, &share);
        let [own, got]: [ArrayD<f32>; 2] =
            ["own.npy", "y.npy"].map(|name| read_npy(desk.path(name)).unwrap());
        // By a tenth or two, in steps of an eighth; the digit is a 7.
        assert!(got.iter().all(|v| (v * 8.0).fract() == 0.0), "{got}");
        assert!(own.iter().zip(&got).all(|(a, b)| (a - b).abs() < 2.0) && own != got);
        // More values under the same key leave less.
        let more = [&share[..], &["--force", "--share-values", "1000000"]].concat();
        assert!(refused_in(&desk, &more).contains("1000000 values"));
    }
    assert_eq!(
        run_in(&Desk::new(), &[&DECRYPT[..], &["--share", "0"]].concat()).status.code(),
        Some(2)
    );
}
