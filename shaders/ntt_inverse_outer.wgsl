// The last log₂(N/SEGMENT) stages of an inverse transform that is too long for workgroup memory, unfolding and
// scaling, in place: a thread takes two columns of R = N/SEGMENT values.

@group(0) @binding(0) var<uniform> params: Transform;
@group(0) @binding(1) var<storage, read> primes: array<Prime>;
@group(0) @binding(2) var<storage, read> roots: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> result: array<u32>;

@compute @workgroup_size(THREADS)
fn ntt_inverse_outer(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let i = id.x;
    if (i >= STEP / 2u) {
        return;
    }
    let job = params.jobs[group.z];
    let start = (job.w + params.first + group.y) * DEGREE;
    var u: array<u32, R>;
    var v: array<u32, R>;
    //@ for m in 0..R
    u[$m] = result[start + i + $mu * STEP];
    v[$m] = result[start + other_column(i) + $mu * STEP];
    //@ end
    unfolded_columns(i, start, primes[job.x], job.x * DEGREE, &u, &v);
}
