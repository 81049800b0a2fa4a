// c ← (c − r)/q, for some columns and rows of one prime, in place: r is the transform of the
// remainder of c modulo the prime q that is dropped.

override THREADS: u32;

/// Widths and columns in vectors of four residues.
struct Params {
    prime: Prime,
    /// q⁻¹ modulo this prime.
    inverse: vec2<u32>,
    /// The tile's chunk: [component][rows][width], the first row of this dispatch, and where its
    /// columns start in a polynomial of `degree`.
    rows: u32,
    row: u32,
    width: u32,
    column: u32,
    degree: u32,
    /// The remainders, [2][remainder_rows][N] from vector `remainders` on, and the first row of
    /// this dispatch.
    remainders: u32,
    remainder_rows: u32,
    remainder_row: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> remainders: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> tile: array<vec4<u32>>;

@compute @workgroup_size(THREADS)
fn rescale(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    if (id.x >= params.width) {
        return;
    }
    let p = params.prime.p;
    let at = (group.z * params.rows + params.row + group.y) * params.width + id.x;
    let row = group.z * params.remainder_rows + params.remainder_row + group.y;
    let r = remainders[params.remainders + row * params.degree + params.column + id.x];
    tile[at] = shoup4(reduce_once4(tile[at] + p - r, p), params.inverse, p);
}
