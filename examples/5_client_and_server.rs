//! 5. Client and server, with nothing between them but a connection.
//!
//! `cargo run --release --example 5_client_and_server`
//!
//! Two threads talk over TCP as two machines would: each message has its length before it, and is a
//! frame as in a file (`docs/format.md`).

use cipherbatch::model::{Dense, Polynomial};
use cipherbatch::wire::Message;
use cipherbatch::{
    Client, Device, EncryptedAnswer, EncryptedBatch, EvaluationKeys, Network, Plan, PlanOptions,
    PublicPlan, Server,
};
use ndarray::{Array2, array};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let server = std::thread::spawn(move || serve(&listener));
    let products = ask(TcpStream::connect(address)?)?;
    server.join().expect("the server does not panic")?;
    println!("0.5·0.8 = {:.3}, 0.9·0.9 = {:.3}", products[[0, 0]], products[[1, 0]]);
    assert!((products[[0, 0]] - 0.40).abs() < 0.02);
    assert!((products[[1, 0]] - 0.81).abs() < 0.02);
    Ok(())
}

/// The server has the network, and never a secret.
fn serve(listener: &TcpListener) -> Result<()> {
    // (x + y)²/4 − (x − y)²/4 = x·y
    let mut b = Network::builder(&[2])?;
    let sums = Dense::new(array![[1.0, 1.0], [1.0, -1.0]], vec![0.0; 2]);
    let x = b.dense("sum and difference", b.input(), sums)?;
    let x = b.polynomial("square", x, Polynomial::uniform(&[0.0, 0.0, 1.0]))?;
    let x =
        b.dense("quarter of the difference", x, Dense::new(array![[0.25, -0.25]], vec![0.0]))?;
    let plan = Plan::new(&b.finish(x)?, &PlanOptions::default())?;
    let public = plan.public();

    let (mut connection, _) = listener.accept()?;
    let mut bytes = Vec::new();
    public.write(&mut bytes)?;
    send(&mut connection, &bytes)?; // no weight is in it
    let keys = EvaluationKeys::read(&public, &receive(&mut connection)?[..])?;
    let batch = EncryptedBatch::read(&public, &receive(&mut connection)?[..])?;
    let answer = Server::new(&plan, &keys, Device::cpu())?.evaluate(&batch)?;
    let mut bytes = Vec::new();
    answer.write(&public, &mut bytes)?;
    send(&mut connection, &bytes)
}

/// The client has the inputs, and never the network.
fn ask(mut connection: TcpStream) -> Result<Array2<f32>> {
    let plan = PublicPlan::read(&receive(&mut connection)?[..])?;
    let client = Client::new(&plan)?; // the secret key does not leave it
    let mut bytes = Vec::new();
    client.evaluation_keys().write(&plan, &mut bytes)?;
    send(&mut connection, &bytes)?;
    println!("evaluation keys: {} bytes, since one squaring needs none", bytes.len());
    let batch = client.encrypt(array![[0.5f32, 0.8], [0.9, 0.9]].view())?;
    bytes.clear();
    batch.write(&plan, &mut bytes)?;
    send(&mut connection, &bytes)?;
    println!("encrypted batch: {} bytes, whether 2 inputs or {}", bytes.len(), plan.slots());
    let answer = EncryptedAnswer::read(&plan, &receive(&mut connection)?[..])?;
    assert!(answer.answers(&batch), "the answer to this very batch");
    Ok(client.decrypt(&answer)?.into_dimensionality()?)
}

fn send(to: &mut TcpStream, bytes: &[u8]) -> Result<()> {
    to.write_all(&(bytes.len() as u64).to_le_bytes())?;
    Ok(to.write_all(bytes)?)
}

/// A message of at most 64 MB: whoever is connected may lie about a length.
fn receive(from: &mut TcpStream) -> Result<Vec<u8>> {
    let mut length = [0; 8];
    from.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if length > 64 << 20 {
        return Err(format!("a message of {length} bytes").into());
    }
    let mut bytes = Vec::new();
    from.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}
