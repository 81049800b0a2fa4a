//! Where a product goes.

use crate::device::cpu::scatter::Scatter;

/// What a product is added to.
#[derive(Clone, Copy)]
pub enum Start<'a> {
    /// What the rows hold.
    Held,
    /// A constant a row.
    Constants(&'a [u32]),
    /// Nothing.
    Zero,
}

/// Some columns of rows that lie equally far apart, for one thread alone.
pub struct Rows<'a> {
    target: &'a Scatter<'a>,
    first: usize,
    stride: usize,
    width: usize,
    /// What the next product is added to.
    pub start: Start<'a>,
    /// Whether nothing is added after the next product: it is not read again soon.
    pub last: bool,
}

impl<'a> Rows<'a> {
    /// `width` words from `first` on, and as many every `stride` words, holding something.
    ///
    /// # Safety
    /// While it lives nobody else uses what of these rows is asked for.
    pub unsafe fn new(target: &'a Scatter<'a>, first: usize, stride: usize, width: usize) -> Self {
        Self { target, first, stride, width, start: Start::Held, last: false }
    }

    /// The columns of a row.
    #[inline(always)]
    pub fn row(&mut self, row: usize) -> &mut [u32] {
        // SAFETY: by the promise given to `new`, and borrowed from it mutably.
        unsafe { self.target.part(self.first + row * self.stride, self.width) }
    }
}
