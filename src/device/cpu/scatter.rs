//! One buffer, written by many threads in places that are apart.

use std::marker::PhantomData;

/// A slice that threads share to write disjoint parts of it.
pub struct Scatter<'a> {
    start: *mut u32,
    len: usize,
    owner: PhantomData<&'a mut [u32]>,
}

// SAFETY: all access goes through `part`, whose callers promise disjointness.
unsafe impl Sync for Scatter<'_> {}

impl<'a> Scatter<'a> {
    /// Takes the slice over for as long as it is shared.
    pub fn new(slice: &'a mut [u32]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), owner: PhantomData }
    }

    /// The part of `len` words from `at`.
    ///
    /// # Safety
    /// While the returned part lives, no other part that shares a word with it may exist.
    #[allow(clippy::mut_from_ref)]
    #[inline(always)]
    pub unsafe fn part(&self, at: usize, len: usize) -> &mut [u32] {
        assert!(at <= self.len && len <= self.len - at, "{at}+{len} of {}", self.len);
        // SAFETY: in bounds by the line above; disjoint by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(at), len) }
    }
}

/// Some columns of rows that lie equally far apart, for one thread alone.
pub struct Rows<'a> {
    target: &'a Scatter<'a>,
    first: usize,
    stride: usize,
    width: usize,
}

impl<'a> Rows<'a> {
    /// `width` words from `first` on, and as many every `stride` words.
    ///
    /// # Safety
    /// While it lives nobody else uses what of these rows is asked for.
    pub unsafe fn new(target: &'a Scatter<'a>, first: usize, stride: usize, width: usize) -> Self {
        Self { target, first, stride, width }
    }

    /// The columns of a row.
    #[inline(always)]
    pub fn row(&mut self, row: usize) -> &mut [u32] {
        // SAFETY: by the promise given to `new`, and borrowed from it mutably.
        unsafe { self.target.part(self.first + row * self.stride, self.width) }
    }
}
