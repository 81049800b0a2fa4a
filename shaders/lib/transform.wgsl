// What the transforms share: which polynomial modulo which prime, roots and butterflies.
//
// Node k of the recursion splits X^{2t} − r² into X^t − r and X^t + r, where r is root k; the
// stage of half length t meets nodes N/(2t) + 0, 1, 2, …
//
// DEGREE is N. A workgroup holds SEGMENT of a polynomial's coefficients, all where it can, and works
// on them by passes of four stages, sixteen coefficients a thread in registers between two barriers.
// The stages that are left over, log₂ R of them, go first (forward) or last (inverse), on columns of R
// coefficients at distance STEP, while they come from memory or go there.

/// Polynomials of N words, one after another. A dispatch covers, in y, polynomials from `first` on, and in
/// z up to 64 jobs.
struct Transform {
    first: u32,
    /// Where integers x₀ + p₀·x₁ are transformed, words from x₀ to x₁, which belongs to the next prime; 0
    /// for x₀ alone.
    apart: u32,
    _pad1: u32,
    _pad2: u32,
    /// Prime of the transform, prime of the source's residues, first polynomial of the source, first
    /// polynomial of the result.
    jobs: array<vec4<u32>, 64>,
}

/// Root k, from pairs of roots with their quotients.
fn root(k: u32) -> vec2<u32> {
    let pair = roots[k >> 1u];
    return select(pair.xy, pair.zw, (k & 1u) == 1u);
}

/// Where in workgroup memory coefficient i lies: the bits above the bank's are added to it, so that
/// threads at distances 1, 2, 4, … meet different banks. Linear over GF(2): of two numbers without
/// common bits, bank(i + j) = bank(i) ^ bank(j).
fn bank(i: u32) -> u32 {
    return i ^ ((i >> 5u) & 31u) ^ ((i >> 4u) & 16u);
}

/// Values in [0, 2p) to values in [0, 2p): (x + w·y, x − w·y).
fn forward_butterfly(x: u32, y: u32, w: vec2<u32>, p: u32) -> vec2<u32> {
    let u = reduce_once(x, p);
    let v = reduce_once(shoup_lazy(y, w, p), p);
    return vec2<u32>(u + v, u + p - v);
}

/// Values in [0, 2p) to values in [0, p) and [0, 2p): (x + y, (x − y)·w).
fn inverse_butterfly(x: u32, y: u32, w: vec2<u32>, p: u32) -> vec2<u32> {
    let u = reduce_once(x, p);
    let v = reduce_once(y, p);
    return vec2<u32>(reduce_once(u + v, p), shoup_lazy(u + p - v, w, p));
}

/// aᵢ − I·a_{N−i} in [0, p), for residues in [0, p).
fn fold(a: u32, mirrored: u32, prime: Prime) -> u32 {
    return sub(a, shoup(mirrored, prime.imaginary, prime.p), prime.p);
}

/// (bᵢ + I·b_{N−i})/2N in [0, p), for any 32-bit words.
fn unfold(b: u32, mirrored: u32, prime: Prime) -> u32 {
    return add(
        shoup(b, prime.scale, prime.p),
        shoup(mirrored, prime.scale_imaginary, prime.p),
        prime.p,
    );
}
