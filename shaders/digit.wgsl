// x₁ ← (x₁ − x₀)/p₀ modulo p₁, coefficient by coefficient, in place: of residues x₀ modulo p₀, centred, and x₁
// modulo p₁, the halves of the centred residue x₀ + p₀·x₁ modulo p₀p₁.

struct Params {
    first: Prime,
    second: Prime,
    /// 1/p₀ modulo p₁.
    inverse: vec2<u32>,
    /// Polynomials of N words: x₀ and x₁ of this dispatch's first row.
    low: u32,
    high: u32,
    /// N.
    degree: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> digits: array<u32>;

@compute @workgroup_size(THREADS)
fn digit(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    if (id.x >= params.degree) {
        return;
    }
    let p = params.second.p;
    let x = lift(digits[(params.low + group.y) * params.degree + id.x], params.first, params.second);
    let at = (params.high + group.y) * params.degree + id.x;
    digits[at] = shoup(digits[at] + p - x, params.inverse, p);
}
