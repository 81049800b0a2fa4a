// The inverse transform of a segment of SEGMENT values in workgroup memory: all of it, unfolded and
// scaled, where the segment is the polynomial; else the first stages, and `ntt_inverse_outer` does the rest.

@group(0) @binding(0) var<uniform> params: Transform;
@group(0) @binding(1) var<storage, read> primes: array<Prime>;
/// [prime][N/2], two inverse roots with their quotients.
@group(0) @binding(2) var<storage, read> roots: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> source: array<u32>;
@group(0) @binding(4) var<storage, read_write> result: array<u32>;

var<workgroup> a: array<u32, SEGMENT>;

@compute @workgroup_size(THREADS)
fn ntt_inverse(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let job = params.jobs[group.z];
    let prime = primes[job.x];
    let polynomial = params.first + group.y;
    let origin = (job.z + polynomial) * DEGREE + group.x * SEGMENT;
    let start = (job.w + polynomial) * DEGREE + group.x * SEGMENT;
    for (var i = thread; i < SEGMENT; i += THREADS) {
        a[bank(i)] = source[origin + i];
    }
    workgroupBarrier();

    let tree = DEGREE / SEGMENT + group.x;
    let table = job.x * DEGREE;
    //@ for pass in 0..PASSES
    inverse_pass(1u << (4u * $passu), tree, prime.p, table, thread);
    //@ end

    if (SEGMENT == DEGREE) {
        for (var i = thread; i < STEP / 2u; i += THREADS) {
            let at = bank(i);
            let other = bank(other_column(i));
            var u: array<u32, R>;
            var v: array<u32, R>;
            //@ for m in 0..R
            u[$m] = a[at ^ bank($mu * STEP)];
            v[$m] = a[other ^ bank($mu * STEP)];
            //@ end
            unfolded_columns(i, start, prime, table, &u, &v);
        }
    } else {
        for (var i = thread; i < STEP; i += THREADS) {
            let at = bank(i);
            var x: array<u32, R>;
            //@ for m in 0..R
            x[$m] = a[at ^ bank($mu * STEP)];
            //@ end
            inverse_$R(&x, table, tree, prime.p);
            //@ for m in 0..R
            result[start + i + $mu * STEP] = x[$m];
            //@ end
        }
    }
}

/// Four stages, the first of half length h.
fn inverse_pass(h: u32, tree: u32, p: u32, table: u32, thread: u32) {
    for (var i = thread; i < SEGMENT / 16u; i += THREADS) {
        let block = i / h;
        let at = bank(block * 16u * h + i % h);
        var x: array<u32, 16>;
        //@ for m in 0..16
        x[$m] = a[at ^ bank($mu * h)];
        //@ end
        inverse_16(&x, table, tree * (SEGMENT / (16u * h)) + block, p);
        //@ for m in 0..16
        a[at ^ bank($mu * h)] = x[$m];
        //@ end
    }
    workgroupBarrier();
}
