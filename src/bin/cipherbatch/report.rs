//! What a run has to tell, for people and for programs.

use serde::Serialize;
use std::fmt;

/// Seconds by stage, over all batches. Stages work side by side: they add up to more than `total`.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Seconds {
    pub keygen: f64,
    pub encrypt: f64,
    pub upload: f64,
    pub evaluate: f64,
    pub download: f64,
    pub decrypt: f64,
    /// From the first input to the last result, keys not counted.
    pub total: f64,
}

/// One classification run.
#[derive(Debug, Serialize)]
pub struct Report {
    pub model: String,
    pub backend: &'static str,
    pub device: String,
    pub images: usize,
    pub correct: usize,
    /// Fractions of `images`.
    pub accuracy: f64,
    pub plain_accuracy: f64,
    /// That of the network as it was trained, where it has ReLU in place of the polynomials.
    pub relu_accuracy: Option<f64>,
    pub agreement: f64,
    pub ring_degree: usize,
    pub slots: usize,
    pub log2_q: f64,
    pub primes: Vec<u32>,
    pub security_bits: u32,
    pub seconds: Seconds,
    pub evaluate_images_per_second: f64,
    /// `None` where the operating system does not tell.
    pub peak_memory_bytes: Option<u64>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |x: f64| format!("{:.2} %", 100.0 * x);
        let s = &self.seconds;
        writeln!(f, "{} on {} encrypted images", self.model, self.images)?;
        writeln!(f, "  device       {}", self.device)?;
        writeln!(
            f,
            "  parameters   N = {}, {} primes, log2 Q = {:.1}, {}-bit security",
            self.ring_degree,
            self.primes.len(),
            self.log2_q,
            self.security_bits
        )?;
        writeln!(f, "  accuracy     {} ({} correct)", percent(self.accuracy), self.correct)?;
        writeln!(f, "  in the clear {}", percent(self.plain_accuracy))?;
        if let Some(accuracy) = self.relu_accuracy {
            writeln!(f, "  with ReLU    {}", percent(accuracy))?;
        }
        writeln!(f, "  agreement    {}", percent(self.agreement))?;
        writeln!(
            f,
            "  seconds      keys {:.2}, encrypt {:.2}, upload {:.2}, evaluate {:.2}, download {:.2}, decrypt {:.2}; {:.2} from end to end",
            s.keygen, s.encrypt, s.upload, s.evaluate, s.download, s.decrypt, s.total
        )?;
        write!(f, "  evaluation   {:.0} images/s", self.evaluate_images_per_second)?;
        match self.peak_memory_bytes {
            Some(bytes) => write!(f, "\n  peak memory  {:.0} MB", bytes as f64 / 1e6),
            None => Ok(()),
        }
    }
}
