//! Random inputs: some noise, some like strokes on paper.

use ndarray::{ArrayD, IxDyn};
use rand_chacha::ChaCha20Rng;
use rand_distr::{Distribution, Uniform};

/// `[count, …]` within the range; every third image is even noise, the others a bright line on dark.
pub fn draw(
    rng: &mut ChaCha20Rng,
    count: usize,
    shape: [usize; 3],
    (low, high): (f32, f32),
) -> ArrayD<f32> {
    let unit = Uniform::new(0.0f32, 1.0).expect("a range");
    let [channels, height, width] = shape;
    let mut values = Vec::with_capacity(count * channels * height * width);
    for image in 0..count {
        let (slope, offset) = (4.0 * unit.sample(rng) - 2.0, unit.sample(rng));
        for channel in 0..channels {
            for i in 0..height * width {
                let (y, x) = ((i / width) as f32, (i % width) as f32);
                let noise = unit.sample(rng);
                let distance = y - (x - width as f32 / 2.0) * slope - offset * height as f32;
                let line = (1.5 - distance.abs() / (1.0 + slope.abs())).clamp(0.0, 1.0);
                let fade = 1.0 / (1 + channel) as f32;
                values.push(match image % 3 {
                    0 => noise,
                    _ => (line * fade + 0.1 * noise).min(1.0),
                });
            }
        }
    }
    let values = values.into_iter().map(|t| low + t * (high - low)).collect();
    ArrayD::from_shape_vec(IxDyn(&[count, channels, height, width]), values)
        .expect("as many values as the shape has")
}
