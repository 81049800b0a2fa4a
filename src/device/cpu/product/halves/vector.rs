//! What the product on halves asks of an instruction set, and residues in its vectors.

use crate::math::Modulus;

/// A vector of [`Vector::LANES`] words of 32 bits, signed or not. Sums and differences wrap.
///
/// # Safety
/// Used only in functions compiled for its instruction set; `LANES` words is what `load` and `store`
/// touch.
pub unsafe trait Vector: Copy {
    /// How many.
    const LANES: usize;

    /// All the same.
    fn splat(x: u32) -> Self;

    /// From memory.
    ///
    /// # Safety
    /// `at` points to `LANES` readable words.
    unsafe fn load(at: *const u32) -> Self;

    /// To memory.
    ///
    /// # Safety
    /// `at` points to `LANES` writable words.
    unsafe fn store(self, at: *mut u32);

    /// To memory, past the caches.
    ///
    /// # Safety
    /// `at` points to `LANES` writable words, at a multiple of their size.
    unsafe fn stream(self, at: *mut u32);

    /// self + Σ x·w over the two signed halves of each lane of `x` and `w`.
    fn dot(self, x: Self, w: Self) -> Self;

    /// Lane by lane, modulo 2³².
    fn add(self, other: Self) -> Self;

    /// Lane by lane, modulo 2³².
    fn sub(self, other: Self) -> Self;

    /// The smaller of unsigned words.
    fn min(self, other: Self) -> Self;

    /// 64-bit lanes, modulo 2⁶⁴.
    fn add_wide(self, other: Self) -> Self;

    /// 64-bit lanes, modulo 2⁶⁴.
    fn sub_wide(self, other: Self) -> Self;

    /// 64-bit products of the even lanes, unsigned.
    fn multiply(self, other: Self) -> Self;

    /// 64-bit products of the even lanes, signed.
    fn multiply_signed(self, other: Self) -> Self;

    /// Odd lanes to even ones.
    fn odd(self) -> Self;

    /// The high words of 64-bit lanes: of `self` in even lanes, of `odd` in odd ones.
    fn high(self, odd: Self) -> Self;

    /// The low words of 32-bit products.
    fn multiply_low(self, other: Self) -> Self;

    /// 2¹⁶ times as much, modulo 2³².
    fn times_65536(self) -> Self;

    /// self·a + other·b of signed words, to the nearest integer, where a and b are the words of floats of 24 bits, as
    /// are the words and all that comes between.
    fn nearest(self, a: Self, other: Self, b: Self) -> Self;

    /// self − `less` where self > `bound`, both below 2³¹.
    fn sub_above(self, bound: Self, less: Self) -> Self;

    /// For signed words x = h·2¹⁶ + l below 2³¹ − 2¹⁵, −2¹⁵ ≤ l < 2¹⁵, in `self`, and likewise in `next`, the
    /// pairs (l, l') and (h, h').
    fn halves(self, next: Self) -> (Self, Self);
}

/// The constants of one prime.
#[derive(Clone, Copy)]
pub struct Residues<V> {
    pub p: V,
    half: V,
    /// Whether words in (−p, p) are what [`Vector::halves`] takes.
    fits: bool,
    /// p⁻¹ mod 2³².
    inverse: V,
    /// 2¹⁶/p and 1/p, as floats.
    quotient: [V; 2],
}

impl<V: Vector> Residues<V> {
    #[inline(always)]
    pub fn new(m: &Modulus) -> Self {
        let over = |x: f64| V::splat(((x / f64::from(m.value())) as f32).to_bits());
        Self {
            p: V::splat(m.value()),
            half: V::splat(m.value() / 2),
            fits: m.value() <= (1 << 31) - (1 << 15),
            inverse: V::splat(m.neg_inv().wrapping_neg()),
            quotient: [over(65536.0), over(1.0)],
        }
    }

    /// From (−p, p) to [0, p).
    #[inline(always)]
    fn canonical(&self, r: V) -> V {
        // Where r < 0 its word is above every sum's.
        r.min(r.add(self.p))
    }

    /// From [0, 2p) to [0, p).
    #[inline(always)]
    pub fn reduced(&self, x: V) -> V {
        x.min(x.sub(self.p))
    }

    /// a·b·2⁻³² mod p in (−p, p), for products below p·2³², of even and odd lanes.
    #[inline(always)]
    fn montgomery(&self, a: [V; 2], b: [V; 2]) -> V {
        let (even, odd) = (a[0].multiply(b[0]), a[1].multiply(b[1]));
        let m_even = even.multiply(self.inverse).multiply(self.p);
        let m_odd = odd.multiply(self.inverse).multiply(self.p);
        // Both high words are below p, and the low ones agree.
        even.sub_wide(m_even).high(odd.sub_wide(m_odd))
    }

    /// (a², 2ab, b²)·2⁻³² mod p in (−p, p), for residues in [0, p).
    #[inline(always)]
    pub fn signed_squares(&self, a: V, b: V) -> [V; 3] {
        let twice = a.add(a);
        let [a, b, twice] = [[a, a.odd()], [b, b.odd()], [twice, twice.odd()]];
        [self.montgomery(a, a), self.montgomery(twice, b), self.montgomery(b, b)]
    }

    /// [`Residues::signed_squares`] in [0, p).
    #[inline(always)]
    pub fn squares(&self, a: V, b: V) -> [V; 3] {
        let [x, y, z] = self.signed_squares(a, b);
        [self.canonical(x), self.canonical(y), self.canonical(z)]
    }

    /// What [`Vector::halves`] takes, from (−p, p).
    #[inline(always)]
    pub fn halvable(&self, x: V) -> V {
        match self.fits {
            true => x,
            false => self.canonical(x).sub_above(self.half, self.p),
        }
    }

    /// (h·c₁ + l·c₀)·2⁻³² mod p in [0, p), for |h| ≤ 2³⁰ − 2¹⁵ and |l| below that, and residues c.
    ///
    /// The sum stays below 2³¹·p, its high word below p/2 and m·p's within p/2.
    #[inline(always)]
    pub fn gathered(&self, h: V, l: V, c1: V, c0: V) -> V {
        let sum = |h: V, l: V| h.multiply_signed(c1).add_wide(l.multiply_signed(c0));
        let (even, odd) = (sum(h, l), sum(h.odd(), l.odd()));
        let m_even = even.multiply_signed(self.inverse).multiply_signed(self.p);
        let m_odd = odd.multiply_signed(self.inverse).multiply_signed(self.p);
        self.canonical(even.sub_wide(m_even).high(odd.sub_wide(m_odd)))
    }

    /// h·2¹⁶ + l mod p in [0, p), for sums of the halves of numbers in (−p, p) times weights which add up to at most
    /// 2¹⁵ in absolute value.
    ///
    /// The sum is below 2¹⁵·p, and neither part is above twice that. So the quotient and its parts are at most 2¹⁶,
    /// and six roundings of 24 bits make it wrong by less than 2⁻⁵: what is left is below 5p/8 in absolute value.
    #[inline(always)]
    pub fn of_halves(&self, h: V, l: V) -> V {
        let [high, low] = self.quotient;
        let q = h.nearest(high, l, low);
        self.canonical(h.times_65536().add(l).sub(q.multiply_low(self.p)))
    }
}
