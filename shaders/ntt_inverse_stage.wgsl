// One middle stage of an inverse transform that is too long for workgroup memory, in place.

@group(0) @binding(0) var<uniform> params: Transform;
@group(0) @binding(1) var<storage, read> primes: array<Prime>;
@group(0) @binding(2) var<storage, read> roots: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read_write> data: array<u32>;

@compute @workgroup_size(THREADS)
fn ntt_inverse_stage(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    if (id.x >= DEGREE / 2u) {
        return;
    }
    let job = params.jobs[group.z];
    let block = id.x / params.half;
    let start = start_of(job.w, params.first + group.y, params.polynomials);
    let at = start + block * 2u * params.half + id.x % params.half;
    let w = roots[job.x * DEGREE + DEGREE / (2u * params.half) + block];
    let x = inverse_butterfly(data[at], data[at + params.half], w, primes[job.x].p);
    data[at] = x.x;
    data[at + params.half] = x.y;
}
