//! The transform against its definition, on every instruction set.

use super::*;
use crate::math::{naive, primes_below};
use proptest::prelude::*;

fn table(log_n: u32, bound: u32) -> NttTable {
    let p = primes_below(bound, 4 << log_n).next().unwrap();
    NttTable::new(Modulus::new(p), 1 << log_n)
}

fn polynomial(n: usize) -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(any::<u32>(), n)
}

/// Degree 8…64 over the largest and over small primes.
fn cases() -> impl Strategy<Value = (NttTable, Vec<u32>, Vec<u32>)> {
    (3u32..7, prop::sample::select(vec![1 << 31, 1 << 30, 5000])).prop_flat_map(|(log_n, bound)| {
        let t = table(log_n, bound);
        let n = 1 << log_n;
        (Just(t), polynomial(n), polynomial(n)).prop_map(|(t, a, b)| {
            let p = t.modulus().value();
            let reduce = |v: Vec<u32>| v.into_iter().map(|x| x % p).collect();
            (t, reduce(a), reduce(b))
        })
    })
}

proptest! {
    #[test]
    fn forward_is_evaluation((t, a, _) in cases()) {
        for simd in Simd::all() {
            let mut got = a.clone();
            t.forward_with(simd, &mut got);
            for (j, &g) in got.iter().enumerate() {
                prop_assert_eq!(g, naive::evaluate(t.modulus(), &a, t.omega(), t.exponent(j)));
            }
        }
    }

    #[test]
    fn products_and_inverse((t, a, b) in cases()) {
        for simd in Simd::all() {
            let (mut x, mut y) = (a.clone(), b.clone());
            t.forward_with(simd, &mut x);
            t.forward_with(simd, &mut y);
            for (x, y) in x.iter_mut().zip(&y) {
                *x = t.modulus().mul(*x, *y);
            }
            let mut apart = vec![7; x.len()];
            t.inverse_times(simd, &x, 1, &mut apart);
            t.inverse_with(simd, &mut x);
            prop_assert_eq!(&x, &apart);
            prop_assert_eq!(x, naive::multiply(t.modulus(), &a, &b));
        }
    }
}

/// Primes above and below twice the bound and the bound, and each side of 2³⁰.
#[test]
fn integers_are_reduced_as_they_are_read() {
    let bound = 1i64 << 29;
    let primes = [1 << 20, (1 << 28) + (1 << 18), (1 << 29) + (1 << 17), 1 << 30, 1_595_600_000];
    for below in primes.into_iter().chain([1 << 31]) {
        for log_n in [3, 9] {
            let t = table(log_n, below);
            let p = t.modulus().value();
            let w = p - 2;
            let factors = Factors::new(t.modulus(), [1, w].into_iter());
            let integers = |seed: u32| -> Vec<i32> {
                let at = |i: u32| match (i + seed) % 11 {
                    0 => bound as i32,
                    1 => -bound as i32,
                    _ => (i + seed).wrapping_mul(2_654_435_761) as i32 % (bound as i32 + 1),
                };
                (0..1 << log_n).map(at).collect()
            };
            let (x, y) = (integers(0), integers(5));
            for factor in [0, i64::from(w)] {
                let sum = |(&x, &y): (&i32, &i32)| i64::from(x) + factor * i64::from(y);
                let sums = x.iter().zip(&y).map(sum);
                let mut want: Vec<u32> = sums.map(|x| t.modulus().from_i64(x)).collect();
                t.forward_with(Simd::all().next().unwrap(), &mut want);
                let y = (factor > 0).then_some((&y[..], &factors, 1));
                for simd in Simd::all() {
                    let mut got = vec![u32::MAX; 1 << log_n];
                    t.forward_sums(simd, Summands { x: &x, y }, bound as u32, &mut got);
                    assert_eq!(got, want, "{simd}, {p}, {factor}");
                }
            }
        }
    }
}

/// Large enough for whole vectors, small enough for every value.
#[test]
fn every_value_of_a_larger_transform() {
    for log_n in [7, 8, 9, 10] {
        let t = table(log_n, 1 << 31);
        let p = t.modulus().value();
        let a: Vec<u32> = (0..1u32 << log_n).map(|i| i.wrapping_mul(2_654_435_761) % p).collect();
        for simd in Simd::all() {
            let mut got = a.clone();
            t.forward_with(simd, &mut got);
            for (j, &g) in got.iter().enumerate() {
                assert_eq!(g, naive::evaluate(t.modulus(), &a, t.omega(), t.exponent(j)));
            }
            t.inverse_with(simd, &mut got);
            assert_eq!(got, a, "{simd}");
        }
    }
}

#[test]
fn extremes_at_full_size() {
    for (log_n, bound) in [(12, 1 << 31), (13, 1 << 30), (14, 1 << 31), (15, 1 << 31)] {
        let t = table(log_n, bound);
        let n = 1 << log_n;
        let p = t.modulus().value();
        let scattered = (0..n as u32).map(|i| i.wrapping_mul(2_654_435_761) % p).collect();
        for a in [vec![0; n], vec![1; n], vec![p / 2; n], vec![p - 1; n], scattered] {
            let portable = Simd::all().next().unwrap();
            let mut want = a.clone();
            t.forward_with(portable, &mut want);
            let far = n / 3;
            assert_eq!(want[far], naive::evaluate(t.modulus(), &a, t.omega(), t.exponent(far)));
            for simd in Simd::all() {
                let mut got = a.clone();
                t.forward_with(simd, &mut got);
                assert_eq!(got, want);
                t.inverse_with(simd, &mut got);
                assert_eq!(got, a);
                for (by, added) in [(1, 0), (p - 1, 1 << 30), (p / 3, 12_345)] {
                    let product = |&a: &u32| t.modulus().mul(a, by);
                    t.inverse_times(simd, &want, by, &mut got);
                    assert!(got.iter().copied().eq(a.iter().map(product)), "{simd}, {by}");
                    let mut centred = vec![7; n];
                    t.inverse_centred(simd, &want, by, added, &mut centred);
                    let added = added as i32;
                    let want = a.iter().map(|a| t.modulus().centre(product(a)) + added);
                    assert!(centred.into_iter().eq(want), "{simd}, {by}, {added}");
                }
            }
        }
    }
}
