// The way out of an inverse transform: two columns of R values through the last log₂ R stages, unfolded
// and scaled. The columns are those of `fold.wgsl`.

/// The other column of column i.
fn other_column(i: u32) -> u32 {
    return select(STEP - i, STEP / 2u, i == 0u);
}

fn unfolded_columns(
    i: u32,
    start: u32,
    prime: Prime,
    table: u32,
    u: ptr<function, array<u32, R>>,
    v: ptr<function, array<u32, R>>,
) {
    inverse_$R(u, table, 1u, prime.p);
    inverse_$R(v, table, 1u, prime.p);
    let other = other_column(i);
    let alone = i == 0u;
    //@ for m in 0..R
    let x$m = (*u)[$m];
    let y$m = (*v)[$m];
    //@ end
    // Coefficient 0 has no partner: unfold is not for it.
    let x$R = 0u;
    //@ for m in 0..R
    {
        let x = unfold(x$m, select(y$(R-1-m), x$(R-m), alone), prime);
        let y = unfold(y$m, select(x$(R-1-m), y$(R-1-m), alone), prime);
        let lonely = alone && $mu == 0u;
        result[start + i + $mu * STEP] = select(x, shoup(x0, prime.scale_twice, prime.p), lonely);
        result[start + other + $mu * STEP] = y;
    }
    //@ end
}
