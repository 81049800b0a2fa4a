//! The GPU side: wgpu, with the shaders of `shaders/`.
