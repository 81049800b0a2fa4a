//! Relinearisation and rescaling, step by step, against the CPU's transforms and the definitions.

use crate::harness::{Outcome, broken, compare, everywhere, parameters, random_key, residues, rng};
use cipherbatch::device::gpu::{GpuEngine, GpuOptions, Kernel};
use cipherbatch::scheme::{Parameters, RelinKey};

/// The values modulo prime `to` of the centred coefficients modulo prime `from`.
fn lifted(params: &Parameters, from: usize, to: usize, coefficients: &[u32]) -> Vec<u32> {
    let (source, table) = (params.basis().modulus(from), params.basis().table(to));
    let lift = |&x: &u32| table.modulus().from_i64(source.centre(x).into());
    let mut out: Vec<u32> = coefficients.iter().map(lift).collect();
    out.chunks_mut(params.degree()).for_each(|a| table.forward(a));
    out
}

/// Transforms in one workgroup, and in two passes over memory.
fn ways() -> [fn(&mut GpuOptions); 3] {
    [
        |_| (),
        |options| options.workgroup_memory = Some(4 * 16),
        |options| options.tuning.transform_threads = Some(2),
    ]
}

fn key_switch(
    engine: &GpuEngine,
    params: &Parameters,
    key: &RelinKey,
    rows: usize,
    (count, size): (usize, usize),
) -> Outcome {
    let n = params.degree();
    let digits: Vec<Vec<u32>> = (0..count * size)
        .map(|j| residues(params.basis().modulus(j), rows * n, &mut rng(2 + j as u64)))
        .collect();
    for prime in 0..params.levels() {
        let m = params.basis().modulus(prime);
        let tile = residues(m, 3 * rows * n, &mut rng(3));
        // x₀, or x₀ + p₀·x₁, modulo the prime.
        let values: Vec<Vec<u32>> = digits
            .chunks(size)
            .enumerate()
            .map(|(j, parts)| {
                let first = params.basis().modulus(j * size).value() % m.value();
                let mut parts = (j * size..).zip(parts).map(|(i, d)| lifted(params, i, prime, d));
                let low = parts.next().expect("a digit");
                let Some(high) = parts.next() else { return low };
                low.iter().zip(&high).map(|(&x, &y)| m.add(x, m.mul(first, y))).collect()
            })
            .collect();
        let mut want = tile.clone();
        let (pair, c2) = want.split_at_mut(2 * rows * n);
        for (i, x) in pair.iter_mut().enumerate() {
            let (component, row, k) = (i / (rows * n), i / n % rows, i % n);
            for (j, values) in values.iter().enumerate() {
                let own = c2[row * n + k];
                let d = if j == prime / size { own } else { values[row * n + k] };
                for j in j * size..(j + 1) * size {
                    *x = m.add(*x, m.mul(d, key.tile().poly(prime, component, j)[k]));
                }
            }
        }
        let got = engine.kernels().key_switch(prime, size, &digits.concat(), &tile).expect("runs");
        compare(&format!("a key switch modulo {}", m.value()), &got, &want)?;
    }
    Ok(())
}

#[test]
fn key_switches() {
    // Fewer digits than the key has, too: a lower level.
    for ((degree, rows, count), way) in
        [(16, 1, (4, 1)), (256, 3, (2, 2)), (32, 5, (3, 1)), (16, 3, (2, 2)), (32, 2, (1, 2))]
            .into_iter()
            .zip(ways().into_iter().cycle())
    {
        let params = parameters(degree);
        let key = random_key(&params, &mut rng(4));
        everywhere(&params, Some(&key), way, |e| key_switch(e, &params, &key, rows, count));
    }
    let params = parameters(32);
    let key = random_key(&params, &mut rng(4));
    let breaks = [
        ("j == params.own", "false"),
        ("params.key_digits * DEGREE", "0u"),
        ("first * params.digit_rows + row", "first * params.digit_rows"),
        ("primes[first]", "prime"),
        ("primes[first + params.size - 1u]", "prime"),
        ("key[k + DEGREE]", "0u"),
        ("integers.apart == 0u", "true"),
    ];
    for (from, to) in breaks {
        let patch = (Kernel::KeySwitch, from, to);
        broken(&params, Some(&key), |_| (), patch, |e| key_switch(e, &params, &key, 3, (2, 2)));
    }
    for (from, to) in [("params.apart", "0u"), ("job.y + min(", "job.x + min(")] {
        let patch = (Kernel::NttForwardOuter, from, to);
        broken(&params, Some(&key), ways()[1], patch, |e| key_switch(e, &params, &key, 3, (2, 2)));
    }
}

fn digit(engine: &GpuEngine, params: &Parameters, rows: usize) -> Outcome {
    let n = params.degree();
    for first in 0..params.levels() - 1 {
        let [p, q] = [first, first + 1].map(|i| params.basis().modulus(i));
        let coefficients =
            [residues(p, rows * n, &mut rng(8)), residues(q, rows * n, &mut rng(9))].concat();
        let (low, high) = coefficients.split_at(rows * n);
        let inverse = q.inv(p.value() % q.value());
        let quotient =
            |(&x, &y): (&u32, &u32)| q.mul(q.sub(y, q.from_i64(p.centre(x).into())), inverse);
        let mut want = low.to_vec();
        want.extend(low.iter().zip(high).map(quotient));
        let got = engine.kernels().digit(first, &coefficients).expect("runs");
        compare(&format!("halves of digits modulo {} and {}", p.value(), q.value()), &got, &want)?;
    }
    Ok(())
}

#[test]
fn digits() {
    for (degree, rows) in [(16, 1), (32, 7), (1024, 3)] {
        let params = parameters(degree);
        everywhere(&params, None, |_| (), |e| digit(e, &params, rows));
    }
    let params = parameters(32);
    for (from, to) in [("params.inverse", "vec2(1u, 1u)"), ("params.high + group.y", "params.high")]
    {
        let patch = (Kernel::Digit, from, to);
        broken(&params, None, |_| (), patch, |e| digit(e, &params, 3));
    }
}

fn raise(engine: &GpuEngine, params: &Parameters, rows: usize) -> Outcome {
    let n = params.degree();
    for guard in 1..params.levels() {
        let q = params.basis().modulus(guard).value();
        for prime in 0..guard {
            let m = params.basis().modulus(prime);
            let tile = residues(m, 3 * rows * n, &mut rng(7));
            let want: Vec<u32> = tile.iter().map(|&c| m.mul(c, q % m.value())).collect();
            let got = engine.kernels().raise(prime, guard, 3, &tile).expect("runs");
            compare(&format!("{q} times residues modulo {}", m.value()), &got, &want)?;
        }
    }
    Ok(())
}

#[test]
fn raises() {
    for (degree, rows) in [(16, 1), (32, 7), (1024, 3)] {
        let params = parameters(degree);
        everywhere(&params, None, |_| (), |e| raise(e, &params, rows));
    }
    let params = parameters(32);
    for (from, to) in [("params.factor", "vec2(1u, 1u)"), ("group.z * params.rows", "0u")] {
        let patch = (Kernel::Raise, from, to);
        broken(&params, None, |_| (), patch, |e| raise(e, &params, 3));
    }
}

fn rescale(engine: &GpuEngine, params: &Parameters, rows: usize) -> Outcome {
    let n = params.degree();
    for last in 1..params.levels() {
        let q = params.basis().modulus(last);
        let remainders = residues(q, 2 * rows * n, &mut rng(5));
        for prime in 0..last {
            let m = params.basis().modulus(prime);
            let tile = residues(m, 2 * rows * n, &mut rng(6));
            let inverse = m.inv(q.value() % m.value());
            let divided = |(&c, r): (&u32, u32)| m.mul(m.sub(c, r), inverse);
            let values = lifted(params, last, prime, &remainders);
            let want: Vec<u32> = tile.iter().zip(values).map(divided).collect();
            let got = engine.kernels().rescale(prime, last, &remainders, &tile).expect("runs");
            compare(&format!("a rescaling by {} modulo {}", q.value(), m.value()), &got, &want)?;
        }
    }
    Ok(())
}

#[test]
fn rescalings() {
    for ((degree, rows), way) in [(16, 1), (256, 3), (32, 7)].into_iter().zip(ways()) {
        let params = parameters(degree);
        everywhere(&params, None, way, |e| rescale(e, &params, rows));
    }
    let params = parameters(32);
    let breaks = [
        ("+ p - r", "+ r"),
        ("group.z * params.remainder_rows", "0u"),
        ("primes[params.last]", "prime"),
    ];
    for (from, to) in breaks {
        let patch = (Kernel::Rescale, from, to);
        broken(&params, None, |_| (), patch, |e| rescale(e, &params, 3));
    }
}
