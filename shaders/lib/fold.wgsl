// The way in of a forward transform: two columns of R coefficients, lifted, folded and taken through
// the first log₂ R stages.
//
// Folding pairs coefficient i with N − i: column i with column STEP − i, backwards. Columns 0 and
// STEP/2 are their own mirror images, and share a thread.

/// What the coefficients that are read stand for.
struct Integers {
    /// They are centred residues x₀ modulo this prime p₀.
    first: Prime,
    /// Where `apart` is not 0, so many words behind each there is x₁ modulo this prime, and the integer is
    /// x₀ + p₀·x₁.
    second: Prime,
    apart: u32,
    /// p₀ modulo the prime of the transform, in Montgomery form.
    radix: u32,
}

fn integers_by(first: Prime, second: Prime, apart: u32, prime: Prime) -> Integers {
    return Integers(first, second, apart, shoup(first.p, prime.radix, prime.p));
}

/// The residue of the integer at a word of `source`.
fn coefficient(at: u32, integers: Integers, prime: Prime) -> u32 {
    let x = lift(source[at], integers.first, prime);
    if (integers.apart == 0u) {
        return x;
    }
    let y = lift(source[at + integers.apart], integers.second, prime);
    return add(x, montgomery(y, integers.radix, prime), prime.p);
}

/// The other column of column i.
fn other_column(i: u32) -> u32 {
    return select(STEP - i, STEP / 2u, i == 0u);
}

fn folded_columns(
    i: u32,
    origin: u32,
    integers: Integers,
    prime: Prime,
    table: u32,
    u: ptr<function, array<u32, R>>,
    v: ptr<function, array<u32, R>>,
) {
    let other = other_column(i);
    let alone = i == 0u;
    //@ for m in 0..R
    let x$m = coefficient(origin + i + $mu * STEP, integers, prime);
    let y$m = coefficient(origin + other + $mu * STEP, integers, prime);
    //@ end
    // Coefficient 0 has no partner.
    let x$R = 0u;
    //@ for m in 0..R
    (*u)[$m] = fold(x$m, select(y$(R-1-m), x$(R-m), alone), prime);
    (*v)[$m] = fold(y$m, select(x$(R-1-m), y$(R-1-m), alone), prime);
    //@ end
    forward_$R(u, table, 1u, prime.p);
    forward_$R(v, table, 1u, prime.p);
}
