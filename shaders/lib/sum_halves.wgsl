// Sums of weight times residue in 16-bit halves: two multiply-adds a term, on every adapter. The other
// forms of the sum, `sum_wide.wgsl` and `sum_dot.wgsl`, are the same set of functions; one of them goes in
// front of the product.

/// Brings a row of residues to workgroup memory.
fn pack(at: u32, rows: ptr<function, array<vec4<u32>, GROUP>>, p: u32) {
    inputs[at] = (*rows)[0];
}

/// Four sums, as top·2³² + high·2¹⁶ + low.
///
/// After a fold low and high are in [0, 2¹⁶). A term adds w·(x mod 2¹⁶) to low and w·⌊x/2¹⁶⌋ to
/// high, so after t more terms with |w| ≤ W both stay below 2¹⁶ + t·W·(2¹⁶ − 1) in absolute value,
/// which is below 2³¹ as long as t·W ≤ 32,767. That, ⌊32,767/W⌋ terms, is the distance between two
/// folds (at least one, since W < 2¹⁵).
struct Sum {
    low: vec4<i32>,
    high: vec4<i32>,
    top: vec4<i32>,
}

fn sum_zero() -> Sum {
    return Sum(vec4<i32>(), vec4<i32>(), vec4<i32>());
}

/// sum += w·x for residues x < 2³¹.
fn add_digit0(sum: ptr<function, Sum>, at: u32, w: i32) {
    let x = inputs[at];
    (*sum).low += vec4<i32>(x & vec4<u32>(0xffffu)) * w;
    (*sum).high += vec4<i32>(x >> vec4<u32>(16u)) * w;
}

fn sum_fold(sum: ptr<function, Sum>) {
    let bits = vec4<u32>(16u);
    // |high| + |carry| < 2³⁰ + 2¹⁶ + 2¹⁵: w meets 15 bits of x there.
    let high = (*sum).high + ((*sum).low >> bits);
    (*sum).low &= vec4<i32>(0xffff);
    (*sum).high = high & vec4<i32>(0xffff);
    (*sum).top += high >> bits;
}

/// The sum in words, where it has been folded.
fn words(sum: Sum) -> Words {
    return Words(sum.top, vec4<u32>((sum.high << vec4<u32>(16u)) | sum.low));
}
