// Sums of weight times residue in 64-bit integers: one wide multiply-add a term, where the adapter has them.
// The same set of functions as `sum_halves.wgsl`.

/// Brings a row of residues to workgroup memory.
fn pack(at: u32, rows: ptr<function, array<vec4<u32>, GROUP>>, p: u32) {
    inputs[at] = (*rows)[0];
}

/// Four sums. |Σ| < 2⁵² always, so nothing is ever folded.
struct Sum {
    total: vec4<i64>,
}

fn sum_zero() -> Sum {
    return Sum(vec4<i64>());
}

/// sum += w·x for residues x < 2³¹.
fn add_digit0(sum: ptr<function, Sum>, at: u32, w: i32) {
    (*sum).total += vec4<i64>(vec4<i32>(inputs[at])) * i64(w);
}

fn sum_fold(sum: ptr<function, Sum>) {}

/// The sum in words.
fn words(sum: Sum) -> Words {
    return Words(vec4<i32>(sum.total >> vec4<u32>(32u)), vec4<u32>(sum.total));
}
