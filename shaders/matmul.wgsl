// A modular matrix product: rows of integer weights times rows of residues, or of their squares, for some
// columns of one prime.
//
// A workgroup computes OUTPUTS·WY outputs of one block × 4·WX columns, a thread OUTPUTS × 4 in registers. Each
// round it brings DEPTH input rows (gathered by `columns`) and the weights that meet them to workgroup memory,
// so an input is read once for OUTPUTS·WY outputs. Where inputs are squared, Z = 3: the square's components
// (c₀², 2c₀c₁, c₁²) are made on the way in, and each third of the threads sums one of them.

/// A tile of outputs of one block.
struct Job {
    /// Where the block's input rows start in `columns`, and their number.
    columns: u32,
    terms: u32,
    /// Where the tile's output rows start in `rows`, and their number, up to OUTPUTS·WY.
    rows: u32,
    count: u32,
    /// Where its weights start: [terms/GROUP][WY][VECTORS][DIGITS] vectors of four.
    weights: u32,
}

/// Widths and columns in vectors of four residues.
struct Params {
    prime: Prime,
    /// Columns to compute.
    width: u32,
    /// The source, [component][source_rows][source_width], and the first column read.
    source_width: u32,
    source_rows: u32,
    source_column: u32,
    /// The result, [component][result_rows][result_width], and the first column written.
    result_width: u32,
    result_rows: u32,
    result_column: u32,
    /// The first job of this dispatch.
    first: u32,
    /// Components that hold an earlier term already: add to those, overwrite the others.
    written: u32,
    /// Terms after which a sum is folded at the latest: ⌊32,767/max|w|⌋.
    bound: u32,
    /// Whether component 0 gets the bias, and where that starts.
    biased: u32,
    bias: u32,
    /// The row of the result that output 0 is.
    result_row: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> jobs: array<Job>;
@group(0) @binding(2) var<storage, read> columns: array<u32>;
@group(0) @binding(3) var<storage, read> rows: array<u32>;
@group(0) @binding(4) var<storage, read> weights: array<vec4<i32>>;
@group(0) @binding(5) var<storage, read> bias: array<u32>;
@group(0) @binding(6) var<storage, read> source: array<vec4<u32>>;
@group(0) @binding(7) var<storage, read_write> result: array<vec4<u32>>;

/// Groups of terms in a round, and vectors of weights that a thread meets in one.
const GROUPS = DEPTH / GROUP;
const FACTORS = VECTORS * DIGITS;

var<workgroup> inputs: array<vec4<u32>, Z * DEPTH * WX>;
var<workgroup> factors: array<vec4<i32>, GROUPS * WY * FACTORS>;

/// A sum in [−2⁵², 2⁵²] as high·2³² + low.
struct Words {
    high: vec4<i32>,
    low: vec4<u32>,
}

/// The residue of a sum. Squares come divided by 2³², as Montgomery's product leaves them.
fn residue(sum: Words, prime: Prime) -> vec4<u32> {
    let of_high = select(prime.radix, prime.radix_squared, Z == 3u);
    let of_low = select(prime.one, prime.radix, Z == 3u);
    let r = shoup4(vec4<u32>(abs(sum.high)), of_high, prime.p);
    let signed = select(r, reduce_once4(prime.p - r, prime.p), sum.high < vec4<i32>());
    return reduce_once4(signed + shoup4(sum.low, of_low, prime.p), prime.p);
}

fn store(sum: ptr<function, Sum>, job: Job, i: u32, component: u32, x: u32) {
    if (i >= job.count || x >= params.width) {
        return;
    }
    sum_fold(sum);
    let p = params.prime.p;
    var y = residue(words(*sum), params.prime);
    let row = rows[job.rows + i];
    if (component == 0u && params.biased == 1u) {
        y = reduce_once4(y + bias[params.bias + row], p);
    }
    let place = component * params.result_rows + params.result_row + row;
    let at = place * params.result_width + params.result_column + x;
    if (component < params.written) {
        y = reduce_once4(y + result[at], p);
    }
    result[at] = y;
}

@compute @workgroup_size(WX, WY, Z)
fn matmul(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    // Neighbouring workgroups share columns, and neighbouring blocks of a convolution share rows.
    let job = jobs[params.first + group.x];
    let x = group.y * WX + local.x;
    let inside = x < params.width;
    let height = params.source_rows * params.source_width;
    let origin = group.z * height + params.source_column + x;
    let prime = params.prime;

    //@ for v in 0..VECTORS
    var sx$v = sum_zero();
    var sy$v = sum_zero();
    var sz$v = sum_zero();
    var sw$v = sum_zero();
    //@ end
    var since_fold = 0u;
    for (var round = 0u; round < job.terms; round += DEPTH) {
        workgroupBarrier();
        for (var g = local.z * WY + local.y; g < GROUPS; g += WY * Z) {
            let at = g * GROUP * WX + local.x;
            let first = round + g * GROUP;
            var a: array<vec4<u32>, GROUP>;
            var b: array<vec4<u32>, GROUP>;
            //@ for t in 0..GROUP
            if (first + $tu < job.terms && inside) {
                let place = origin + columns[job.columns + first + $tu] * params.source_width;
                a[$t] = source[place];
                if (Z == 3u) {
                    b[$t] = source[place + height];
                }
            }
            //@ end
            if (Z == 3u) {
                var x0: array<vec4<u32>, GROUP>;
                var x1: array<vec4<u32>, GROUP>;
                var x2: array<vec4<u32>, GROUP>;
                //@ for t in 0..GROUP
                x0[$t] = montgomery4(a[$t], a[$t], prime);
                x1[$t] = montgomery4(a[$t] + a[$t], b[$t], prime);
                x2[$t] = montgomery4(b[$t], b[$t], prime);
                //@ end
                pack(at, &x0, prime.p);
                pack(at + DEPTH * WX, &x1, prime.p);
                pack(at + 2u * DEPTH * WX, &x2, prime.p);
            } else {
                pack(at, &a, prime.p);
            }
        }
        let meet = (job.terms + GROUP - 1u) / GROUP * WY * FACTORS;
        for (var i = thread; i < GROUPS * WY * FACTORS; i += WX * WY * Z) {
            let place = round / GROUP * WY * FACTORS + i;
            var value = vec4<i32>();
            if (place < meet) {
                value = weights[job.weights + place];
            }
            factors[i] = value;
        }
        workgroupBarrier();
        for (var run = 0u; run < GROUPS; run += RUN) {
            if (BOUNDED == 1u && since_fold + RUN > params.bound) {
                //@ for v in 0..VECTORS
                sum_fold(&sx$v);
                sum_fold(&sy$v);
                sum_fold(&sz$v);
                sum_fold(&sw$v);
                //@ end
                since_fold = 0u;
            }
            since_fold += RUN;
            for (var g = run; g < run + RUN; g++) {
                let at = (local.z * DEPTH + g * GROUP) * WX + local.x;
                let factor = (g * WY + local.y) * FACTORS;
                //@ for v in 0..VECTORS
                //@ for d in 0..DIGITS
                let w$v$d = factors[factor + $vu * DIGITS + $du];
                add_digit$d(&sx$v, at, w$v$d.x);
                add_digit$d(&sy$v, at, w$v$d.y);
                add_digit$d(&sz$v, at, w$v$d.z);
                add_digit$d(&sw$v, at, w$v$d.w);
                //@ end
                //@ end
            }
        }
    }
    let component = select(group.z, local.z, Z == 3u);
    let i = local.y * 4u * VECTORS;
    //@ for v in 0..VECTORS
    store(&sx$v, job, i + 4u * $vu, component, x);
    store(&sy$v, job, i + 4u * $vu + 1u, component, x);
    store(&sz$v, job, i + 4u * $vu + 2u, component, x);
    store(&sw$v, job, i + 4u * $vu + 3u, component, x);
    //@ end
}
