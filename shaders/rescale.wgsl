// c ← (c − r)/q for one prime, in place: r is the transform of the remainder of c modulo the prime q that is
// dropped. A workgroup takes a segment of one component of a ciphertext; remainders are lifted, transformed
// and subtracted without a trip to memory between.

struct Params {
    prime: u32,
    /// The prime that is dropped.
    last: u32,
    /// Its inverse modulo this prime.
    inverse: vec2<u32>,
    /// The remainders, polynomials [2][remainder_rows][N]: coefficients modulo the dropped prime, or,
    /// where a polynomial is too long for workgroup memory, what `ntt_forward_outer` made of them.
    remainder_rows: u32,
    /// The tile, [component][rows][N], and the first row of the remainders.
    rows: u32,
    row: u32,
    /// The first row of this dispatch, among the remainders'.
    first: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> primes: array<Prime>;
@group(0) @binding(2) var<storage, read> roots: array<vec4<u32>>;
/// The remainders.
@group(0) @binding(3) var<storage, read> source: array<u32>;
@group(0) @binding(4) var<storage, read_write> tile: array<u32>;

@compute @workgroup_size(THREADS)
fn rescale(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let prime = primes[params.prime];
    let p = prime.p;
    let row = params.first + group.y;
    let origin = (group.z * params.remainder_rows + row) * DEGREE + group.x * SEGMENT;
    let last = primes[params.last];
    let integers = integers_by(last, last, 0u, prime);
    forward_segment(origin, group.x, integers, prime, params.prime * DEGREE, thread);
    let at = (group.z * params.rows + params.row + row) * DEGREE + group.x * SEGMENT;
    for (var i = thread; i < SEGMENT; i += THREADS) {
        let r = reduce_once(a[bank(i)], p);
        tile[at + i] = shoup(tile[at + i] + p - r, params.inverse, p);
    }
}
