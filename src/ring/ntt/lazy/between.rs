//! What stands between the middle and the innermost stages: pairs of blocks of 64 values.

use crate::math::lazy::{Lazy, Prime};

/// Vectors of a block.
pub const VECTORS: usize = 8;

/// Values of a block.
pub const BLOCK: usize = VECTORS * Lazy::N;

/// Values of two blocks, which are finished together: a single one waits for itself, 26 cycles for 16 values where two
/// take 23.
pub const PAIR: usize = 2 * BLOCK;

/// Where it stands, two blocks after two.
pub trait Between: Copy {
    /// Takes lanes `i` and those that follow of two neighbouring blocks, which begin at value `at`.
    ///
    /// # Safety
    /// There is room for them, and the processor has IFMA.
    unsafe fn put(self, at: usize, i: usize, pair: [Lazy; 2], p: &Prime);

    /// What was put there, plus multiples of p that keep all differences of [`super::inner`] from becoming
    /// negative.
    ///
    /// # Safety
    /// It was put there, and the processor has IFMA.
    unsafe fn take(self, at: usize, i: usize) -> [Lazy; 2];

    /// Those from value `at` on.
    ///
    /// # Safety
    /// There are so many.
    unsafe fn from(self, at: usize) -> Self;
}

/// As they are, in place: fastest where one transform is at work.
#[derive(Clone, Copy)]
pub struct Wide(pub *mut u64);

impl Between for Wide {
    #[inline(always)]
    unsafe fn put(self, at: usize, i: usize, pair: [Lazy; 2], _: &Prime) {
        // SAFETY: the caller's promise.
        unsafe {
            pair[0].store(self.0.add(at + i));
            pair[1].store(self.0.add(at + BLOCK + i));
        }
    }

    #[inline(always)]
    unsafe fn take(self, at: usize, i: usize) -> [Lazy; 2] {
        // SAFETY: the caller's promise.
        unsafe { [Lazy::load(self.0.add(at + i)), Lazy::load(self.0.add(at + BLOCK + i))] }
    }

    #[inline(always)]
    unsafe fn from(self, at: usize) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { self.0.add(at) })
    }
}

/// As words below 2p, the two blocks interleaved: half the memory where many transforms wait.
#[derive(Clone, Copy)]
pub struct Packed {
    pub words: *mut u32,
    /// What lanes begin with again.
    pub start: Lazy,
}

impl Between for Packed {
    #[inline(always)]
    unsafe fn put(self, at: usize, i: usize, [even, odd]: [Lazy; 2], p: &Prime) {
        // SAFETY: the caller's promise.
        unsafe { Lazy::store_words(even, odd, p, self.words.add(at + 2 * i)) }
    }

    #[inline(always)]
    unsafe fn take(self, at: usize, i: usize) -> [Lazy; 2] {
        // SAFETY: the caller's promise.
        let pair = unsafe { Lazy::even_odd(self.words.add(at + 2 * i)) };
        // The first stage takes products from the first half, and adds them to it.
        match i < BLOCK / 2 {
            true => [pair[0].add(self.start), pair[1].add(self.start)],
            false => pair,
        }
    }

    #[inline(always)]
    unsafe fn from(self, at: usize) -> Self {
        // SAFETY: the caller's promise.
        Self { words: unsafe { self.words.add(at) }, ..self }
    }
}
