// c ← c·q for some columns and rows of one prime, in place: q is the prime that guards a key switch.

/// Widths in vectors of four residues.
struct Params {
    prime: Prime,
    /// q modulo this prime.
    factor: vec2<u32>,
    /// The tile's chunk: [component][rows][width], and the first row of this dispatch.
    rows: u32,
    row: u32,
    width: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> tile: array<vec4<u32>>;

@compute @workgroup_size(THREADS)
fn raise(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    if (id.x >= params.width) {
        return;
    }
    let at = (group.z * params.rows + params.row + group.y) * params.width + id.x;
    tile[at] = shoup4(tile[at], params.factor, params.prime.p);
}
