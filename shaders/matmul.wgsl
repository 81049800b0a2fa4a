// A modular matrix product: rows of integer weights times rows of residues, for some columns of
// one prime.
//
// A workgroup computes 8·WY outputs of one block × 4·WX columns, a thread 8 × 4 in registers. Each
// round it brings DEPTH input rows (gathered by `columns`) and the weights that meet them to
// workgroup memory, so an input is read once for 8·WY outputs.

override WX: u32;
override WY: u32;
/// Terms between two possible folds: a power of two up to DEPTH.
override RUN: u32;

const DEPTH = 8u;

/// A tile of outputs of one block.
struct Job {
    /// Where the block's input rows start in `columns`, and their number.
    columns: u32,
    terms: u32,
    /// Where the tile's output rows start in `rows`, and their number, up to 8·WY.
    rows: u32,
    count: u32,
    /// Where its weights start: [terms][WY][2] vectors of four.
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

var<workgroup> inputs: array<vec4<u32>, DEPTH * WX>;
var<workgroup> factors: array<vec4<i32>, DEPTH * WY * 2u>;

/// The residue of a folded sum: high·2³² + low.
fn residue(sum: Sum, prime: Prime) -> vec4<u32> {
    let high = sum_high(sum);
    let r = shoup4(vec4<u32>(abs(high)), prime.radix, prime.p);
    let signed = select(r, reduce_once4(prime.p - r, prime.p), high < vec4<i32>());
    return reduce_once4(signed + shoup4(sum_low(sum), prime.one, prime.p), prime.p);
}

fn store(sum: ptr<function, Sum>, job: Job, i: u32, component: u32, x: u32) {
    if (i >= job.count || x >= params.width) {
        return;
    }
    sum_fold(sum);
    let p = params.prime.p;
    var y = residue(*sum, params.prime);
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

@compute @workgroup_size(WX, WY)
fn matmul(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let job = jobs[params.first + group.y];
    let component = group.z;
    let x = group.x * WX + local.x;
    let origin = component * params.source_rows * params.source_width + params.source_column + x;

    var s0 = sum_zero();
    var s1 = sum_zero();
    var s2 = sum_zero();
    var s3 = sum_zero();
    var s4 = sum_zero();
    var s5 = sum_zero();
    var s6 = sum_zero();
    var s7 = sum_zero();
    var since_fold = 0u;
    for (var round = 0u; round < job.terms; round += DEPTH) {
        workgroupBarrier();
        for (var k = local.y; k < DEPTH; k += WY) {
            var value = vec4<u32>();
            if (round + k < job.terms && x < params.width) {
                value = source[origin + columns[job.columns + round + k] * params.source_width];
            }
            inputs[k * WX + local.x] = value;
        }
        for (var i = thread; i < DEPTH * WY * 2u; i += WX * WY) {
            var value = vec4<i32>();
            if (round * WY * 2u + i < job.terms * WY * 2u) {
                value = weights[job.weights + round * WY * 2u + i];
            }
            factors[i] = value;
        }
        workgroupBarrier();
        for (var run = 0u; run < DEPTH; run += RUN) {
            if (since_fold + RUN > params.bound) {
                sum_fold(&s0);
                sum_fold(&s1);
                sum_fold(&s2);
                sum_fold(&s3);
                sum_fold(&s4);
                sum_fold(&s5);
                sum_fold(&s6);
                sum_fold(&s7);
                since_fold = 0u;
            }
            since_fold += RUN;
            for (var k = run; k < run + RUN; k++) {
                let value = inputs[k * WX + local.x];
                let w = factors[(k * WY + local.y) * 2u];
                let v = factors[(k * WY + local.y) * 2u + 1u];
                sum_add(&s0, value, w.x);
                sum_add(&s1, value, w.y);
                sum_add(&s2, value, w.z);
                sum_add(&s3, value, w.w);
                sum_add(&s4, value, v.x);
                sum_add(&s5, value, v.y);
                sum_add(&s6, value, v.z);
                sum_add(&s7, value, v.w);
            }
        }
    }
    let i = local.y * 8u;
    store(&s0, job, i, component, x);
    store(&s1, job, i + 1u, component, x);
    store(&s2, job, i + 2u, component, x);
    store(&s3, job, i + 3u, component, x);
    store(&s4, job, i + 4u, component, x);
    store(&s5, job, i + 5u, component, x);
    store(&s6, job, i + 6u, component, x);
    store(&s7, job, i + 7u, component, x);
}
