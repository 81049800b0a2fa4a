// The way in of a forward transform: two columns of R coefficients, lifted, folded and taken through
// the first log₂ R stages.
//
// Folding pairs coefficient i with N − i: column i with column STEP − i, backwards. Columns 0 and
// STEP/2 are their own mirror images, and share a thread.

/// The other column of column i.
fn other_column(i: u32) -> u32 {
    return select(STEP - i, STEP / 2u, i == 0u);
}

fn folded_columns(
    i: u32,
    origin: u32,
    from_prime: Prime,
    prime: Prime,
    table: u32,
    u: ptr<function, array<u32, R>>,
    v: ptr<function, array<u32, R>>,
) {
    let other = other_column(i);
    let alone = i == 0u;
    //@ for m in 0..R
    let x$m = lift(source[origin + i + $mu * STEP], from_prime, prime);
    let y$m = lift(source[origin + other + $mu * STEP], from_prime, prime);
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
