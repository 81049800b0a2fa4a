// The inverse transform of a segment of SEGMENT values in workgroup memory, in place: all of it,
// unfolded and scaled, where the segment is the polynomial; else the first stages, and
// `ntt_inverse_stage` and `ntt_inverse_last` do the rest.

@group(0) @binding(0) var<uniform> params: Transform;
@group(0) @binding(1) var<storage, read> primes: array<Prime>;
/// [prime][N], inverse root and quotient.
@group(0) @binding(2) var<storage, read> roots: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read_write> data: array<u32>;

var<workgroup> a: array<u32, SEGMENT>;

@compute @workgroup_size(THREADS)
fn ntt_inverse(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let job = params.jobs[group.z];
    let prime = primes[job.x];
    let p = prime.p;
    let start = start_of(job.w, params.first + group.y, params.polynomials) + group.x * SEGMENT;
    for (var i = thread; i < SEGMENT; i += THREADS) {
        a[i] = data[start + i];
    }
    workgroupBarrier();

    let node = DEGREE / SEGMENT + group.x;
    let table = job.x * DEGREE;
    for (var h = 1u; h <= SEGMENT / 4u; h *= 4u) {
        let first = node * (SEGMENT / (4u * h));
        for (var i = thread; i < SEGMENT / 4u; i += THREADS) {
            let block = i / h;
            let at = block * 4u * h + i % h;
            let k = first + block;
            let x = inverse_butterfly(a[at], a[at + h], roots[table + 2u * k], p);
            let y = inverse_butterfly(a[at + 2u * h], a[at + 3u * h], roots[table + 2u * k + 1u], p);
            let w = roots[table + k];
            let u = inverse_butterfly(x.x, y.x, w, p);
            let v = inverse_butterfly(x.y, y.y, w, p);
            a[at] = u.x;
            a[at + h] = v.x;
            a[at + 2u * h] = u.y;
            a[at + 3u * h] = v.y;
        }
        workgroupBarrier();
    }
    if ((firstTrailingBit(SEGMENT) & 1u) == 1u) {
        let w = roots[table + node];
        for (var i = thread; i < SEGMENT / 2u; i += THREADS) {
            let x = inverse_butterfly(a[i], a[i + SEGMENT / 2u], w, p);
            a[i] = x.x;
            a[i + SEGMENT / 2u] = x.y;
        }
        workgroupBarrier();
    }

    if (SEGMENT == DEGREE) {
        for (var i = thread; i < SEGMENT / 2u; i += THREADS) {
            // i and N − i are a pair; 0 and N/2 are alone.
            let j = select(SEGMENT - i, SEGMENT / 2u, i == 0u);
            let x = a[i];
            let y = a[j];
            data[start + i] = select(unfold(x, y, prime), shoup(x, prime.scale_twice, p), i == 0u);
            data[start + j] = unfold(y, select(x, y, i == 0u), prime);
        }
    } else {
        for (var i = thread; i < SEGMENT; i += THREADS) {
            data[start + i] = a[i];
        }
    }
}
