// Wide arithmetic from 16-bit halves, for every adapter. `arith_u64.wgsl` is the same set of
// functions for adapters with 64-bit integers; one of the two goes in front of every shader.

/// ⌊a·b/2³²⌋.
fn mul_hi(a: u32, b: u32) -> u32 {
    let a0 = a & 0xffffu;
    let a1 = a >> 16u;
    let b0 = b & 0xffffu;
    let b1 = b >> 16u;
    // Each line is at most (2¹⁶ − 1)² + 2¹⁶ − 1 < 2³².
    let low = a0 * b1 + ((a0 * b0) >> 16u);
    let mid = a1 * b0 + (low & 0xffffu);
    return a1 * b1 + (low >> 16u) + (mid >> 16u);
}

fn mul_hi4(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
    let half = vec4<u32>(0xffffu);
    let bits = vec4<u32>(16u);
    let a0 = a & half;
    let a1 = a >> bits;
    let b0 = b & half;
    let b1 = b >> bits;
    let low = a0 * b1 + ((a0 * b0) >> bits);
    let mid = a1 * b0 + (low & half);
    return a1 * b1 + (low >> bits) + (mid >> bits);
}

/// a·b·2⁻³² modulo p in the lazy range [0, 2p), for a·b < p·2³².
///
/// With t = a·b and m = −t·p⁻¹ mod 2³² the low halves of t and m·p cancel, and carry unless both
/// are zero.
fn montgomery_lazy4(a: vec4<u32>, b: vec4<u32>, p: u32, neg_inv: u32) -> vec4<u32> {
    let low = a * b;
    let carry = min(low, vec4<u32>(1u));
    return mul_hi4(a, b) + mul_hi4(low * neg_inv, vec4<u32>(p)) + carry;
}

fn montgomery_lazy(a: u32, b: u32, p: u32, neg_inv: u32) -> u32 {
    let low = a * b;
    return mul_hi(a, b) + mul_hi(low * neg_inv, p) + min(low, 1u);
}
