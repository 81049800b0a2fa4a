// What the transforms share: which polynomial modulo which prime, roots and butterflies.
//
// Node k of the recursion splits X^{2t} − r² into X^t − r and X^t + r, where r is root k; the
// stage of half length t meets nodes N/(2t) + 0, 1, 2, …

/// N.
override DEGREE: u32;
/// Coefficients that one workgroup holds, N or less: the length of a segment.
override SEGMENT: u32;
override THREADS: u32;

/// Polynomials lie as [group][polynomial][N]. A dispatch covers, in z, up to 64 groups.
struct Transform {
    /// Polynomials of a group.
    polynomials: u32,
    /// Where this dispatch's polynomials start.
    first: u32,
    /// Half the length of the butterflies of a single stage.
    half: u32,
    _pad: u32,
    /// For each z: prime of the transform, prime of the source's residues, group of the source,
    /// group of the result.
    jobs: array<vec4<u32>, 64>,
}

fn start_of(group: u32, polynomial: u32, polynomials: u32) -> u32 {
    return (group * polynomials + polynomial) * DEGREE;
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

/// The centred representative of x modulo `from`, as a residue modulo `to`. Nothing changes where
/// the primes are the same.
fn lift(x: u32, from_prime: Prime, to_prime: Prime) -> u32 {
    let r = shoup(x, to_prime.one, to_prime.p);
    let q = shoup(from_prime.p, to_prime.one, to_prime.p);
    return select(r, sub(r, q, to_prime.p), x > from_prime.half);
}
