// (c₀², 2c₀c₁, c₁²) of the ciphertexts listed, for some columns of one prime.

override THREADS: u32;

/// Lengths and places in vectors of four residues.
struct Params {
    prime: Prime,
    rows: u32,
    /// Where this dispatch's rows start.
    first: u32,
    /// Columns of the result; all of them are written.
    width: u32,
    /// Rows and columns of the source, and the first column read.
    source_rows: u32,
    source_width: u32,
    source_column: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
/// The rows of the source.
@group(0) @binding(1) var<storage, read> list: array<u32>;
/// [2][source_rows][source_width].
@group(0) @binding(2) var<storage, read> source: array<vec4<u32>>;
/// [3][rows][width].
@group(0) @binding(3) var<storage, read_write> result: array<vec4<u32>>;

@compute @workgroup_size(THREADS)
fn square(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    if (id.x >= params.width) {
        return;
    }
    let prime = params.prime;
    let row = params.first + group.y;
    let origin = list[row] * params.source_width + params.source_column + id.x;
    let a = source[origin];
    let b = source[origin + params.source_rows * params.source_width];
    let ab = mul4(a, b, prime);
    let to = row * params.width + id.x;
    let component = params.rows * params.width;
    result[to] = mul4(a, a, prime);
    result[to + component] = reduce_once4(ab + ab, prime.p);
    result[to + 2u * component] = mul4(b, b, prime);
}
