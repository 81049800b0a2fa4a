//! Readers take memory as bytes arrive, whatever a file promises.

use cipherbatch::model::Dense;
use cipherbatch::wire::{Message, WireError};
use cipherbatch::{Client, EncryptedBatch, Network, Plan, PlanOptions};
use ndarray::{Array1, Array2};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Counts what is held, and the most that was.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Relaxed) + layout.size();
        MOST.fetch_max(held, Relaxed);
        // SAFETY: the caller's promise is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What is taken before anything has arrived.
const AT_ONCE: usize = 1 << 20;

/// 512 values of 2048 slots and two primes or so, 32 images at most in 8 MB.
#[test]
fn memory_follows_the_bytes() {
    let values = 512;
    let mut b = Network::builder(&[values]).unwrap();
    let mean = Dense::new(Array2::from_elem((1, values), 1.0 / values as f64), vec![0.0]);
    let x = b.dense("mean", b.input(), mean).unwrap();
    let plan = Plan::new(&b.finish(x).unwrap(), &PlanOptions::default()).unwrap();
    let client = Client::new(&plan).unwrap();
    let image = Array1::<f32>::from_elem(values, 0.5).insert_axis(ndarray::Axis(0));
    let mut bytes = Vec::new();
    let public = plan.public();
    client.encrypt(image.view()).unwrap().write(&public, &mut bytes).unwrap();
    assert!(bytes.len() > 3 << 20, "{} bytes", bytes.len());

    for len in [0, 10, 68, 92, 124, 5000, AT_ONCE, 2 * AT_ONCE, bytes.len() - 1] {
        let before = HELD.load(Relaxed);
        MOST.store(before, Relaxed);
        let read = EncryptedBatch::read(&public, &bytes[..len]);
        let taken = MOST.load(Relaxed) - before;
        assert!(matches!(read, Err(WireError::Magic | WireError::Truncated { .. })), "{len}");
        assert!(taken <= 4 * len + 2 * AT_ONCE, "{taken} bytes for {len}");
    }
}
