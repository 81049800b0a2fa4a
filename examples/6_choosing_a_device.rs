//! 6. Devices: the CPU, any GPU, how much memory they may take, and the same integers from all.
//!
//! `cargo run --release --example 6_choosing_a_device`

use cipherbatch::device::Device;
use cipherbatch::{Client, Network, Plan, PlanOptions, Server};
use ndarray::{ArrayD, Axis, Slice};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let network = Network::from_onnx("models/cryptonets.onnx")?;
    let typical: ArrayD<f32> = ndarray_npy::read_npy("models/cryptonets.calibration.npy")?;
    let images = typical.slice_axis(Axis(0), Slice::from(..16)).to_owned();
    let options = PlanOptions { calibration: Some(typical), ..PlanOptions::default() };
    let plan = Plan::new(&network, &options)?;
    let client = Client::new(&plan)?;
    let keys = client.evaluation_keys();
    let batch = client.encrypt(images.view())?;

    // `auto` takes a real GPU where there is one, else the CPU; never a GPU in software.
    println!("auto takes {:?}", Device::auto());

    let server = Server::new(&plan, keys, Device::cpu())?;
    let clock = Instant::now();
    let answer = server.evaluate(&batch)?;
    let (device, memory, time) = (server.device(), server.memory() >> 20, clock.elapsed());
    println!("{device}: {time:.2?}, {memory} MiB of ciphertexts");

    // Less memory: layers are cut into smaller pieces. The answer is the same ciphertext.
    let least = Server::with_memory(&plan, keys, Device::cpu(), Some(150 << 20))?;
    println!("within 150 MiB: {} MiB", least.memory() >> 20);
    assert!(least.memory() <= 150 << 20);
    assert_eq!(least.evaluate(&batch)?, answer);

    // Too little is refused before anything runs, with what would be needed.
    let refused = Server::with_memory(&plan, keys, Device::cpu(), Some(1 << 20));
    println!("within 1 MiB: {}", refused.err().ok_or("one MiB is too little")?);

    // A GPU, even one in software: the same ciphertext, bit for bit.
    #[cfg(feature = "gpu")]
    match Device::gpu() {
        Ok(gpu) => {
            let server = Server::new(&plan, keys, gpu)?;
            let clock = Instant::now();
            assert_eq!(server.evaluate(&batch)?, answer);
            println!("{}: {:.2?}, the same ciphertexts", server.device(), clock.elapsed());
        }
        Err(reason) => println!("{reason}"),
    }

    // For a service: where a device fails, the CPU takes over, with the batch in work.
    let server = Server::resilient(&plan, keys, Device::auto(), None)?;
    assert_eq!(server.evaluate(&batch)?, answer);
    println!("resilient, on {}; fallen: {:?}", server.device(), server.fallen());
    Ok(())
}
