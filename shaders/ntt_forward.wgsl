// The forward transform of a segment of SEGMENT coefficients: one reading, one writing.

@group(0) @binding(0) var<uniform> params: Transform;
@group(0) @binding(1) var<storage, read> primes: array<Prime>;
/// [prime][N/2], two roots with their quotients.
@group(0) @binding(2) var<storage, read> roots: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> source: array<u32>;
@group(0) @binding(4) var<storage, read_write> result: array<u32>;

@compute @workgroup_size(THREADS)
fn ntt_forward(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let job = params.jobs[group.z];
    let prime = primes[job.x];
    let polynomial = params.first + group.y;
    let origin = (job.z + polynomial) * DEGREE + group.x * SEGMENT;
    let start = (job.w + polynomial) * DEGREE + group.x * SEGMENT;
    let integers = integers_by(primes[job.y], primes[job.y + min(params.apart, 1u)], params.apart, prime);
    forward_segment(origin, group.x, integers, prime, job.x * DEGREE, thread);
    for (var i = thread; i < SEGMENT; i += THREADS) {
        result[start + i] = reduce_once(a[bank(i)], prime.p);
    }
}
