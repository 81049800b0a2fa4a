//! What crosses between client and server: it comes back as it went, and whatever else arrives is
//! refused by name.

use cipherbatch::model::{Dense, Polynomial};
use cipherbatch::wire::{Existing, Message, WireError};
use cipherbatch::{
    Client, ClientError, Device, EncryptedAnswer, EncryptedBatch, EvaluationKeys, Network, Plan,
    PlanOptions, PublicPlan, Server,
};
use ndarray::{Array2, array};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// Where the parts of a frame begin.
const VERSION: usize = 8;
const KIND: usize = 10;
const DIGEST: usize = 12;
const KEY: usize = 44;
const LENGTH: usize = 60;
const CONTENT: usize = 68;
/// Bytes of the checksum.
const CHECKSUM: usize = 32;

/// x·y, as (x + y)² and (x − y)².
fn network(quarter: f64) -> Network {
    let mut b = Network::builder(&[2]).unwrap();
    let sums = Dense::new(array![[1.0, 1.0], [1.0, -1.0]], vec![0.0; 2]);
    let x = b.dense("sums", b.input(), sums).unwrap();
    let x = b.polynomial("square", x, Polynomial::uniform(&[0.0, 0.0, 1.0])).unwrap();
    let last = Dense::new(array![[quarter, -quarter]], vec![0.0]);
    let x = b.dense("difference", x, last).unwrap();
    // A second square, so that there is something to relinearise.
    let x = b.polynomial("again", x, Polynomial::uniform(&[0.0, 0.0, 1.0])).unwrap();
    b.finish(x).unwrap()
}

/// A ring so small that every byte can be tried.
fn plan(quarter: f64) -> Plan {
    Plan::new_insecure(&network(quarter), &PlanOptions::default(), 16).unwrap()
}

/// One of everything that crosses, as bytes.
struct Crossing {
    plan: PublicPlan,
    secret: Vec<u8>,
    keys: Vec<u8>,
    batch: Vec<u8>,
    answer: Vec<u8>,
}

impl Crossing {
    fn new(plan: &Plan) -> Self {
        let public = plan.public();
        let client = Client::new(plan).unwrap();
        let server = Server::new(plan, client.evaluation_keys(), Device::cpu()).unwrap();
        let batch = client.encrypt(inputs().view()).unwrap();
        let answer = server.evaluate(&batch).unwrap();
        let mut secret = Vec::new();
        client.write_secret(&mut secret).unwrap();
        Self {
            secret,
            keys: bytes(client.evaluation_keys(), &public),
            batch: bytes(&batch, &public),
            answer: bytes(&answer, &public),
            plan: public,
        }
    }

    /// What reading each of them says, by kind.
    fn read(&self, kind: usize, bytes: &[u8]) -> Result<(), WireError> {
        match kind {
            1 => match Client::read_secret(&self.plan, bytes) {
                Err(ClientError::Wire(error)) => Err(error),
                other => other.map(drop).map_err(|error| panic!("{error}")),
            },
            2 => EvaluationKeys::read(&self.plan, bytes).map(drop),
            3 => EncryptedBatch::read(&self.plan, bytes).map(drop),
            4 => EncryptedAnswer::read(&self.plan, bytes).map(drop),
            _ => PublicPlan::read(bytes).map(drop),
        }
    }

    /// Their kinds and their bytes.
    fn all(&self) -> [(usize, &[u8]); 4] {
        [(1, &self.secret), (2, &self.keys), (3, &self.batch), (4, &self.answer)]
    }
}

static CROSSING: LazyLock<Crossing> = LazyLock::new(|| Crossing::new(&plan(0.25)));

/// More than the 16 slots of a tile.
fn inputs() -> Array2<f32> {
    Array2::from_shape_fn((37, 2), |(i, j)| ((i * 7 + j * 3) % 10) as f32 / 10.0)
}

fn bytes(message: &impl Message, plan: &PublicPlan) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.write(plan, &mut bytes).unwrap();
    bytes
}

/// A plan that a file may hold, which is a secure one.
fn secure() -> Vec<u8> {
    let mut bytes = Vec::new();
    let plan = Plan::new(&network(0.25), &PlanOptions::default()).unwrap();
    plan.public().write(&mut bytes).unwrap();
    bytes
}

/// Changed bytes under a checksum that is right.
fn forged(bytes: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = bytes[..bytes.len() - CHECKSUM].to_vec();
    change(&mut bytes);
    let checksum = Sha256::digest(&bytes);
    bytes.extend(checksum);
    bytes
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

#[test]
fn they_come_back_as_they_went() {
    let c = &*CROSSING;
    let client = Client::read_secret(&c.plan, &c.secret[..]).unwrap();
    let keys = EvaluationKeys::read(&c.plan, &c.keys[..]).unwrap();
    let batch = EncryptedBatch::read(&c.plan, &c.batch[..]).unwrap();
    let answer = EncryptedAnswer::read(&c.plan, &c.answer[..]).unwrap();
    assert_eq!(bytes(&keys, &c.plan), c.keys);
    assert_eq!(bytes(&batch, &c.plan), c.batch);
    assert_eq!(bytes(&answer, &c.plan), c.answer);
    let mut secret = Vec::new();
    client.write_secret(&mut secret).unwrap();
    assert_eq!(secret, c.secret);
    assert!(answer.answers(&batch));
    assert!(!answer.answers(&client.encrypt(inputs().view()).unwrap()));
    assert!(!answer.answers(&batch.clone().within(1, 100)));

    let server = Server::new(&plan(0.25), &keys, Device::cpu()).unwrap();
    assert_eq!(server.evaluate(&batch).unwrap(), answer, "the same integers");
    // Keys that the read client made anew serve as well.
    let server = Server::new(&plan(0.25), client.evaluation_keys(), Device::cpu()).unwrap();
    for answer in [answer, server.evaluate(&batch).unwrap()] {
        let got = client.decrypt(&answer).unwrap();
        for (input, got) in inputs().rows().into_iter().zip(got.iter()) {
            assert!(((input[0] * input[1]).powi(2) - got).abs() < 0.05);
        }
    }
    let read = PublicPlan::read(&secure()[..]).unwrap();
    let mut again = Vec::new();
    read.write(&mut again).unwrap();
    assert_eq!(again, secure());
    assert_eq!(read, Plan::new(&network(0.25), &PlanOptions::default()).unwrap().public());
}

#[test]
fn every_truncation_is_refused() {
    let c = &*CROSSING;
    let public = secure();
    for (kind, bytes) in c.all().into_iter().chain([(5, &public[..])]) {
        for len in 0..bytes.len() {
            match c.read(kind, &bytes[..len]) {
                Err(WireError::Magic) if len < VERSION => {}
                Err(WireError::Truncated { missing }) if len < CONTENT => assert!(missing > 0),
                Err(WireError::Truncated { missing }) => {
                    assert_eq!(missing, (bytes.len() - len) as u64, "{kind}, {len}");
                }
                other => panic!("{kind}, {len} of {}: {other:?}", bytes.len()),
            }
        }
        let longer = [bytes, &[0]].concat();
        assert!(matches!(c.read(kind, &longer), Err(WireError::Trailing)), "{kind}");
    }
}

#[test]
fn every_changed_byte_is_refused() {
    let c = &*CROSSING;
    let public = secure();
    for (kind, bytes) in c.all().into_iter().chain([(5, &public[..])]) {
        let mut changed = bytes.to_vec();
        for at in 0..bytes.len() {
            for mask in [1, 0x80, 0xff] {
                changed[at] ^= mask;
                let error = c.read(kind, &changed).expect_err("a changed byte");
                assert!(!error.is_machine(), "{kind}, {at}: {error}");
                changed[at] ^= mask;
            }
        }
    }
}

/// Whoever makes a file can make its checksum, too.
#[test]
fn forged_heads_are_refused_by_name() {
    let c = &*CROSSING;
    for (kind, bytes) in c.all() {
        let says = |what: &str, change: &dyn Fn(&mut Vec<u8>)| {
            let line = c.read(kind, &forged(bytes, |b| change(b))).unwrap_err().to_string();
            assert!(line.contains(what), "{kind}: {line}");
        };
        says("does not begin with", &|b| b[1] = b'X');
        says("format 3", &|b| b[VERSION] = 3);
        says("unknown kind 77", &|b| b[KIND] = 77);
        says("a public plan, where", &|b| b[KIND] = 5);
        says("must load the same plan", &|b| b[DIGEST] ^= 1);
        for length in [0, 1, 1 << 20, u64::MAX, u64::MAX - 99] {
            says("bytes of", &|b| put(b, LENGTH, &length.to_le_bytes()));
        }
    }
}

#[test]
fn forged_contents_are_refused_by_name() {
    let c = &*CROSSING;
    for (kind, bytes) in [(3, &c.batch), (4, &c.answer)] {
        let says = |what: &str, change: &dyn Fn(&mut Vec<u8>)| {
            let line = c.read(kind, &forged(bytes, |b| change(b))).unwrap_err().to_string();
            assert!(line.contains(what), "{kind}: {line}");
        };
        let numbers = |b: &mut Vec<u8>, first: u64, images: u64, total: u64| {
            let span = [first, images, total].map(u64::to_le_bytes);
            put(b, CONTENT, &span.concat());
        };
        says("of a set of", &|b| numbers(b, 0, 0, 0));
        says("of a set of", &|b| numbers(b, 1, 37, 37));
        says("of a set of", &|b| numbers(b, u64::MAX, 37, u64::MAX));
        says("bytes of", &|b| numbers(b, 0, 49, 49));
        says("bytes of", &|b| numbers(b, 0, u64::MAX, u64::MAX));
        // As many tiles, and so as many bytes: which images they are is the sender's word.
        let fewer = forged(bytes, |b| numbers(b, 4, 33, 48));
        assert!(c.read(kind, &fewer).is_ok());
    }
    // The first residue of each becomes the largest number of its bits, which is no residue.
    for (kind, bytes, at) in [(2, &c.keys, 32), (3, &c.batch, 24 + 32), (4, &c.answer, 24 + 32)] {
        let forged = forged(bytes, |b| put(b, CONTENT + at, &[0xff; 4]));
        let line = c.read(kind, &forged).unwrap_err().to_string();
        assert!(line.contains("is not below its prime"), "{kind}: {line}");
    }
}

#[test]
fn forged_public_plans_are_refused_by_name() {
    let public = secure();
    let count = u32::from_le_bytes(public[CONTENT + 4..CONTENT + 8].try_into().unwrap()) as usize;
    let own = CONTENT + 8 + 4 * count;
    let rest = own + 4;
    let says = |what: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let line = PublicPlan::read(&forged(&public, |b| change(b))[..]).unwrap_err().to_string();
        assert!(line.contains(what), "{what}: {line}");
    };
    let word = |b: &mut Vec<u8>, at: usize, value: u32| put(b, at, &value.to_le_bytes());
    let double = |b: &mut Vec<u8>, at: usize, value: f64| put(b, at, &value.to_le_bytes());
    says("ring degree 5 ", &|b| word(b, CONTENT, 5));
    says("not in the table", &|b| word(b, CONTENT, 1024));
    says("not prime", &|b| word(b, CONTENT + 8, 4));
    says("contradict", &|b| word(b, CONTENT + 4, u32::MAX));
    says("contradict", &|b| word(b, own, u32::MAX));
    says("contradict", &|b| word(b, rest, 2));
    says("finite, the low end", &|b| put(b, rest + 4, &f32::NAN.to_le_bytes()));
    says("the predicted error is NaN", &|b| double(b, rest + 12, f64::NAN));
    says("inputs at level 0", &|b| word(b, rest + 20, 0));
    says("inputs of 3 components", &|b| word(b, rest + 24, 3));
    says("the scale of inputs is 0", &|b| double(b, rest + 28, 0.0));
    says("the range of inputs is inf", &|b| double(b, rest + 36, f64::INFINITY));
    says("contradict", &|b| word(b, rest + 44, u32::MAX));
    says("inputs of shape [0]", &|b| word(b, rest + 48, 0));
    says("inputs of shape [4294967295]", &|b| word(b, rest + 48, u32::MAX));
    says("results at level 9", &|b| word(b, rest + 52, 9));
    says("results of 4 components", &|b| word(b, rest + 56, 4));
    says("bytes of", &|b| put(b, LENGTH, &u64::MAX.to_le_bytes()));
    // Weaker than it may be: a modulus as large as allowed, over the next smaller ring.
    says("128-bit security", &|b| word(b, CONTENT, 2048));
}

#[test]
fn swapped_keys_and_plans_are_named() {
    let c = &*CROSSING;
    let other = Crossing::new(&plan(0.25));
    let foreign = Crossing::new(&plan(0.5));
    let key = |line: String| assert!(line.contains("key pair") && line.contains("met"), "{line}");
    let client = Client::read_secret(&c.plan, &c.secret[..]).unwrap();
    let server = Server::new(&plan(0.25), client.evaluation_keys(), Device::cpu()).unwrap();
    let batch = EncryptedBatch::read(&c.plan, &other.batch[..]).unwrap();
    key(server.evaluate(&batch).unwrap_err().to_string());
    let answer = EncryptedAnswer::read(&c.plan, &other.answer[..]).unwrap();
    key(client.decrypt(&answer).unwrap_err().to_string());
    for (kind, bytes) in foreign.all() {
        let line = c.read(kind, bytes).unwrap_err().to_string();
        assert!(line.contains("must load the same plan"), "{kind}: {line}");
    }
    let swapped = forged(&c.answer, |b| b[KEY] ^= 1);
    key(client
        .decrypt(&EncryptedAnswer::read(&c.plan, &swapped[..]).unwrap())
        .unwrap_err()
        .to_string());
}

#[test]
fn files_are_whole_and_not_overwritten() {
    let c = &*CROSSING;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let keys = EvaluationKeys::read(&c.plan, &c.keys[..]).unwrap();
    keys.save(&c.plan, &path, Existing::Keep).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), c.keys);
    let line = keys.save(&c.plan, &path, Existing::Keep).unwrap_err().to_string();
    assert!(line.contains("keys: it is there already"), "{line}");
    keys.save(&c.plan, &path, Existing::Replace).unwrap();
    assert_eq!(EvaluationKeys::load(&c.plan, &path).unwrap(), keys);

    let secret = folder.path().join("secret");
    let client = Client::read_secret(&c.plan, &c.secret[..]).unwrap();
    client.save_secret(&secret, Existing::Keep).unwrap();
    assert!(client.save_secret(&secret, Existing::Keep).is_err());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&secret), 0o600);
    }
    let gone = folder.path().join("gone");
    let line = EvaluationKeys::load(&c.plan, &gone).unwrap_err().to_string();
    assert!(line.starts_with(gone.to_str().unwrap()), "{line}");
    assert_eq!(folder.path().read_dir().unwrap().count(), 2, "no temporary file is left");
}

proptest! {
    /// Whatever follows a right head under a right checksum.
    #[test]
    fn any_content_is_read_or_refused(
        kind in 0usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
    ) {
        let c = &*CROSSING;
        let (kind, bytes) = c.all()[kind];
        let forged = forged(bytes, |b| {
            for (at, value) in &changes {
                let at = CONTENT + at.index(b.len() - CONTENT);
                b[at] = *value;
            }
        });
        let _ = c.read(kind, &forged);
    }
}
