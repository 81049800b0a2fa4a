//! The party that holds the secret key: it encrypts inputs and decrypts answers.

#![forbid(unsafe_code)]

mod columns;
mod decrypt;
mod encrypt;
mod error;
mod secret_file;
mod share;

pub use error::ClientError;
pub use share::Flood;

use crate::messages::{EvaluationKeys, KeyId, Owner};
use crate::plan::PublicPlan;
use crate::scheme::SecretKey;

/// The holder of the secret key of one plan. It can be neither printed nor copied.
pub struct Client {
    plan: PublicPlan,
    secret: SecretKey,
    keys: EvaluationKeys,
}

impl Client {
    /// Makes new keys for a plan: a whole one, or the public part of it.
    ///
    /// # Errors
    /// [`ClientError::Entropy`] where the operating system has no randomness to give.
    pub fn new(plan: impl Into<PublicPlan>) -> Result<Self, ClientError> {
        let plan = plan.into();
        let secret = SecretKey::generate(plan.parameters())?;
        Self::of(plan, secret, KeyId::new()?)
    }

    /// The holder of this secret, with evaluation keys of its own: those that a server has already go
    /// on serving.
    fn of(plan: PublicPlan, secret: SecretKey, key: KeyId) -> Result<Self, ClientError> {
        let relin = match plan.needs_relin_key() {
            true => Some(secret.seeded_relin_key()?),
            false => None,
        };
        let owner = Owner { plan: plan.digest(), key };
        Ok(Self { plan, secret, keys: EvaluationKeys { owner, relin } })
    }

    /// The public keys for the server.
    pub fn evaluation_keys(&self) -> &EvaluationKeys {
        &self.keys
    }

    /// The plan and the key pair that everything of this client's belongs to.
    pub fn owner(&self) -> Owner {
        self.keys.owner
    }
}
