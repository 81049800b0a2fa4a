//! Shaders are unrolled in their source: compilers keep an array in registers where all indices are
//! constants, and not all of them unroll loops for that.
//!
//! Lines between `//@ for m in 0..R` and `//@ end` are repeated with `$m` replaced; `$R` is the value
//! of a constant, `$(R-1-m)` a difference.

/// A constant of a kernel's text: a size, or how often something is repeated.
pub type Constant = (&'static str, u32);

/// The text with everything unrolled. What it does not know it leaves as it is, which no compiler takes.
pub fn unroll(text: &str, constants: &[Constant]) -> String {
    let names: Vec<(&str, u32)> = constants.to_vec();
    let lines: Vec<&str> = text.lines().collect();
    let mut out = String::with_capacity(2 * text.len());
    repeat(&lines, &names, &mut out);
    out
}

fn repeat<'a>(lines: &[&'a str], names: &[(&'a str, u32)], out: &mut String) {
    let mut rest = lines;
    while let Some((line, after)) = rest.split_first() {
        rest = after;
        let Some((variable, count)) = heading(line, names) else {
            substitute(line, names, out);
            out.push('\n');
            continue;
        };
        let (body, after) = rest.split_at(end(rest));
        for value in 0..count {
            let mut inner = names.to_vec();
            inner.push((variable, value));
            repeat(body, &inner, out);
        }
        rest = after.get(1..).unwrap_or_default();
    }
}

/// `(m, R)` of `//@ for m in 0..R`.
fn heading<'a>(line: &'a str, names: &[(&str, u32)]) -> Option<(&'a str, u32)> {
    let (variable, bound) = line.trim().strip_prefix("//@ for ")?.split_once(" in 0..")?;
    Some((variable, value(bound, names)?))
}

/// Where the `//@ end` of a block is whose heading has just been read.
fn end(lines: &[&str]) -> usize {
    let mut depth = 1;
    let closes = |line: &&str| {
        let line = line.trim();
        depth += i32::from(line.starts_with("//@ for ")) - i32::from(line == "//@ end");
        depth == 0
    };
    lines.iter().position(closes).unwrap_or(lines.len())
}

/// A name or a number.
fn value(text: &str, names: &[(&str, u32)]) -> Option<u32> {
    let named = names.iter().rev().find(|(name, _)| *name == text).map(|n| n.1);
    named.or_else(|| text.parse().ok())
}

fn substitute(line: &str, names: &[(&str, u32)], out: &mut String) {
    let mut pieces = line.split('$');
    out.extend(pieces.next());
    for piece in pieces {
        let bracketed = piece.strip_prefix('(').and_then(|p| p.split_once(')'));
        if let Some((difference, rest)) = bracketed {
            let terms = difference.split('-').map(|term| value(term, names));
            let terms: Option<Vec<u32>> = terms.collect();
            let result = terms.and_then(|t| {
                let (first, others) = t.split_first()?;
                first.checked_sub(others.iter().sum())
            });
            if let Some(result) = result {
                out.push_str(&result.to_string());
                out.push_str(rest);
                continue;
            }
        }
        // The longest name that the text begins with: `$mu` is m and the suffix of a number.
        let known = names.iter().filter(|(name, _)| piece.starts_with(name));
        match known.max_by_key(|(name, _)| name.len()) {
            Some((name, _)) => {
                let value = value(name, names).unwrap_or_default();
                out.push_str(&value.to_string());
                out.push_str(&piece[name.len()..]);
            }
            None => {
                out.push('$');
                out.push_str(piece);
            }
        }
    }
}

/// `fn forward_R(x, table, node, p)`: log₂ R stages of the recursion from node `node` on, for a column
/// of R coefficients in [0, 2p), in place. `radix` is a power of two.
pub fn forward_network(radix: u32) -> String {
    let mut out = head("forward", radix);
    let mut half = radix / 2;
    while half > 0 {
        butterflies(&mut out, radix, half, "forward");
        half /= 2;
    }
    out + "}\n"
}

/// `fn inverse_R(x, table, node, p)`: the stages of [`forward_network`] backwards, with inverse roots.
pub fn inverse_network(radix: u32) -> String {
    let mut out = head("inverse", radix);
    let mut half = 1;
    while half < radix {
        butterflies(&mut out, radix, half, "inverse");
        half *= 2;
    }
    out + "}\n"
}

fn head(direction: &str, radix: u32) -> String {
    format!(
        "fn {direction}_{radix}(x: ptr<function, array<u32, {radix}>>, table: u32, node: u32, p: u32) {{\n"
    )
}

/// One stage: blocks of 2·half coefficients, each with a root of its own, read by pairs.
fn butterflies(out: &mut String, radix: u32, half: u32, direction: &str) {
    let stage = (radix / (2 * half)).ilog2();
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    line("{".into());
    for block in 0..radix / (2 * half) {
        let root = match (stage, block % 2) {
            (0, _) => "root(table + node)".to_owned(),
            (_, 0) => {
                line(format!(
                    "let w{block} = roots[(table + (node << {stage}u) + {block}u) >> 1u];"
                ));
                format!("w{block}.xy")
            }
            _ => format!("w{}.zw", block - 1),
        };
        line(format!("let r{block} = {root};"));
        for low in block * 2 * half..(block * 2 + 1) * half {
            let high = low + half;
            line(format!(
                "let y{low} = {direction}_butterfly((*x)[{low}], (*x)[{high}], r{block}, p);"
            ));
            line(format!("(*x)[{low}] = y{low}.x; (*x)[{high}] = y{low}.y;"));
        }
    }
    line("}".into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_nest_and_names_end_where_they_end() {
        let text = "a\n//@ for m in 0..R\nx$m = $mu + $RUN;\n//@ for e in 0..2\ny$e$m $(R-1-m)\n//@ end\n//@ end\nz $R";
        let got = unroll(text, &[("R", 2), ("RUN", 7)]);
        let want = "a\nx0 = 0u + 7;\ny00 1\ny10 1\nx1 = 1u + 7;\ny01 0\ny11 0\nz 2\n";
        assert_eq!(got, want);
        assert_eq!(unroll("$q $(1-2)", &[]), "$q $(1-2)\n");
    }

    #[test]
    fn networks_have_all_their_butterflies() {
        for radix in [1u32, 2, 4, 8, 16] {
            let count = (radix / 2 * radix.ilog2()) as usize;
            for text in [forward_network(radix), inverse_network(radix)] {
                assert_eq!(text.matches("butterfly(").count(), count);
            }
        }
    }
}
