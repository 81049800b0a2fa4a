//! What a device could do at best: operations and bytes counted in our kernels, over the rates that
//! its maker publishes.
//!
//! Counted are the multiplications of the shaders' 64-bit variant (`shaders/lib/arith_u64.wgsl`) and
//! the bytes that a kernel cannot do without; additions, squares, what caches miss, launches and
//! transfers are not. A part takes the longer of the two times.

use super::cost::CostModel;

/// Published rates of a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peaks {
    /// The device.
    pub name: &'static str,
    /// 32-bit integer multiply-adds per second.
    pub multiply_adds: f64,
    /// Bytes per second between the device and its memory.
    pub bytes: f64,
}

/// `sum_add`: one 32-bit product added to 64 bits.
const MULTIPLIES_OF_SUM: f64 = 1.0;

/// `shoup_lazy`: the quotient, and two low products.
const MULTIPLIES_OF_BUTTERFLY: f64 = 3.0;

/// `montgomery_lazy4`: the product, the quotient, and that times the prime.
const MULTIPLIES_OF_KEY_PRODUCT: f64 = 3.0;

/// A transform reads and writes each of N residues once, 8 N bytes, for (N/2)·log₂ N butterflies; at
/// N = 8192, between the rings of the shipped networks.
const BYTES_OF_BUTTERFLY: f64 = 16.0 / 13.0;

/// `key_switch` reads a digit's residue for two products; the key stays in the cache.
const BYTES_OF_KEY_PRODUCT: f64 = 2.0;

impl Peaks {
    /// NVIDIA H100 SXM5: 33.5 T integer operations per second, a multiply-add being two (132
    /// multiprocessors · 64 lanes · 1.98 GHz), and 3.35 TB/s (NVIDIA H100 Tensor Core GPU
    /// Architecture, whitepaper, table of compute and memory; H100 data sheet).
    pub const H100_SXM: Self =
        Self { name: "NVIDIA H100 SXM", multiply_adds: 33.5e12 / 2.0, bytes: 3.35e12 };

    /// Seconds for the parts of an evaluation at these rates.
    pub const fn cost(&self) -> CostModel {
        CostModel {
            multiply_add: self.seconds(MULTIPLIES_OF_SUM, 0.0),
            butterfly: self.seconds(MULTIPLIES_OF_BUTTERFLY, BYTES_OF_BUTTERFLY),
            key_product: self.seconds(MULTIPLIES_OF_KEY_PRODUCT, BYTES_OF_KEY_PRODUCT),
            // Written and read.
            byte: self.seconds(0.0, 2.0),
        }
    }

    const fn seconds(&self, multiplies: f64, bytes: f64) -> f64 {
        (multiplies / self.multiply_adds).max(bytes / self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A part is as slow as the scarcer of the two, and a device with half the rates half as fast.
    #[test]
    fn the_scarcer_rate_decides() {
        let even = Peaks { name: "even", multiply_adds: 1e12, bytes: 1e12 };
        let cost = even.cost();
        assert_eq!((cost.butterfly, cost.key_product, cost.byte), (3e-12, 3e-12, 2e-12));
        let starved = Peaks { bytes: 0.5e12, ..even };
        assert_eq!((starved.cost().multiply_add, starved.cost().key_product), (1e-12, 4e-12));
    }
}
