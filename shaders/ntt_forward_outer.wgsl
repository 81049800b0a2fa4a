// Lift, folding and the first log₂(N/SEGMENT) stages of a transform that is too long for workgroup memory, in
// registers: a thread takes two columns of R = N/SEGMENT coefficients.

@group(0) @binding(0) var<uniform> params: Transform;
@group(0) @binding(1) var<storage, read> primes: array<Prime>;
@group(0) @binding(2) var<storage, read> roots: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> source: array<u32>;
@group(0) @binding(4) var<storage, read_write> result: array<u32>;

@compute @workgroup_size(THREADS)
fn ntt_forward_outer(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let i = id.x;
    if (i >= STEP / 2u) {
        return;
    }
    let job = params.jobs[group.z];
    let polynomial = params.first + group.y;
    let origin = (job.z + polynomial) * DEGREE;
    let start = (job.w + polynomial) * DEGREE;
    var u: array<u32, R>;
    var v: array<u32, R>;
    let prime = primes[job.x];
    let integers = integers_by(primes[job.y], primes[job.y + min(params.apart, 1u)], params.apart, prime);
    folded_columns(i, origin, integers, prime, job.x * DEGREE, &u, &v);
    //@ for m in 0..R
    result[start + i + $mu * STEP] = u[$m];
    result[start + other_column(i) + $mu * STEP] = v[$m];
    //@ end
}
