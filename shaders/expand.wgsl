// c₁ of fresh ciphertexts from the seed they travel as: uniform residues by rejection, the words of a ChaCha20
// stream in order, their low bits, those below p.
//
// A workgroup takes a polynomial. In each round every thread makes a block of 16 words and counts those that it
// keeps; sums over the threads before say where they go. The stream of row r modulo prime number i is 256·r + i.

struct Params {
    seed: array<vec4<u32>, 2>,
    p: u32,
    /// 2^⌈log₂ p⌉ − 1.
    mask: u32,
    /// The prime's number.
    prime: u32,
    degree: u32,
    /// The columns wanted, and the place of the first row of `order` in the tile, in rows of `width`.
    column: u32,
    width: u32,
    place: u32,
    /// The first row of this dispatch.
    first: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
/// The number of each row.
@group(0) @binding(1) var<storage, read> order: array<u32>;
@group(0) @binding(2) var<storage, read_write> tile: array<u32>;

/// Words kept by a thread and those before it.
var<workgroup> kept: array<u32, THREADS>;

fn rotate(x: vec4<u32>, bits: u32) -> vec4<u32> {
    return (x << vec4<u32>(bits)) | (x >> vec4<u32>(32u - bits));
}

/// A block, as the rows of its state.
struct Block {
    a: vec4<u32>,
    b: vec4<u32>,
    c: vec4<u32>,
    d: vec4<u32>,
}

/// Four quarter rounds side by side.
fn quarter_rounds(x: ptr<function, Block>) {
    (*x).a += (*x).b;
    (*x).d = rotate((*x).d ^ (*x).a, 16u);
    (*x).c += (*x).d;
    (*x).b = rotate((*x).b ^ (*x).c, 12u);
    (*x).a += (*x).b;
    (*x).d = rotate((*x).d ^ (*x).a, 8u);
    (*x).c += (*x).d;
    (*x).b = rotate((*x).b ^ (*x).c, 7u);
}

/// Block `number` of a stream (Bernstein's layout: 64 bits of counter, 64 bits of stream).
fn block(number: u32, stream: vec2<u32>) -> Block {
    let a = vec4<u32>(0x61707865u, 0x3320646eu, 0x79622d32u, 0x6b206574u);
    let d = vec4<u32>(number, 0u, stream);
    var x = Block(a, params.seed[0], params.seed[1], d);
    for (var i = 0u; i < 10u; i++) {
        quarter_rounds(&x);
        x.b = x.b.yzwx;
        x.c = x.c.zwxy;
        x.d = x.d.wxyz;
        quarter_rounds(&x);
        x.b = x.b.wxyz;
        x.c = x.c.zwxy;
        x.d = x.d.yzwx;
    }
    return Block(x.a + a, x.b + params.seed[0], x.c + params.seed[1], x.d + d);
}

fn count(x: vec4<u32>) -> u32 {
    let below = select(vec4<u32>(), vec4<u32>(1u), (x & vec4<u32>(params.mask)) < vec4<u32>(params.p));
    return below.x + below.y + below.z + below.w;
}

/// Writes a word that is kept, to be residue `at`, and says where the next one goes.
fn put(word: u32, at: u32, row: u32) -> u32 {
    let value = word & params.mask;
    if (value >= params.p) {
        return at;
    }
    if (at < params.degree && at >= params.column && at - params.column < params.width) {
        tile[(params.place + row) * params.width + at - params.column] = value;
    }
    return at + 1u;
}

@compute @workgroup_size(THREADS)
fn expand(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let row = params.first + group.x;
    let number = order[row];
    let stream = vec2<u32>((number << 8u) | params.prime, number >> 24u);
    var filled = 0u;
    for (var round = 0u; filled < params.degree; round += THREADS) {
        let x = block(round + thread, stream);
        let own = count(x.a) + count(x.b) + count(x.c) + count(x.d);
        kept[thread] = own;
        workgroupBarrier();
        for (var step = 1u; step < THREADS; step *= 2u) {
            var before = 0u;
            if (thread >= step) {
                before = kept[thread - step];
            }
            workgroupBarrier();
            kept[thread] += before;
            workgroupBarrier();
        }
        var at = filled + kept[thread] - own;
        at = put(x.a.x, at, row);
        at = put(x.a.y, at, row);
        at = put(x.a.z, at, row);
        at = put(x.a.w, at, row);
        at = put(x.b.x, at, row);
        at = put(x.b.y, at, row);
        at = put(x.b.z, at, row);
        at = put(x.b.w, at, row);
        at = put(x.c.x, at, row);
        at = put(x.c.y, at, row);
        at = put(x.c.z, at, row);
        at = put(x.c.w, at, row);
        at = put(x.d.x, at, row);
        at = put(x.d.y, at, row);
        at = put(x.d.z, at, row);
        at = put(x.d.w, at, row);
        filled += workgroupUniformLoad(&kept[THREADS - 1u]);
    }
}
