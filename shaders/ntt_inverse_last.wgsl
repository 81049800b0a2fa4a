// The last stage of an inverse transform that is too long for workgroup memory, unfolding and
// scaling, in place.

@group(0) @binding(0) var<uniform> params: Transform;
@group(0) @binding(1) var<storage, read> primes: array<Prime>;
@group(0) @binding(2) var<storage, read> roots: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read_write> data: array<u32>;

@compute @workgroup_size(THREADS)
fn ntt_inverse_last(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    // The four of `ntt_forward_first`.
    let i = id.x;
    if (i > DEGREE / 4u) {
        return;
    }
    let job = params.jobs[group.z];
    let prime = primes[job.x];
    let start = start_of(job.w, params.first + group.y, params.polynomials);
    let w = roots[job.x * DEGREE + 1u];
    let half = DEGREE / 2u;

    let x = inverse_butterfly(data[start + i], data[start + half + i], w, prime.p);
    if (i == 0u) {
        data[start] = shoup(x.x, prime.scale_twice, prime.p);
        data[start + half] = unfold(x.y, x.y, prime);
        return;
    }
    let y = inverse_butterfly(data[start + half - i], data[start + DEGREE - i], w, prime.p);
    data[start + i] = unfold(x.x, y.y, prime);
    data[start + half + i] = unfold(x.y, y.x, prime);
    data[start + half - i] = unfold(y.x, x.y, prime);
    data[start + DEGREE - i] = unfold(y.y, x.x, prime);
}
