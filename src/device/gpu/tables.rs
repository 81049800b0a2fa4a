//! What stays on the device from opening to closing: primes, roots of unity, the key.

use super::context::{Buffer, Gpu};
use crate::device::DeviceError;
use crate::math::{Modulus, Shoup};
use crate::ring::{Basis, NttTable};
use crate::scheme::RelinKey;

/// `Prime` of `shaders/lib/residue.wgsl`.
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct Prime {
    p: u32,
    neg_inv: u32,
    half: u32,
    pad: u32,
    one: Shoup,
    radix: Shoup,
    radix_squared: Shoup,
    pad2: [u32; 2],
    imaginary: Shoup,
    scale: Shoup,
    scale_twice: Shoup,
    scale_imaginary: Shoup,
}

impl Prime {
    fn new(table: &NttTable) -> Self {
        let m = table.modulus();
        let p = m.value();
        let (i, scale) = (table.imaginary(), table.scale());
        Self {
            p,
            neg_inv: m.neg_inv(),
            half: p / 2,
            pad: 0,
            one: m.shoup(1),
            radix: m.shoup(m.to_montgomery(1)),
            radix_squared: m.shoup(m.r2()),
            pad2: [0; 2],
            imaginary: m.shoup(i),
            scale: m.shoup(scale),
            scale_twice: m.shoup(m.add(scale, scale)),
            scale_imaginary: m.shoup(m.mul(scale, i)),
        }
    }
}

/// Tables of a basis and a key, here and on the device.
#[derive(Debug)]
pub struct Tables {
    /// N.
    pub degree: usize,
    /// One a prime.
    pub primes: Vec<Prime>,
    moduli: Vec<Modulus>,
    /// `primes`.
    pub constants: Buffer,
    /// `[prime][N]` roots with their quotients, of the forward and of the inverse transform.
    pub forward: Buffer,
    pub inverse: Buffer,
    /// For each prime `[2][digits][N]` in Montgomery form.
    pub key: Vec<Buffer>,
}

impl Tables {
    /// Brings everything to the device.
    pub fn new(gpu: &Gpu, basis: &Basis, key: Option<&RelinKey>) -> Result<Self, DeviceError> {
        let tables: Vec<_> = (0..basis.len()).map(|i| basis.table(i)).collect();
        let primes: Vec<_> = tables.iter().map(|t| Prime::new(t)).collect();
        let pairs = |roots: fn(&NttTable) -> (&[u32], &[u32])| -> Vec<u32> {
            let all = tables.iter().map(|t| roots(t));
            all.flat_map(|(w, q)| w.iter().zip(q).flat_map(|(&w, &q)| [w, q])).collect()
        };
        let constants = gpu.buffer_of("primes", bytemuck::cast_slice(&primes))?;
        let forward = gpu.buffer_of("roots of unity", &pairs(NttTable::forward_roots))?;
        let inverse = gpu.buffer_of("roots of unity", &pairs(NttTable::inverse_roots))?;
        let moduli: Vec<_> = tables.iter().map(|t| *t.modulus()).collect();
        let key = key.map_or(Ok(Vec::new()), |key| {
            let montgomery = |(i, m): (usize, &Modulus)| {
                let residues: Vec<u32> =
                    key.tile().prime(i).iter().map(|&x| m.to_montgomery(x)).collect();
                gpu.buffer_of("the relinearisation key", &residues)
            };
            moduli[..key.tile().shape().primes].iter().enumerate().map(montgomery).collect()
        })?;
        Ok(Self { degree: basis.degree(), primes, moduli, constants, forward, inverse, key })
    }

    /// Prime `guard` modulo prime `i`.
    pub fn residue_of(&self, guard: usize, i: usize) -> Shoup {
        let m = &self.moduli[i];
        m.shoup(self.moduli[guard].value() % m.value())
    }

    /// The inverse of prime `last` modulo prime `i`.
    pub fn inverse_of(&self, last: usize, i: usize) -> Shoup {
        let m = &self.moduli[i];
        m.shoup(m.inv(self.moduli[last].value() % m.value()))
    }
}
