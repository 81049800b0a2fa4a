//! Images to slots: a transposition, in blocks of images that fit the cache.
//!
//! Images are read from first to last, once: a value's column out of all of them is a page a slot, and
//! took as long as the transforms.

use rayon::prelude::*;

/// Images a block: with 1,000 values each, a megabyte.
const BLOCK: usize = 256;

/// Images and values of a part that is turned at a time: a cache line of either.
const PART: usize = 16;

/// The values of images, column by column.
pub struct Columns {
    /// `[slots / block][values][block]`.
    columns: Vec<f32>,
    values: usize,
    /// Slots in a block.
    block: usize,
}

impl Columns {
    /// From `images` of `values` values each, one after another and at least one, cut off at `range`,
    /// for a power of two of slots: slots that are left over repeat the images from the first.
    pub fn new(images: &[f32], values: usize, slots: usize, range: (f32, f32)) -> Self {
        let count = images.len() / values;
        let block = BLOCK.min(slots);
        let mut columns = vec![0.0; values * slots];
        columns.par_chunks_mut(values * block).enumerate().for_each(|(number, columns)| {
            for first in (0..block).step_by(PART) {
                for value in (0..values).step_by(PART) {
                    for slot in first..block.min(first + PART) {
                        let image = (number * block + slot) % count;
                        let image = &images[image * values..][value..values.min(value + PART)];
                        let columns = columns[value * block..].chunks_exact_mut(block);
                        columns.zip(image).for_each(|(column, &v)| column[slot] = v);
                    }
                }
            }
            columns.iter_mut().for_each(|v| *v = v.clamp(range.0, range.1));
        });
        Self { columns, values, block }
    }

    /// Value number `value` of the images of all slots.
    pub fn read(&self, value: usize, slots: &mut [f64]) {
        let blocks = self.columns.chunks_exact(self.values * self.block);
        for (slots, block) in slots.chunks_mut(self.block).zip(blocks) {
            let column = &block[value * self.block..];
            slots.iter_mut().zip(column).for_each(|(slot, &v)| *slot = v.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_columns_again_and_again() {
        for (count, values, slots) in
            [(1, 3, 8), (3, 5, 8), (16, 2, 16), (5, 37, 64), (300, 19, 512), (7, 1, 1024)]
        {
            let images: Vec<f32> = (0..count * values).map(|i| i as f32 / 4.0 - 1.0).collect();
            let columns = Columns::new(&images, values, slots, (0.0, 2.0));
            for value in 0..values {
                let mut got = vec![f64::NAN; slots];
                columns.read(value, &mut got);
                for (slot, &got) in got.iter().enumerate() {
                    let want = images[slot % count * values + value].clamp(0.0, 2.0);
                    assert_eq!(got, f64::from(want));
                }
            }
        }
    }
}
