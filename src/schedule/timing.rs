//! Where the time of an evaluation goes.

use std::time::Duration;

/// Where the time of one evaluation went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// Expanding seeds and bringing ciphertexts in.
    pub upload: Duration,
    /// The layers, from the encrypted input to the answer, both on the device.
    pub evaluate: Duration,
    /// Taking the answer out.
    pub download: Duration,
}

impl std::ops::AddAssign for Timing {
    fn add_assign(&mut self, other: Self) {
        self.upload += other.upload;
        self.evaluate += other.evaluate;
        self.download += other.download;
    }
}
