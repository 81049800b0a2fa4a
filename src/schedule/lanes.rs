//! How many evaluations go on at a time: memory is bounded whoever calls.

use std::sync::{Condvar, Mutex, PoisonError};

/// Some lanes, of which an evaluation takes one.
#[derive(Debug)]
pub struct Lanes {
    count: usize,
    free: Mutex<usize>,
    left: Condvar,
}

/// A lane that is taken until this is dropped.
#[derive(Debug)]
pub struct Lane<'a>(&'a Lanes);

impl Lanes {
    /// `count` lanes, at least one.
    pub fn new(count: usize) -> Self {
        let count = count.max(1);
        Self { count, free: Mutex::new(count), left: Condvar::new() }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Waits for a free one.
    pub fn enter(&self) -> Lane<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.left.wait_while(free, |free| *free == 0);
        *waited.unwrap_or_else(PoisonError::into_inner) -= 1;
        Lane(self)
    }
}

impl Drop for Lane<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn no_more_than_there_are() {
        let (lanes, inside, most) = (Lanes::new(2), AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let _lane = lanes.enter();
                    most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        assert!(most.into_inner() <= 2);
        assert_eq!(Lanes::new(0).count(), 1);
    }
}
