// Sums of weight times residue by dot products of four bytes: a centred residue has four balanced digits to
// base 256, a weight one or two. Four terms and a pair of digits are one instruction. The same set of functions
// as `sum_halves.wgsl`.

/// Brings four rows of residues to workgroup memory: first the lowest digits of all four, and so on.
fn pack(at: u32, rows: ptr<function, array<vec4<u32>, GROUP>>, p: u32) {
    let x0 = digits((*rows)[0], p);
    let x1 = digits((*rows)[1], p);
    let x2 = digits((*rows)[2], p);
    let x3 = digits((*rows)[3], p);
    // A transposition of bytes, pairs first.
    let even = vec4<u32>(0x00ff00ffu);
    let odd = vec4<u32>(0xff00ff00u);
    let byte = vec4<u32>(8u);
    let a = (x0 & even) | ((x1 & even) << byte);
    let b = ((x0 & odd) >> byte) | (x1 & odd);
    let c = (x2 & even) | ((x3 & even) << byte);
    let d = ((x2 & odd) >> byte) | (x3 & odd);
    let low = vec4<u32>(0xffffu);
    let half = vec4<u32>(16u);
    inputs[at] = (a & low) | (c << half);
    inputs[at + WX] = (b & low) | (d << half);
    inputs[at + 2u * WX] = (a >> half) | (c & ~low);
    inputs[at + 3u * WX] = (b >> half) | (d & ~low);
}

/// The balanced digits of the centred residue, −128 to 127 each, the lowest in the lowest byte: |x| < 2³⁰, so
/// the highest is small. Adding 128 to every digit makes them digits from 0; changing a byte's sign bit takes
/// 128 away.
fn digits(x: vec4<u32>, p: u32) -> vec4<u32> {
    let centred = select(x, x - p, x > vec4<u32>(p >> 1u));
    return (centred + 0x80808080u) ^ vec4<u32>(0x80808080u);
}

/// Four sums, as Σ eᵢ·256ⁱ. Four terms add at most 2·2¹⁶ to each of them: 2¹⁵ terms are 2³⁰.
struct Sum {
    e0: vec4<i32>,
    e1: vec4<i32>,
    e2: vec4<i32>,
    e3: vec4<i32>,
    e4: vec4<i32>,
}

fn sum_zero() -> Sum {
    return Sum(vec4<i32>(), vec4<i32>(), vec4<i32>(), vec4<i32>(), vec4<i32>());
}

fn dot4(x: vec4<u32>, w: u32) -> vec4<i32> {
    return vec4<i32>(
        dot4I8Packed(x.x, w),
        dot4I8Packed(x.y, w),
        dot4I8Packed(x.z, w),
        dot4I8Packed(x.w, w),
    );
}

/// sum += Σ wₖ·xₖ over four terms, for the weights' digits w.
fn add_digit0(sum: ptr<function, Sum>, at: u32, w: i32) {
    (*sum).e0 += dot4(inputs[at], u32(w));
    (*sum).e1 += dot4(inputs[at + WX], u32(w));
    (*sum).e2 += dot4(inputs[at + 2u * WX], u32(w));
    (*sum).e3 += dot4(inputs[at + 3u * WX], u32(w));
}

/// sum += 256·Σ wₖ·xₖ.
fn add_digit1(sum: ptr<function, Sum>, at: u32, w: i32) {
    (*sum).e1 += dot4(inputs[at], u32(w));
    (*sum).e2 += dot4(inputs[at + WX], u32(w));
    (*sum).e3 += dot4(inputs[at + 2u * WX], u32(w));
    (*sum).e4 += dot4(inputs[at + 3u * WX], u32(w));
}

fn sum_fold(sum: ptr<function, Sum>) {}

/// words += e·2^bits, for 0 < bits < 32.
fn add_shifted(words: ptr<function, Words>, e: vec4<i32>, bits: u32) {
    let low = vec4<u32>(e) << vec4<u32>(bits);
    (*words).low += low;
    let carry = select(vec4<i32>(), vec4<i32>(1), (*words).low < low);
    (*words).high += (e >> vec4<u32>(32u - bits)) + carry;
}

/// The sum in words.
fn words(sum: Sum) -> Words {
    var words = Words(sum.e4 + (sum.e0 >> vec4<u32>(31u)), vec4<u32>(sum.e0));
    add_shifted(&words, sum.e1, 8u);
    add_shifted(&words, sum.e2, 16u);
    add_shifted(&words, sum.e3, 24u);
    return words;
}
