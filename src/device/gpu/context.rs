//! An open device: its limits, its memory budget, and its errors as values.

use super::stopwatch::Stopwatch;
use super::{Adapter, GpuOptions, LimitSet, Prelude};
use crate::device::{DeviceError, Traffic};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The largest buffer whatever the driver says: NVIDIA binds at most 2³¹ − 1 bytes while reporting
/// more, and four bytes are a residue.
const LARGEST_BUFFER: u64 = (1 << 31) - 4;

/// Workgroups in one dimension of a dispatch, everywhere.
pub const MAX_GROUPS: usize = 65_535;

/// What an uncaptured error or a loss left behind.
type Failure = Arc<Mutex<Option<String>>>;

/// An open device.
#[derive(Debug)]
pub struct Gpu {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    pub prelude: Prelude,
    pub limits: wgpu::Limits,
    pub stopwatch: Stopwatch,
    name: String,
    largest_buffer: u64,
    memory: u64,
    used: Arc<AtomicU64>,
    /// Bytes that went to the device and came back.
    up: AtomicU64,
    down: AtomicU64,
    failure: Failure,
    /// Submissions that are left before the device is destroyed.
    fault: Option<AtomicU64>,
}

/// A buffer that counts in the budget for as long as it lives.
#[derive(Debug)]
pub struct Buffer {
    pub raw: wgpu::Buffer,
    /// In bytes.
    pub size: u64,
    used: Arc<AtomicU64>,
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.used.fetch_sub(self.size, Ordering::Relaxed);
    }
}

impl Gpu {
    /// Opens an adapter with every limit it has, or those of the options.
    pub fn open(adapter: &Adapter, options: &GpuOptions) -> Result<Self, DeviceError> {
        let limits = match options.limits {
            LimitSet::Adapter => adapter.raw.limits(),
            LimitSet::WebGpu => wgpu::Limits::default(),
        };
        let lost = |reason| DeviceError::Lost { device: adapter.to_string(), reason };
        if !limits.check_limits(&adapter.raw.limits()) {
            return Err(lost("it has less than the limits of WebGPU".into()));
        }
        let prelude = match options.prelude {
            Some(Prelude::U64) if !adapter.has_u64() => {
                return Err(lost("it has no 64-bit integers".into()));
            }
            Some(prelude) => prelude,
            None if adapter.has_u64() => Prelude::U64,
            None => Prelude::U32,
        };
        // The only extension that a shader uses, and only with the prelude that wants it.
        let mut features = match prelude {
            Prelude::U64 => wgpu::Features::SHADER_INT64,
            Prelude::U32 => wgpu::Features::empty(),
        };
        if options.limits == LimitSet::Adapter {
            features |= adapter.raw.features() & wgpu::Features::TIMESTAMP_QUERY;
        }
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("cipherbatch"),
            required_features: features,
            required_limits: limits.clone(),
            ..Default::default()
        };
        let (device, queue) = pollster::block_on(adapter.raw.request_device(&descriptor))
            .map_err(|e| lost(e.to_string()))?;
        let failure = Failure::default();
        let (uncaptured, gone) = (failure.clone(), failure.clone());
        device
            .on_uncaptured_error(Arc::new(move |e: wgpu::Error| note(&uncaptured, e.to_string())));
        device.set_device_lost_callback(move |reason, message| {
            note(&gone, format!("the device was lost ({reason:?}): {message}"));
        });
        let largest_buffer = LARGEST_BUFFER
            .min(limits.max_storage_buffer_binding_size)
            .min(limits.max_buffer_size)
            .min(options.largest_buffer.unwrap_or(u64::MAX))
            & !3;
        let memory = options
            .memory
            .or_else(|| adapter.memory().map(|bytes| bytes / 10 * 9))
            .unwrap_or(u64::MAX);
        let name = adapter.name().to_owned();
        let (used, up, down) = (Arc::default(), AtomicU64::new(0), AtomicU64::new(0));
        Ok(Self {
            device,
            queue,
            prelude,
            limits,
            stopwatch: Stopwatch::default(),
            name,
            largest_buffer,
            memory,
            used,
            up,
            down,
            failure,
            fault: options.fault.map(AtomicU64::new),
        })
    }

    /// As the driver calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes of the largest buffer.
    pub fn largest_buffer(&self) -> u64 {
        self.largest_buffer
    }

    /// Bytes that may be allocated, where there is a limit.
    pub fn memory(&self) -> Option<u64> {
        (self.memory < u64::MAX).then_some(self.memory)
    }

    /// Bytes that scratch memory of one kind should stay below: it comes on top of the tiles.
    pub fn scratch_share(&self) -> u64 {
        self.memory / 16
    }

    /// A refusal of `needed` bytes.
    pub fn too_large(&self, what: &'static str, needed: u64, limit: u64) -> DeviceError {
        DeviceError::Memory { device: self.name.clone(), what, needed, limit }
    }

    /// A buffer of words for shaders, of unspecified content.
    pub fn buffer(&self, what: &'static str, words: usize) -> Result<Buffer, DeviceError> {
        use wgpu::BufferUsages as U;
        self.allocate(what, words, U::STORAGE | U::COPY_SRC | U::COPY_DST)
    }

    /// A buffer of words, of unspecified content. Shaders find no empty ones: at least 16 bytes.
    pub fn allocate(
        &self,
        what: &'static str,
        words: usize,
        usage: wgpu::BufferUsages,
    ) -> Result<Buffer, DeviceError> {
        let size = (4 * words as u64).max(16);
        if size > self.largest_buffer && usage.contains(wgpu::BufferUsages::STORAGE) {
            return Err(self.too_large(what, size, self.largest_buffer));
        }
        let used = self.used.fetch_add(size, Ordering::Relaxed) + size;
        let counted = |raw| Buffer { raw, size, used: self.used.clone() };
        // Dropped buffers live on until the work on them is done; where that matters, wait for it.
        if used > self.memory / 2
            && let Err(e) = self.wait()
        {
            self.used.fetch_sub(size, Ordering::Relaxed);
            return Err(e);
        }
        if used > self.memory {
            self.used.fetch_sub(size, Ordering::Relaxed);
            return Err(self.too_large(what, used, self.memory));
        }
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let descriptor =
            wgpu::BufferDescriptor { label: Some(what), size, usage, mapped_at_creation: false };
        let buffer = counted(self.device.create_buffer(&descriptor));
        match pollster::block_on(scope.pop()) {
            Some(_) => Err(self.too_large(what, used, used - size)),
            None => Ok(buffer),
        }
    }

    /// A buffer with content.
    pub fn buffer_of(&self, what: &'static str, words: &[u32]) -> Result<Buffer, DeviceError> {
        let buffer = self.buffer(what, words.len())?;
        self.write(&buffer, 0, bytemuck::cast_slice(words));
        Ok(buffer)
    }

    /// Brings bytes to a buffer, from byte `at` on.
    pub fn write(&self, buffer: &Buffer, at: u64, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.queue.write_buffer(&buffer.raw, at, bytes);
            self.count(bytes.len() as u64, 0);
        }
    }

    /// Counts bytes that cross.
    pub fn count(&self, up: u64, down: u64) {
        self.up.fetch_add(up, Ordering::Relaxed);
        self.down.fetch_add(down, Ordering::Relaxed);
    }

    /// All bytes that have crossed.
    pub fn traffic(&self) -> Traffic {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Traffic { up: of(&self.up), down: of(&self.down) }
    }

    /// A buffer of parameters.
    pub fn uniform(&self, bytes: &[u8]) -> Result<Buffer, DeviceError> {
        use wgpu::BufferUsages as U;
        let usage = U::UNIFORM | U::COPY_DST;
        let buffer = self.allocate("parameters", bytes.len().div_ceil(4), usage)?;
        self.write(&buffer, 0, bytes);
        Ok(buffer)
    }

    /// Runs `work`; what the device reports about it becomes an error.
    pub fn guarded<T>(
        &self,
        work: impl FnOnce() -> Result<T, DeviceError>,
    ) -> Result<T, DeviceError> {
        self.check()?;
        use wgpu::ErrorFilter as F;
        let memory = self.device.push_error_scope(F::OutOfMemory);
        let validation = self.device.push_error_scope(F::Validation);
        let internal = self.device.push_error_scope(F::Internal);
        let result = work();
        let reported = [
            pollster::block_on(internal.pop()),
            pollster::block_on(validation.pop()),
            pollster::block_on(memory.pop()),
        ];
        // A loss explains whatever else went wrong.
        self.check()?;
        let value = result?;
        match reported.into_iter().flatten().next() {
            Some(e) => Err(self.failed(e.to_string())),
            None => Ok(value),
        }
    }

    /// Hands commands to the device.
    pub fn submit(&self, commands: wgpu::CommandBuffer) {
        if let Some(left) = &self.fault
            && left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |l| l.checked_sub(1))
                .is_err()
        {
            self.device.destroy();
        }
        self.queue.submit([commands]);
    }

    /// Waits for all submitted work.
    pub fn wait(&self) -> Result<(), DeviceError> {
        let done = self.device.poll(wgpu::PollType::wait_indefinitely());
        self.check()?;
        done.map(drop).map_err(|e| self.failed(e.to_string()))
    }

    /// A failure with a reason.
    pub fn failed(&self, reason: String) -> DeviceError {
        DeviceError::Lost { device: self.name.clone(), reason }
    }

    /// Whether the device still stands.
    fn check(&self) -> Result<(), DeviceError> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.as_ref().map_or(Ok(()), |reason| Err(self.failed(reason.clone())))
    }
}

/// Keeps the first reason.
fn note(failure: &Failure, reason: String) {
    failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
}
