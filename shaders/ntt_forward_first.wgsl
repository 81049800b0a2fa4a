// Lift, folding and the first stage of a transform that is too long for workgroup memory.

@group(0) @binding(0) var<uniform> params: Transform;
@group(0) @binding(1) var<storage, read> primes: array<Prime>;
@group(0) @binding(2) var<storage, read> roots: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> source: array<u32>;
@group(0) @binding(4) var<storage, read_write> result: array<u32>;

@compute @workgroup_size(THREADS)
fn ntt_forward_first(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    // Folding pairs i with N − i, the stage pairs i with i + N/2: together i, N/2 − i, N/2 + i and
    // N − i. For i = N/4 two and two are the same; 0 and N/2 have no mirror image.
    let i = id.x;
    if (i > DEGREE / 4u) {
        return;
    }
    let job = params.jobs[group.z];
    let prime = primes[job.x];
    let from_prime = primes[job.y];
    let polynomial = params.first + group.y;
    let origin = start_of(job.z, polynomial, params.polynomials);
    let to = start_of(job.w, polynomial, params.polynomials);
    let w = roots[job.x * DEGREE + 1u];
    let half = DEGREE / 2u;

    let a = lift(source[origin + i], from_prime, prime);
    let b = lift(source[origin + half + i], from_prime, prime);
    if (i == 0u) {
        let x = forward_butterfly(a, fold(b, b, prime), w, prime.p);
        result[to] = x.x;
        result[to + half] = x.y;
        return;
    }
    let c = lift(source[origin + half - i], from_prime, prime);
    let d = lift(source[origin + DEGREE - i], from_prime, prime);
    let x = forward_butterfly(fold(a, d, prime), fold(b, c, prime), w, prime.p);
    let y = forward_butterfly(fold(c, b, prime), fold(d, a, prime), w, prime.p);
    result[to + i] = x.x;
    result[to + half + i] = x.y;
    result[to + half - i] = y.x;
    result[to + DEGREE - i] = y.y;
}
