//! `keygen`: the client's secret key, and the keys that the server needs.

use crate::failure::Result;
use crate::transfer::existing;
use cipherbatch::wire::{Message, check_writable};
use cipherbatch::{Client, PublicPlan};
use clap::Args;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub struct Keygen {
    /// The public plan, from `plan --public`.
    #[arg(long, value_name = "FILE")]
    plan: PathBuf,
    /// Where the secret key is written, for its owner alone (mode 0600). It stays with the client.
    #[arg(long, value_name = "FILE")]
    secret: PathBuf,
    /// Where the evaluation keys are written. They are for the server, and public.
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    /// Replace keys that are there. What was encrypted under a secret key that is gone cannot be
    /// decrypted.
    #[arg(long)]
    force: bool,
}

impl Keygen {
    pub fn run(self) -> Result<()> {
        let existing = existing(self.force);
        let plan = PublicPlan::load(&self.plan)?;
        check_writable(&self.secret, existing)?;
        check_writable(&self.keys, existing)?;
        let client = Client::new(&plan)?;
        client.save_secret(&self.secret, existing)?;
        client.evaluation_keys().save(&plan, &self.keys, existing)?;
        println!(
            "key pair {} of plan {}: the secret in {}, evaluation keys in {}",
            client.owner().key,
            plan.digest(),
            self.secret.display(),
            self.keys.display()
        );
        Ok(())
    }
}
