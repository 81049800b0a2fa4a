//! The trait's definitions, computed as they are written: slow, and the oracle of the engines.

use super::{Affine, DeviceError, Engine, Fill, Layer, Operator, check};
use crate::math::naive;
use crate::ring::{BlockMatrix, Shape, Tile};
use crate::scheme::{Digits, Parameters, ParametersLiteral, RelinKey};
use std::ops::Range;

/// An engine without a single idea.
#[derive(Debug)]
pub struct NaiveEngine {
    params: Parameters,
    key: Option<RelinKey>,
}

impl NaiveEngine {
    /// Opens it.
    ///
    /// # Errors
    /// [`DeviceError::Shape`] where the key is not of these parameters.
    pub fn open(params: &Parameters, key: Option<&RelinKey>) -> Result<Self, DeviceError> {
        key.map_or(Ok(()), |k| check::key(params, k))?;
        Ok(Self { params: params.clone(), key: key.cloned() })
    }

    /// (c₀², 2c₀c₁, c₁²) of every row, modulo primes from `first` on.
    fn square(&self, tile: &Tile, first: usize) -> Tile {
        let shape = Shape { components: 3, ..tile.shape() };
        let mut out = Tile::zeros(shape);
        for prime in 0..shape.primes {
            let m = self.basis().modulus(first + prime);
            for row in 0..shape.rows {
                for k in 0..shape.degree {
                    let [a, b] = [0, 1].map(|c| tile.poly(prime, c, row)[k]);
                    let ab = m.mul(a, b);
                    for (c, v) in [m.mul(a, a), m.add(ab, ab), m.mul(b, b)].into_iter().enumerate()
                    {
                        out.poly_mut(prime, c, row)[k] = v;
                    }
                }
            }
        }
        out
    }

    /// The centred coefficients of values modulo prime `i`.
    fn centred(&self, i: usize, values: &[u32]) -> Vec<i64> {
        let mut a = values.to_vec();
        self.basis().table(i).inverse(&mut a);
        a.into_iter().map(|x| self.basis().modulus(i).centre(x).into()).collect()
    }

    /// The values modulo prime `i` of integer coefficients.
    fn values(&self, i: usize, coefficients: &[i64]) -> Vec<u32> {
        let m = self.basis().modulus(i);
        let mut a: Vec<u32> = coefficients.iter().map(|&x| m.from_i64(x)).collect();
        self.basis().table(i).forward(&mut a);
        a
    }

    /// Times the next prime, which comes back with residues 0.
    fn raised(&self, tile: &Tile) -> Tile {
        let shape = Shape { primes: tile.shape().primes + 1, ..tile.shape() };
        let guard = self.basis().modulus(shape.primes - 1).value();
        let mut out = Tile::zeros(shape);
        for (prime, component, row) in polynomials(tile.shape()) {
            let m = self.basis().modulus(prime);
            let raised = out.poly_mut(prime, component, row).iter_mut();
            for (y, &x) in raised.zip(tile.poly(prime, component, row)) {
                *y = m.mul(x, guard % m.value());
            }
        }
        out
    }

    /// The centred coefficients of values modulo the product of primes i and i + 1.
    fn centred_by_two(&self, i: usize, [low, high]: [&[u32]; 2]) -> Vec<i64> {
        let [p, q] = [i, i + 1].map(|i| i128::from(self.basis().modulus(i).value()));
        let inverse = i128::from(self.basis().modulus(i + 1).inv((p % q) as u32));
        let digit = |(x, y): (i64, i64)| {
            let x = i128::from(x);
            let residue = x.rem_euclid(p * q) + p * ((i128::from(y) - x) * inverse).rem_euclid(q);
            let residue = residue % (p * q);
            (if residue > p * q / 2 { residue - p * q } else { residue }) as i64
        };
        self.centred(i, low).into_iter().zip(self.centred(i + 1, high)).map(digit).collect()
    }

    /// The digits of a row's third component, each with the rows of the key that it is multiplied by.
    fn digits(&self, tile: &Tile, row: usize, digits: Digits) -> Vec<(Vec<i64>, Range<usize>)> {
        let c2 = |i| tile.poly(i, 2, row);
        let primes = tile.shape().primes;
        match digits {
            Digits::Plain | Digits::Guarded => {
                (0..primes).map(|j| (self.centred(j, c2(j)), j..j + 1)).collect()
            }
            Digits::Paired => {
                let pairs = (0..primes - 1).step_by(2);
                pairs.map(|j| (self.centred_by_two(j, [c2(j), c2(j + 1)]), j..j + 2)).collect()
            }
        }
    }

    fn relinearise(&self, tile: &Tile, key: &Tile, digits: Digits) -> Tile {
        let shape = Shape { components: 2, ..tile.shape() };
        let mut out = Tile::zeros(shape);
        for row in 0..shape.rows {
            for prime in 0..shape.primes {
                for component in 0..2 {
                    let c = tile.poly(prime, component, row);
                    out.poly_mut(prime, component, row).copy_from_slice(c);
                }
            }
            for (coefficients, rows) in self.digits(tile, row, digits) {
                for prime in 0..shape.primes {
                    let m = self.basis().modulus(prime);
                    let d = self.values(prime, &coefficients);
                    for component in 0..2 {
                        for k in rows.clone().map(|digit| key.poly(prime, component, digit)) {
                            let sums = out.poly_mut(prime, component, row).iter_mut();
                            sums.enumerate().for_each(|(j, c)| *c = m.add(*c, m.mul(d[j], k[j])));
                        }
                    }
                }
            }
        }
        out
    }

    fn rescale(&self, tile: &Tile) -> Tile {
        let last = tile.shape().primes - 1;
        let shape = Shape { primes: last, ..tile.shape() };
        let q = self.basis().modulus(last).value();
        let mut out = Tile::zeros(shape);
        for component in 0..shape.components {
            for row in 0..shape.rows {
                let remainder = self.centred(last, tile.poly(last, component, row));
                for prime in 0..last {
                    let m = self.basis().modulus(prime);
                    let inverse = m.inv(q % m.value());
                    let r = self.values(prime, &remainder);
                    let c = tile.poly(prime, component, row);
                    for (j, out) in out.poly_mut(prime, component, row).iter_mut().enumerate() {
                        *out = m.mul(m.sub(c[j], r[j]), inverse);
                    }
                }
            }
        }
        out
    }

    /// Times the primes of results, modulo which that is 0, and rescaled by all others.
    fn to_results(&self, tile: &Tile) -> Tile {
        let shape = tile.shape();
        let own: Vec<u32> = self.params.results().primes().collect();
        let others = self.basis().primes().take(shape.primes);
        let primes = own.iter().copied().chain(others).collect();
        let params = Parameters::new_insecure(ParametersLiteral::new(shape.degree, primes))
            .expect("primes of parameters");
        let engine = Self { params, key: None };
        let mut raised = Tile::zeros(Shape { primes: own.len() + shape.primes, ..shape });
        for (prime, component, row) in polynomials(shape) {
            let m = self.basis().modulus(prime);
            let y = own.iter().fold(1, |y, &p| m.mul(y, p % m.value()));
            let out = raised.poly_mut(own.len() + prime, component, row).iter_mut();
            out.zip(tile.poly(prime, component, row)).for_each(|(out, &c)| *out = m.mul(c, y));
        }
        (0..shape.primes).fold(raised, |tile, _| engine.rescale(&tile))
    }
}

/// Where the polynomials of a tile are: prime, component, row.
fn polynomials(shape: Shape) -> impl Iterator<Item = (usize, usize, usize)> {
    let rows = move |(prime, component)| (0..shape.rows).map(move |row| (prime, component, row));
    let of_prime = move |prime| (0..shape.components).map(move |component| (prime, component));
    (0..shape.primes).flat_map(of_prime).flat_map(rows)
}

/// A matrix, and whether it is applied to squares, perhaps of sums.
#[derive(Clone, Debug)]
pub struct NaiveMatrix {
    matrix: BlockMatrix,
    squared: bool,
    first: Option<(BlockMatrix, Vec<i128>)>,
}

impl Engine for NaiveEngine {
    type Tile = Tile;
    type Matrix = NaiveMatrix;

    fn name(&self) -> String {
        "the definitions".into()
    }

    fn parameters(&self) -> &Parameters {
        &self.params
    }

    fn tile(&self, shape: Shape) -> Result<Tile, DeviceError> {
        check::tile(self.basis(), shape)?;
        Ok(Tile::zeros(shape))
    }

    fn fill(
        &self,
        into: &mut Tile,
        at: usize,
        rows: usize,
        fill: &Fill<'_>,
    ) -> Result<(), DeviceError> {
        let shape = into.shape();
        check::rows(shape, at, rows)?;
        for prime in 0..shape.primes {
            for component in 0..shape.components {
                for row in 0..rows {
                    fill(prime, component, row, into.poly_mut(prime, component, at + row));
                }
            }
        }
        Ok(())
    }

    fn download(&self, tile: &Tile) -> Result<Tile, DeviceError> {
        Ok(tile.clone())
    }

    fn shape(&self, tile: &Tile) -> Shape {
        tile.shape()
    }

    fn matrix(&self, matrix: &BlockMatrix, squared: bool) -> Result<NaiveMatrix, DeviceError> {
        Ok(NaiveMatrix { matrix: matrix.clone(), squared, first: None })
    }

    fn has_quadratic(&self) -> bool {
        true
    }

    fn quadratic(
        &self,
        inner: Affine<'_>,
        outer: &BlockMatrix,
    ) -> Result<NaiveMatrix, DeviceError> {
        check::quadratic(inner, outer)?;
        let first = Some((inner.matrix.clone(), inner.constants.to_vec()));
        Ok(NaiveMatrix { matrix: outer.clone(), squared: true, first })
    }

    fn operator(&self, m: &NaiveMatrix) -> Operator {
        let inputs = m.first.as_ref().map_or(m.matrix.inputs(), |first| first.0.inputs());
        Operator { outputs: m.matrix.outputs(), inputs, squared: m.squared }
    }

    fn layer(
        &self,
        layer: &Layer<'_, Self>,
        into: &mut Tile,
        at: usize,
    ) -> Result<(), DeviceError> {
        let key = self.key.as_ref();
        let shape = check::layer(self, layer, into.shape(), at, key.is_some())?;
        let mut result = self.sum(layer, shape);
        if let Some(switch) = layer.switch {
            if let Some(key) = key.filter(|_| shape.components == 3) {
                result = match switch.digits {
                    Digits::Plain => self.relinearise(&result, key.tile(), switch.digits),
                    digits => {
                        self.rescale(&self.relinearise(&self.raised(&result), key.tile(), digits))
                    }
                };
            }
            if switch.to_results {
                result = self.to_results(&result);
            } else {
                for _ in 0..switch.rescale {
                    result = self.rescale(&result);
                }
            }
        }
        if layer.onto {
            for (prime, component, row) in polynomials(shape) {
                let m = self.basis().modulus(layer.first + prime);
                let held = into.poly(prime, component, at + row).iter();
                let sum = result.poly_mut(prime, component, row).iter_mut();
                sum.zip(held).for_each(|(y, &x)| *y = m.add(*y, x));
            }
        }
        self.fill(into, at, shape.rows, &|prime, component, row, out| {
            out.copy_from_slice(result.poly(prime, component, row));
        })
    }
}

impl NaiveEngine {
    /// Σ matrix·tile + bias.
    fn sum(&self, layer: &Layer<'_, Self>, shape: Shape) -> Tile {
        let (mut out, first) = (Tile::zeros(shape), layer.first);
        for t in layer.terms {
            let x = t.matrix.first.as_ref().map(|(matrix, constants)| {
                let mut sum = Tile::zeros(Shape { rows: matrix.outputs(), ..t.tile.shape() });
                self.add_product(matrix, t.tile, &mut sum, first);
                self.add_constants(
                    |prime, row| self.basis().modulus(first + prime).from_i128(constants[row]),
                    &mut sum,
                    first,
                );
                sum
            });
            let x = x.as_ref().unwrap_or(t.tile);
            match t.matrix.squared {
                true => self.add_product(&t.matrix.matrix, &self.square(x, first), &mut out, first),
                false => self.add_product(&t.matrix.matrix, x, &mut out, first),
            }
        }
        self.add_constants(|prime, row| layer.bias[prime * shape.rows + row], &mut out, first);
        out
    }

    /// out += matrix·x, modulo as many primes as `out` has, from `first` on.
    fn add_product(&self, matrix: &BlockMatrix, x: &Tile, out: &mut Tile, first: usize) {
        let shape = out.shape();
        for row in 0..shape.rows {
            let (columns, weights): (Vec<u32>, Vec<i32>) =
                matrix.row(row as u32).into_iter().unzip();
            for prime in 0..shape.primes {
                let m = self.basis().modulus(first + prime);
                for component in 0..x.shape().components {
                    for k in 0..shape.degree {
                        let inputs: Vec<u32> = columns
                            .iter()
                            .map(|&c| x.poly(prime, component, c as usize)[k])
                            .collect();
                        let y = &mut out.poly_mut(prime, component, row)[k];
                        *y = m.add(*y, naive::dot(m, &weights, &inputs));
                    }
                }
            }
        }
    }

    /// Adds `constant(prime, row)` to every value of component 0.
    fn add_constants(&self, constant: impl Fn(usize, usize) -> u32, out: &mut Tile, first: usize) {
        let shape = out.shape();
        for prime in 0..shape.primes {
            let m = self.basis().modulus(first + prime);
            for row in 0..shape.rows {
                let constant = constant(prime, row);
                out.poly_mut(prime, 0, row).iter_mut().for_each(|y| *y = m.add(*y, constant));
            }
        }
    }
}
