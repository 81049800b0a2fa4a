// The forward transform of a segment of SEGMENT coefficients in workgroup memory: all of it, with
// lift and folding on the way in, where the segment is the polynomial; else the stages that
// `ntt_forward_first` and `ntt_forward_stage` leave.

@group(0) @binding(0) var<uniform> params: Transform;
@group(0) @binding(1) var<storage, read> primes: array<Prime>;
/// [prime][N], root and quotient.
@group(0) @binding(2) var<storage, read> roots: array<vec2<u32>>;
/// Read where the segment is the whole polynomial.
@group(0) @binding(3) var<storage, read> source: array<u32>;
@group(0) @binding(4) var<storage, read_write> result: array<u32>;

var<workgroup> a: array<u32, SEGMENT>;

@compute @workgroup_size(THREADS)
fn ntt_forward(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let job = params.jobs[group.z];
    let prime = primes[job.x];
    let p = prime.p;
    let polynomial = params.first + group.y;
    let start = start_of(job.w, polynomial, params.polynomials) + group.x * SEGMENT;

    if (SEGMENT == DEGREE) {
        let from_prime = primes[job.y];
        let origin = start_of(job.z, polynomial, params.polynomials);
        for (var i = thread; i < SEGMENT / 2u; i += THREADS) {
            // i and N − i are a pair; 0 and N/2 are alone.
            let j = select(SEGMENT - i, SEGMENT / 2u, i == 0u);
            let x = lift(source[origin + i], from_prime, prime);
            let y = lift(source[origin + j], from_prime, prime);
            a[i] = select(fold(x, y, prime), x, i == 0u);
            a[j] = fold(y, select(x, y, i == 0u), prime);
        }
    } else {
        for (var i = thread; i < SEGMENT; i += THREADS) {
            a[i] = result[start + i];
        }
    }
    workgroupBarrier();

    // The root of this segment's subtree, and the roots of this prime.
    let node = DEGREE / SEGMENT + group.x;
    let table = job.x * DEGREE;
    // Two stages a pass; one first where their number is odd.
    var h = SEGMENT / 4u;
    if ((firstTrailingBit(SEGMENT) & 1u) == 1u) {
        let w = roots[table + node];
        for (var i = thread; i < SEGMENT / 2u; i += THREADS) {
            let x = forward_butterfly(a[i], a[i + SEGMENT / 2u], w, p);
            a[i] = x.x;
            a[i + SEGMENT / 2u] = x.y;
        }
        h = SEGMENT / 8u;
        workgroupBarrier();
    }
    for (; h > 0u; h /= 4u) {
        let first = node * (SEGMENT / (4u * h));
        for (var i = thread; i < SEGMENT / 4u; i += THREADS) {
            let block = i / h;
            let at = block * 4u * h + i % h;
            let k = first + block;
            let w = roots[table + k];
            let u = forward_butterfly(a[at], a[at + 2u * h], w, p);
            let v = forward_butterfly(a[at + h], a[at + 3u * h], w, p);
            let x = forward_butterfly(u.x, v.x, roots[table + 2u * k], p);
            let y = forward_butterfly(u.y, v.y, roots[table + 2u * k + 1u], p);
            a[at] = x.x;
            a[at + h] = x.y;
            a[at + 2u * h] = y.x;
            a[at + 3u * h] = y.y;
        }
        workgroupBarrier();
    }

    for (var i = thread; i < SEGMENT; i += THREADS) {
        result[start + i] = reduce_once(a[i], p);
    }
}
