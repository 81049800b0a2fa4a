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

    /// The part of `len` words from `at`, to read.
    ///
    /// # Safety
    /// While the returned part lives, nobody writes any of it.
    #[inline(always)]
    pub unsafe fn read(&self, at: usize, len: usize) -> &[u32] {
        assert!(at <= self.len && len <= self.len - at, "{at}+{len} of {}", self.len);
        // SAFETY: in bounds by the line above; not written by the caller's promise.
        unsafe { std::slice::from_raw_parts(self.start.add(at), len) }
    }
}
