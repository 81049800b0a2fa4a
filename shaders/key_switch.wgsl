// (c₀, c₁) += Σⱼ dⱼ·keyⱼ for one prime, in place: a workgroup takes a segment of a ciphertext. Digits
// are lifted, transformed and multiplied with the key without a trip to memory between; the sums stay in
// registers, E = SEGMENT/THREADS coefficients of each a thread.

/// Rows and polynomials of N words.
struct Params {
    prime: u32,
    /// Which of the digits is c₂ itself: the one of this prime.
    own: u32,
    /// Digits are polynomials [digits][size][digit_rows][N]: coefficients modulo one prime, or x₀ and x₁
    /// of `digit` modulo two; or, where a polynomial is too long for workgroup memory, in x₀'s place
    /// what `ntt_forward_outer` made of them.
    digits: u32,
    digit_rows: u32,
    /// The tile, [3][rows][N], and the first row of the digits.
    rows: u32,
    row: u32,
    /// The first row of this dispatch, among the digits'.
    first: u32,
    /// Primes in the key, which may have more than are used.
    key_digits: u32,
    /// Primes of a digit: 1 or 2.
    size: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> primes: array<Prime>;
@group(0) @binding(2) var<storage, read> roots: array<vec4<u32>>;
/// The digits.
@group(0) @binding(3) var<storage, read> source: array<u32>;
/// [2][key_digits][N] in Montgomery form.
@group(0) @binding(4) var<storage, read> key: array<u32>;
@group(0) @binding(5) var<storage, read_write> tile: array<u32>;

/// A value of a digit's key: the sum of its primes' keys.
fn key_at(k: u32, p: u32) -> u32 {
    if (params.size == 1u) {
        return key[k];
    }
    return add(key[k], key[k + DEGREE], p);
}

@compute @workgroup_size(THREADS)
fn key_switch(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let prime = primes[params.prime];
    let row = params.first + group.y;
    let column = group.x * SEGMENT + thread;
    let component = params.rows * DEGREE;
    let at = (params.row + row) * DEGREE + column;
    //@ for e in 0..E
    var c$e = tile[at + $eu * THREADS];
    var d$e = tile[at + component + $eu * THREADS];
    //@ end
    for (var j = 0u; j < params.digits; j++) {
        let first = j * params.size;
        let k = first * DEGREE + column;
        let l = k + params.key_digits * DEGREE;
        if (j == params.own) {
            //@ for e in 0..E
            {
                let x = tile[at + 2u * component + $eu * THREADS];
                c$e = add(c$e, montgomery(x, key_at(k + $eu * THREADS, prime.p), prime), prime.p);
                d$e = add(d$e, montgomery(x, key_at(l + $eu * THREADS, prime.p), prime), prime.p);
            }
            //@ end
        } else {
            let origin = (first * params.digit_rows + row) * DEGREE + group.x * SEGMENT;
            let apart = (params.size - 1u) * params.digit_rows * DEGREE;
            let integers = integers_by(primes[first], primes[first + params.size - 1u], apart, prime);
            forward_segment(origin, group.x, integers, prime, params.prime * DEGREE, thread);
            //@ for e in 0..E
            {
                let x = a[bank(thread + $eu * THREADS)];
                c$e = add(c$e, montgomery(x, key_at(k + $eu * THREADS, prime.p), prime), prime.p);
                d$e = add(d$e, montgomery(x, key_at(l + $eu * THREADS, prime.p), prime), prime.p);
            }
            //@ end
            // The next digit waits for the last reader of this one.
            workgroupBarrier();
        }
    }
    //@ for e in 0..E
    tile[at + $eu * THREADS] = c$e;
    tile[at + component + $eu * THREADS] = d$e;
    //@ end
}
