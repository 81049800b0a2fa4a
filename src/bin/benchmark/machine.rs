//! The machine: what stands beside every figure.

use cipherbatch::math::simd::Simd;
use serde::{Deserialize, Serialize};
use std::fmt;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

/// The processor, its memory and its system, as the latter tells.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    pub processor: String,
    /// Those that there are kernels for, the weakest first.
    pub instruction_sets: Vec<String>,
    /// The one that is used.
    pub instruction_set: String,
    /// `None` where it is not told.
    pub cores: Option<usize>,
    /// What kernels run on.
    pub threads: usize,
    pub memory_bytes: u64,
    pub system: String,
}

impl Machine {
    /// Asks the system.
    pub fn here() -> Self {
        let memory = MemoryRefreshKind::nothing().with_ram();
        let kinds = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing()).with_memory(memory);
        let system = System::new_with_specifics(kinds);
        let processor = system.as_ref().ok().and_then(|s| Some(s.cpus().first()?.brand().trim()));
        let unknown = || format!("an unnamed processor ({})", std::env::consts::ARCH);
        let processor = processor.filter(|name| !name.is_empty());
        Self {
            processor: processor.map_or_else(unknown, str::to_owned),
            instruction_sets: Simd::all().map(|simd| simd.to_string()).collect(),
            instruction_set: Simd::detect().to_string(),
            cores: System::physical_core_count().ok(),
            threads: rayon::current_num_threads(),
            memory_bytes: system.as_ref().map_or(0, System::total_memory),
            system: System::long_os_version().unwrap_or_else(|_| std::env::consts::OS.into()),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} threads, {}", self.processor, self.threads, self.instruction_set)
    }
}
