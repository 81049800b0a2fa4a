// Wide arithmetic for adapters with 64-bit integers. `arith_u32.wgsl` is the same set of functions
// without them; one of the two goes in front of every shader.

/// ⌊a·b/2³²⌋.
fn mul_hi(a: u32, b: u32) -> u32 {
    return u32((u64(a) * u64(b)) >> 32u);
}

fn mul_hi4(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
    return vec4<u32>((vec4<u64>(a) * vec4<u64>(b)) >> vec4<u32>(32u));
}

/// a·b·2⁻³² modulo p in the lazy range [0, 2p), for a·b < p·2³².
///
/// The sum below is less than 2p·2³² < 2⁶⁴, and its low half is zero.
fn montgomery_lazy4(a: vec4<u32>, b: vec4<u32>, p: u32, neg_inv: u32) -> vec4<u32> {
    let t = vec4<u64>(a) * vec4<u64>(b);
    let m = vec4<u32>(t) * neg_inv;
    return vec4<u32>((t + vec4<u64>(m) * u64(p)) >> vec4<u32>(32u));
}

fn montgomery_lazy(a: u32, b: u32, p: u32, neg_inv: u32) -> u32 {
    let t = u64(a) * u64(b);
    let m = u32(t) * neg_inv;
    return u32((t + u64(m) * u64(p)) >> 32u);
}
