//! Memory of one kind, kept from one use to the next.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// What nobody uses at the moment.
#[derive(Debug, Default)]
pub struct Pool<T>(Mutex<Vec<T>>);

impl<T: Default> Pool<T> {
    /// One of them, as it was left, or a new one.
    pub fn lend(&self) -> Lent<'_, T> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Lent { item: known.unwrap_or_default(), pool: self }
    }
}

/// What goes back when it is dropped.
#[derive(Debug)]
pub struct Lent<'a, T: Default> {
    item: T,
    pool: &'a Pool<T>,
}

impl<T: Default> Deref for Lent<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.item
    }
}

impl<T: Default> DerefMut for Lent<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.item
    }
}

impl<T: Default> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        let item = std::mem::take(&mut self.item);
        self.pool.0.lock().unwrap_or_else(PoisonError::into_inner).push(item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_lent_again_and_what_is_lent_is_not() {
        let pool = Pool::<Vec<u8>>::default();
        let mut first = pool.lend();
        first.push(7);
        assert!(pool.lend().is_empty(), "the first is lent");
        drop(first);
        assert_eq!(*pool.lend(), [7]);
    }
}
