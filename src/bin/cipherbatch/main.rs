//! The command line: classification and inference on encrypted inputs, in one process that plays
//! both the client and the server.

mod activation;
mod classify;
mod dataset;
mod failure;
mod files;
mod idx;
mod infer;
mod options;
mod pipeline;
mod plan;
mod report;
mod shipped;

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
}

fn main() -> ExitCode {
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        // Without a desktop session, Mesa's device-select layer prints an error at every start; what
        // it would do, ordering adapters, is done by their kind here.
        // SAFETY: no other thread runs yet.
        unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    }
    let done = match Cli::parse().command {
        Command::Classify(command) => command.run(),
        Command::Plan(command) => command.run(),
        Command::Infer(command) => command.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            failure.exit_code()
        }
    }
}
