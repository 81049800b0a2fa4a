// (c₀, c₁) += Σⱼ dⱼ·keyⱼ, for some columns and rows of one prime, in place.

override THREADS: u32;

/// Widths and columns in vectors of four residues.
struct Params {
    prime: Prime,
    /// The tile's chunk: [3][rows][width], the first row of this dispatch, and where its columns
    /// start in a polynomial of `degree`.
    rows: u32,
    row: u32,
    width: u32,
    column: u32,
    degree: u32,
    /// Which of the digits is c₂ itself: the one of this prime.
    own: u32,
    /// The digits, [digits][digit_rows][N], and the first row of this dispatch.
    digits: u32,
    digit_rows: u32,
    digit_row: u32,
    /// Digits in the key, which may have more than are used.
    key_digits: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> digits: array<vec4<u32>>;
/// [2][key_digits][N] in Montgomery form.
@group(0) @binding(2) var<storage, read> key: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> tile: array<vec4<u32>>;

@compute @workgroup_size(THREADS)
fn key_switch(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    if (id.x >= params.width) {
        return;
    }
    let prime = params.prime;
    let component = params.rows * params.width;
    let at = (params.row + group.y) * params.width + id.x;
    let column = params.column + id.x;
    let digit_row = params.digit_row + group.y;
    var c0 = tile[at];
    var c1 = tile[at + component];
    for (var j = 0u; j < params.digits; j++) {
        var d: vec4<u32>;
        if (j == params.own) {
            d = tile[at + 2u * component];
        } else {
            d = digits[(j * params.digit_rows + digit_row) * params.degree + column];
        }
        let k = j * params.degree + column;
        let k0 = key[k];
        let k1 = key[k + params.key_digits * params.degree];
        c0 = reduce_once4(c0 + montgomery4(d, k0, prime), prime.p);
        c1 = reduce_once4(c1 + montgomery4(d, k1, prime), prime.p);
    }
    tile[at] = c0;
    tile[at + component] = c1;
}
