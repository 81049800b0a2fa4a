//! The kernels that work residue by residue.

use crate::harness::{Outcome, broken, compare, everywhere, parameters, random_key, residues, rng};
use cipherbatch::device::gpu::{GpuEngine, Kernel};
use cipherbatch::scheme::{Parameters, RelinKey};

fn square(engine: &GpuEngine, params: &Parameters, rows: usize, column: usize) -> Outcome {
    let n = params.degree();
    for prime in 0..params.levels() {
        let m = params.basis().modulus(prime);
        let source = residues(m, 2 * rows * n, &mut rng(1));
        let (a, b) = source.split_at(rows * n);
        let product = |k: usize| match k {
            0 => a.iter().map(|&a| m.mul(a, a)).collect::<Vec<_>>(),
            1 => a.iter().zip(b).map(|(&a, &b)| m.mul(m.add(a, a), b)).collect(),
            _ => b.iter().map(|&b| m.mul(b, b)).collect(),
        };
        // Every row but the first, backwards, and the last one again.
        let list: Vec<u32> = (1..rows as u32).rev().chain([rows as u32 - 1]).collect();
        let squares: Vec<Vec<u32>> = (0..3).map(product).collect();
        let rows = squares.iter().flat_map(|x| list.iter().map(|&r| &x[r as usize * n..][..n]));
        let want: Vec<u32> = rows.flat_map(|x| x[column..].to_vec()).collect();
        let got = engine.kernels().square(prime, &list, column, &source).expect("runs");
        compare(&format!("squares modulo {}", m.value()), &got, &want)?;
    }
    Ok(())
}

#[test]
fn squares() {
    for (degree, rows, column) in [(8, 1, 0), (16, 3, 4), (256, 5, 0), (1024, 2, 512)] {
        let params = parameters(degree);
        everywhere(&params, None, |_| (), |e| square(e, &params, rows, column));
    }
    let params = parameters(32);
    for (from, to) in [("ab + ab", "ab"), ("mul4(b, b, prime)", "montgomery4(b, b, prime)")] {
        let patch = (Kernel::Square, from, to);
        broken(&params, None, |_| (), patch, |e| square(e, &params, 3, 8));
    }
}

fn key_switch(
    engine: &GpuEngine,
    params: &Parameters,
    key: &RelinKey,
    rows: usize,
    count: usize,
) -> Outcome {
    let n = params.degree();
    for prime in 0..params.levels() {
        let m = params.basis().modulus(prime);
        let digits = residues(m, count * rows * n, &mut rng(2));
        let tile = residues(m, 3 * rows * n, &mut rng(3));
        let mut want = tile.clone();
        let (pair, c2) = want.split_at_mut(2 * rows * n);
        for (i, x) in pair.iter_mut().enumerate() {
            let (component, row, k) = (i / (rows * n), i / n % rows, i % n);
            for j in 0..count {
                let own = c2[row * n + k];
                let d = if j == prime { own } else { digits[(j * rows + row) * n + k] };
                *x = m.add(*x, m.mul(d, key.tile().poly(prime, component, j)[k]));
            }
        }
        let got = engine.kernels().key_switch(prime, &digits, &tile).expect("runs");
        compare(&format!("a key switch modulo {}", m.value()), &got, &want)?;
    }
    Ok(())
}

#[test]
fn key_switches() {
    // Fewer digits than the key has, too: a lower level.
    for (degree, rows, count) in [(8, 1, 4), (16, 5, 3), (512, 3, 4)] {
        let params = parameters(degree);
        let key = random_key(&params, &mut rng(4));
        everywhere(&params, Some(&key), |_| (), |e| key_switch(e, &params, &key, rows, count));
    }
    let params = parameters(32);
    let key = random_key(&params, &mut rng(4));
    let breaks = [("j == params.own", "false"), ("params.key_digits * params.degree", "0u")];
    for (from, to) in breaks {
        let patch = (Kernel::KeySwitch, from, to);
        broken(&params, Some(&key), |_| (), patch, |e| key_switch(e, &params, &key, 3, 4));
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
    for (degree, rows) in [(8, 1), (16, 7), (1024, 3)] {
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
        let q = params.basis().modulus(last).value();
        for prime in 0..last {
            let m = params.basis().modulus(prime);
            let remainders = residues(m, 2 * rows * n, &mut rng(5));
            let tile = residues(m, 2 * rows * n, &mut rng(6));
            let inverse = m.inv(q % m.value());
            let divided = |(&c, &r): (&u32, &u32)| m.mul(m.sub(c, r), inverse);
            let want: Vec<u32> = tile.iter().zip(&remainders).map(divided).collect();
            let got = engine.kernels().rescale(prime, last, &remainders, &tile).expect("runs");
            compare(&format!("a rescaling by {q} modulo {}", m.value()), &got, &want)?;
        }
    }
    Ok(())
}

#[test]
fn rescalings() {
    for (degree, rows) in [(8, 1), (16, 7), (1024, 3)] {
        let params = parameters(degree);
        everywhere(&params, None, |_| (), |e| rescale(e, &params, rows));
    }
    let params = parameters(32);
    for (from, to) in [("+ p - r", "+ r"), ("group.z * params.remainder_rows", "0u")] {
        let patch = (Kernel::Rescale, from, to);
        broken(&params, None, |_| (), patch, |e| rescale(e, &params, 3));
    }
}
