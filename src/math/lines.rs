//! Memory that begins with a cache line.

use std::ops::{Deref, DerefMut};

/// Bytes of a cache line, and of the widest vector.
const LINE: usize = 64;

/// A slice of numbers that starts at a cache line: a vector of 512 bits at any multiple of its length
/// lies in one line. In a `Vec`, which starts anywhere, it would lie in two, and take two reads.
#[derive(Debug)]
pub struct Lines<T> {
    data: Vec<T>,
    skip: usize,
    len: usize,
}

impl<T: Copy + Default> Lines<T> {
    /// As many zeros, which the operating system provides.
    pub fn zeroed(len: usize) -> Self {
        let data = vec![T::default(); len + LINE / size_of::<T>().max(1)];
        // At most a line's, unless there is no telling; then anywhere.
        let skip = data.as_ptr().align_offset(LINE).min(data.len() - len);
        Self { data, skip, len }
    }

    /// At least so many, of any content.
    pub fn at_least(&mut self, len: usize) -> &mut [T] {
        if self.len < len {
            // The old memory goes first.
            *self = Self::default();
            *self = Self::zeroed(len);
        }
        &mut self[..len]
    }
}

impl<T: Copy + Default> Default for Lines<T> {
    fn default() -> Self {
        Self { data: Vec::new(), skip: 0, len: 0 }
    }
}

impl<T: Copy + Default> From<&[T]> for Lines<T> {
    fn from(values: &[T]) -> Self {
        let mut out = Self::zeroed(values.len());
        out.copy_from_slice(values);
        out
    }
}

impl<T: Copy + Default> Clone for Lines<T> {
    fn clone(&self) -> Self {
        Self::from(&**self)
    }
}

impl<T> Deref for Lines<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.data[self.skip..self.skip + self.len]
    }
}

impl<T> DerefMut for Lines<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.data[self.skip..self.skip + self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_start_at_lines_and_hold_what_they_were_given() {
        for len in [0, 1, 15, 16, 1000, 100_000] {
            let mut words = Lines::<u32>::zeroed(len);
            assert!(at_line(&words) && words.iter().all(|&w| w == 0));
            words.iter_mut().zip(1..).for_each(|(w, i)| *w = i);
            let copy = words.clone();
            assert!(at_line(&copy) && *copy == *words);
            let mut doubles = Lines::from(&vec![0.5; len][..]);
            assert!(at_line(&doubles));
            assert_eq!(doubles.at_least(len + 3).len(), len + 3);
            assert!(at_line(&doubles));
        }
    }

    fn at_line<T>(values: &[T]) -> bool {
        values.as_ptr().addr().is_multiple_of(LINE)
    }
}
