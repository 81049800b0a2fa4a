// Arithmetic modulo a prime p < 2³¹, on residues in [0, p). A sum of two fits 32 bits; three do not.

/// What `tables.rs` precomputes for a prime. Pairs are a factor w with ⌊w·2³²/p⌋ (Shoup).
struct Prime {
    p: u32,
    /// −p⁻¹ mod 2³².
    neg_inv: u32,
    /// (p − 1)/2.
    half: u32,
    _pad: u32,
    one: vec2<u32>,
    /// 2³² mod p, and its square.
    radix: vec2<u32>,
    radix_squared: vec2<u32>,
    _pad2: vec2<u32>,
    /// I, the square root of −1 of the folding.
    imaginary: vec2<u32>,
    /// (2N)⁻¹, twice that, and I times that: the end of an inverse transform.
    scale: vec2<u32>,
    scale_twice: vec2<u32>,
    scale_imaginary: vec2<u32>,
}

/// r mod p for r in [0, 2p): where r < p the difference wraps to the top of the range.
fn reduce_once(r: u32, p: u32) -> u32 {
    return min(r, r - p);
}

fn reduce_once4(r: vec4<u32>, p: u32) -> vec4<u32> {
    return min(r, r - p);
}

fn add(a: u32, b: u32, p: u32) -> u32 {
    return reduce_once(a + b, p);
}

fn sub(a: u32, b: u32, p: u32) -> u32 {
    return reduce_once(a + p - b, p);
}

/// a·w mod p in the lazy range [0, 2p), for any 32-bit a.
fn shoup_lazy(a: u32, w: vec2<u32>, p: u32) -> u32 {
    return a * w.x - mul_hi(a, w.y) * p;
}

fn shoup(a: u32, w: vec2<u32>, p: u32) -> u32 {
    return reduce_once(shoup_lazy(a, w, p), p);
}

fn shoup4(a: vec4<u32>, w: vec2<u32>, p: u32) -> vec4<u32> {
    return reduce_once4(a * w.x - mul_hi4(a, vec4<u32>(w.y)) * p, p);
}

/// a·b·2⁻³² mod p, for a·b < p·2³².
fn montgomery(a: u32, b: u32, prime: Prime) -> u32 {
    return reduce_once(montgomery_lazy(a, b, prime.p, prime.neg_inv), prime.p);
}

fn montgomery4(a: vec4<u32>, b: vec4<u32>, prime: Prime) -> vec4<u32> {
    return reduce_once4(montgomery_lazy4(a, b, prime.p, prime.neg_inv), prime.p);
}

/// The centred representative of x modulo `from`, as a residue modulo `to`. Nothing changes where
/// the primes are the same.
fn lift(x: u32, from_prime: Prime, to_prime: Prime) -> u32 {
    if (from_prime.half < to_prime.p) {
        // |x| < p already.
        return select(x, x + to_prime.p - from_prime.p, x > from_prime.half);
    }
    let r = shoup(x, to_prime.one, to_prime.p);
    let q = shoup(from_prime.p, to_prime.one, to_prime.p);
    return select(r, sub(r, q, to_prime.p), x > from_prime.half);
}
