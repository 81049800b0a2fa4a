//! The command line: classification and inference on encrypted inputs, in one process that plays
//! both the client and the server, or with a process for each of their steps.

#![deny(unsafe_code)]

mod activation;
mod classify;
mod dataset;
mod decrypt;
mod encrypt;
mod evaluate;
mod failure;
mod files;
mod folder;
mod idx;
mod infer;
mod inputs;
mod keygen;
mod loaded;
mod mesa;
mod npy;
mod options;
mod peak;
mod pipeline;
mod plan;
mod report;
mod shipped;
mod transfer;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Classifies batches of encrypted inputs with neural networks.
#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Encrypt labelled images, classify them encrypted, and compare with the clear network.
    Classify(classify::Classify),
    /// Say what an evaluation would be: parameters, layers, precision, time; nothing is encrypted.
    Plan(plan::PlanCommand),
    /// Encrypt any batch of inputs, run any network on it, and write the decrypted results.
    Infer(infer::Infer),
    /// The client: make a secret key, and the keys that the server needs.
    Keygen(keygen::Keygen),
    /// The client: encrypt inputs.
    Encrypt(encrypt::Encrypt),
    /// The server: evaluate a network on encrypted inputs.
    Evaluate(evaluate::Evaluate),
    /// The client: decrypt answers.
    Decrypt(decrypt::Decrypt),
}

fn main() -> ExitCode {
    mesa::hush();
    // A reader that stops early, such as `head`, ends the program as it ends others.
    sigpipe::reset();
    let done = match Cli::parse().command {
        Command::Classify(command) => command.run(),
        Command::Plan(command) => command.run(),
        Command::Infer(command) => command.run(),
        Command::Keygen(command) => command.run(),
        Command::Encrypt(command) => command.run(),
        Command::Evaluate(command) => command.run(),
        Command::Decrypt(command) => command.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            failure.exit_code()
        }
    }
}
