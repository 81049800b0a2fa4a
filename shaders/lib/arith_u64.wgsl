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

/// Four sums of weight times residue. |Σ| < 2⁵² always, so nothing is ever folded.
struct Sum {
    total: vec4<i64>,
}

fn sum_zero() -> Sum {
    return Sum(vec4<i64>());
}

/// sum += w·x for residues x < 2³¹.
fn sum_add(sum: ptr<function, Sum>, x: vec4<u32>, w: i32) {
    (*sum).total += vec4<i64>(vec4<i32>(x)) * i64(w);
}

fn sum_fold(sum: ptr<function, Sum>) {}

/// ⌊sum/2³²⌋.
fn sum_high(sum: Sum) -> vec4<i32> {
    return vec4<i32>(sum.total >> vec4<u32>(32u));
}

/// sum mod 2³².
fn sum_low(sum: Sum) -> vec4<u32> {
    return vec4<u32>(sum.total);
}
