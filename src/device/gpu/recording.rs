//! Commands made first, executed later: many dispatches, few submissions.

use super::Kernel;
use super::context::{Buffer, Gpu};
use super::pipelines::{Pipelines, Variant};
use crate::device::DeviceError;

/// Dispatches in one submission, so that a driver's watchdog sees the device making progress.
const DISPATCHES: usize = 64;

enum Command {
    Dispatch {
        kernel: Kernel,
        pipeline: wgpu::ComputePipeline,
        params: Vec<u8>,
        buffers: Vec<wgpu::Buffer>,
        groups: [u32; 3],
    },
    Clear {
        at: (wgpu::Buffer, u64),
        bytes: u64,
    },
    Copy {
        from: (wgpu::Buffer, u64),
        to: (wgpu::Buffer, u64),
        bytes: u64,
    },
}

/// Kernels and copies in order.
pub struct Recording<'a> {
    gpu: &'a Gpu,
    pipelines: &'a Pipelines,
    commands: Vec<Command>,
}

impl<'a> Recording<'a> {
    /// An empty one.
    pub fn new(gpu: &'a Gpu, pipelines: &'a Pipelines) -> Self {
        Self { gpu, pipelines, commands: Vec::new() }
    }

    /// The device it is for.
    pub fn gpu(&self) -> &'a Gpu {
        self.gpu
    }

    /// A kernel: parameters at binding 0, then the buffers.
    pub fn dispatch<P: bytemuck::Pod>(
        &mut self,
        variant: &Variant,
        params: &P,
        buffers: &[&Buffer],
        groups: [usize; 3],
    ) -> Result<(), DeviceError> {
        if groups.contains(&0) {
            return Ok(());
        }
        let pipeline = self.pipelines.get(self.gpu, variant)?;
        self.commands.push(Command::Dispatch {
            kernel: variant.kernel,
            pipeline,
            params: bytemuck::bytes_of(params).to_vec(),
            buffers: buffers.iter().map(|b| b.raw.clone()).collect(),
            groups: groups.map(|g| g as u32),
        });
        Ok(())
    }

    /// Copies words from one buffer to another.
    pub fn copy(&mut self, from: (&Buffer, usize), to: (&Buffer, usize), words: usize) {
        if words == 0 {
            return;
        }
        let place = |(buffer, at): (&Buffer, usize)| (buffer.raw.clone(), 4 * at as u64);
        let (from, to) = (place(from), place(to));
        self.commands.push(Command::Copy { from, to, bytes: 4 * words as u64 });
    }

    /// Sets words of a buffer, from word `at` on, to zero.
    pub fn clear(&mut self, buffer: &Buffer, at: usize, words: usize) {
        if words > 0 {
            let at = (buffer.raw.clone(), 4 * at as u64);
            self.commands.push(Command::Clear { at, bytes: 4 * words as u64 });
        }
    }

    /// Hands everything to the device, and does not wait.
    pub fn submit(self) -> Result<(), DeviceError> {
        self.gpu.guarded(|| {
            let mut rest = &self.commands[..];
            while !rest.is_empty() {
                let (now, later) = rest.split_at(submission(rest));
                self.encode(now)?;
                rest = later;
            }
            Ok(())
        })
    }

    /// One submission: parameters in one buffer, copies and dispatches in order.
    fn encode(&self, commands: &[Command]) -> Result<(), DeviceError> {
        let gpu = self.gpu;
        let (bytes, mut starts) = parameters(gpu, commands);
        let uniform = gpu.uniform(&bytes)?;
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        let kernel = |command: &Command| match command {
            Command::Dispatch { kernel, .. } => Some(*kernel),
            _ => None,
        };
        let ticks = gpu.stopwatch.start(gpu, commands.iter().filter_map(kernel).collect());
        let mut done = 0;
        let alike = |a: &Command, b: &Command| {
            matches!(a, Command::Dispatch { .. }) == matches!(b, Command::Dispatch { .. })
        };
        for run in commands.chunk_by(alike) {
            // Copies and clears are no part of a pass.
            if !matches!(run, [Command::Dispatch { .. }, ..]) {
                for command in run {
                    transfer(&mut encoder, command);
                }
                continue;
            }
            // Where somebody looks at the clock, every kernel is a pass of its own.
            let together = if ticks.is_some() { 1 } else { run.len() };
            for run in run.chunks(together) {
                let timestamp_writes = ticks.as_ref().map(|ticks| ticks.around(done));
                done += run.len();
                let descriptor = wgpu::ComputePassDescriptor { label: None, timestamp_writes };
                let mut pass = encoder.begin_compute_pass(&descriptor);
                for (command, start) in run.iter().zip(&mut starts) {
                    dispatch(gpu, &mut pass, &uniform, start, command);
                }
            }
        }
        if let Some(ticks) = ticks {
            gpu.stopwatch.stop(gpu, &mut encoder, ticks)?;
        }
        gpu.submit(encoder.finish());
        Ok(())
    }
}

/// Commands of the next submission: up to [`DISPATCHES`] dispatches.
fn submission(commands: &[Command]) -> usize {
    let dispatches =
        commands.iter().enumerate().filter(|c| matches!(c.1, Command::Dispatch { .. }));
    dispatches.map(|c| c.0).nth(DISPATCHES).unwrap_or(commands.len())
}

/// The parameters of all dispatches, aligned as bindings are, and where each one's start.
fn parameters(gpu: &Gpu, commands: &[Command]) -> (Vec<u8>, std::vec::IntoIter<u64>) {
    let align = gpu.limits.min_uniform_buffer_offset_alignment as usize;
    let (mut bytes, mut starts) = (Vec::new(), Vec::new());
    for command in commands {
        if let Command::Dispatch { params, .. } = command {
            bytes.resize(bytes.len().next_multiple_of(align), 0);
            starts.push(bytes.len() as u64);
            bytes.extend_from_slice(params);
        }
    }
    (bytes, starts.into_iter())
}

fn transfer(encoder: &mut wgpu::CommandEncoder, command: &Command) {
    match command {
        Command::Dispatch { .. } => {}
        Command::Clear { at, bytes } => encoder.clear_buffer(&at.0, at.1, Some(*bytes)),
        Command::Copy { from, to, bytes } => {
            encoder.copy_buffer_to_buffer(&from.0, from.1, &to.0, to.1, *bytes);
        }
    }
}

fn dispatch(
    gpu: &Gpu,
    pass: &mut wgpu::ComputePass<'_>,
    uniform: &Buffer,
    start: u64,
    command: &Command,
) {
    let Command::Dispatch { pipeline, params, buffers, groups, .. } = command else { return };
    let uniform = wgpu::BindingResource::Buffer(wgpu::BufferBinding {
        buffer: &uniform.raw,
        offset: start,
        size: std::num::NonZeroU64::new(params.len() as u64),
    });
    let storage = buffers.iter().map(wgpu::Buffer::as_entire_binding);
    let entries: Vec<_> = std::iter::once(uniform)
        .chain(storage)
        .zip(0..)
        .map(|(resource, binding)| wgpu::BindGroupEntry { binding, resource })
        .collect();
    let group = gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: None,
        layout: &pipeline.get_bind_group_layout(0),
        entries: &entries,
    });
    pass.set_pipeline(pipeline);
    pass.set_bind_group(0, &group, &[]);
    pass.dispatch_workgroups(groups[0], groups[1], groups[2]);
}
