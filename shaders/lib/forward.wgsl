// A forward transform's stages in workgroup memory: all of them, with lift and folding on the way in,
// where the segment is the polynomial; else those that `ntt_forward_outer` leaves.

var<workgroup> a: array<u32, SEGMENT>;

/// Values of segment number `segment`, in [0, 2p) at bank(i), from the words at `origin` of `source`.
fn forward_segment(
    origin: u32,
    segment: u32,
    integers: Integers,
    prime: Prime,
    table: u32,
    thread: u32,
) {
    // The root of this segment's subtree.
    let tree = DEGREE / SEGMENT + segment;
    if (SEGMENT == DEGREE) {
        for (var i = thread; i < STEP / 2u; i += THREADS) {
            var u: array<u32, R>;
            var v: array<u32, R>;
            folded_columns(i, origin, integers, prime, table, &u, &v);
            let at = bank(i);
            let other = bank(other_column(i));
            //@ for m in 0..R
            a[at ^ bank($mu * STEP)] = u[$m];
            a[other ^ bank($mu * STEP)] = v[$m];
            //@ end
        }
    } else {
        for (var i = thread; i < STEP; i += THREADS) {
            var x: array<u32, R>;
            //@ for m in 0..R
            x[$m] = source[origin + i + $mu * STEP];
            //@ end
            forward_$R(&x, table, tree, prime.p);
            let at = bank(i);
            //@ for m in 0..R
            a[at ^ bank($mu * STEP)] = x[$m];
            //@ end
        }
    }
    workgroupBarrier();
    //@ for pass in 0..PASSES
    forward_pass((STEP / 16u) >> (4u * $passu), tree, prime.p, table, thread);
    //@ end
}

/// Four stages, the last of half length h.
fn forward_pass(h: u32, tree: u32, p: u32, table: u32, thread: u32) {
    for (var i = thread; i < SEGMENT / 16u; i += THREADS) {
        let block = i / h;
        let at = bank(block * 16u * h + i % h);
        var x: array<u32, 16>;
        //@ for m in 0..16
        x[$m] = a[at ^ bank($mu * h)];
        //@ end
        forward_16(&x, table, tree * (SEGMENT / (16u * h)) + block, p);
        //@ for m in 0..16
        a[at ^ bank($mu * h)] = x[$m];
        //@ end
    }
    workgroupBarrier();
}
