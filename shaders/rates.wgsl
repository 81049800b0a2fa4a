// What the device multiplies, at best: ROUNDS times sixteen independent chains of one operation a thread. For
// experiments.

struct Params {
    factor: u32,
    _pad0: u32,
    _pad1: u32,
    _pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> result: array<u32>;

fn operation(x: u32, y: u32) -> u32 {
    if (OPERATION == 0u) {
        return x * y + 1u;
    }
    if (OPERATION == 1u) {
        return mul_hi(x, y) + y;
    }
    return u32(dot4I8Packed(x, y)) + x;
}

@compute @workgroup_size(THREADS)
fn rates(@builtin(global_invocation_id) id: vec3<u32>) {
    let y = params.factor;
    //@ for e in 0..16
    var x$e = id.x + $eu;
    //@ end
    for (var i = 0u; i < ROUNDS; i++) {
        //@ for e in 0..16
        x$e = operation(x$e, y);
        //@ end
    }
    var sum = 0u;
    //@ for e in 0..16
    sum += x$e;
    //@ end
    result[id.x] = sum;
}
