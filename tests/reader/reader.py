"""Reads cipherbatch's files and decrypts them, by docs/format.md and numpy alone.

    python reader.py PUBLIC SECRET BATCH|ANSWER OUT.npy

It knows nothing of the program: it is a second reading of the page.
"""

import hashlib
import struct
import sys

import numpy as np

KINDS = {1: "secret", 2: "keys", 3: "batch", 4: "answer", 5: "plan"}


def frame(path):
    """Kind, plan, key pair and content of a file."""
    data = open(path, "rb").read()
    magic, version, kind, plan, key, length = struct.unpack_from("<8sHH32s16sQ", data)
    assert magic == b"\x89CBW\r\n\x1a\n" and version == 2
    assert len(data) == 68 + length + 32
    assert hashlib.sha256(data[:-32]).digest() == data[-32:]
    return KINDS[kind], plan, key, data[68:-32]


class Fields:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values if len(values) > 1 else values[0]

    def words(self):
        return [self.take("I") for _ in range(self.take("I"))]

    def tensor(self):
        level, components, scale, limit = self.take("IIdd")
        return dict(level=level, components=components, scale=scale, range=limit, shape=self.words())


def public_plan(content):
    f = Fields(content)
    plan = dict(degree=f.take("I"), primes=f.words(), own=f.words(), relinearises=f.take("I"))
    plan["low"], plan["high"], plan["error"] = f.take("ffd")
    plan["input"], plan["output"] = f.tensor(), f.tensor()
    assert f.at == len(content)
    return plan


def keystream(seed, stream, words):
    """The first words of ChaCha20 with a counter and a stream number of 64 bits each."""
    blocks = -(-words // 16)
    state = np.zeros((16, blocks), np.uint32)
    state[:4] = np.frombuffer(b"expand 32-byte k", "<u4")[:, None]
    state[4:12] = np.frombuffer(seed, "<u4")[:, None]
    state[12] = np.arange(blocks)
    state[14], state[15] = stream & 0xFFFFFFFF, stream >> 32
    x = state.copy()

    def quarter(a, b, c, d):
        for a_, b_, d_, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[a_] += x[b_]
            mixed = x[d_] ^ x[a_]
            x[d_] = (mixed << np.uint32(turn)) | (mixed >> np.uint32(32 - turn))

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return (x + state).T.reshape(-1)[:words]


def kept(seed, stream, count, keep):
    """The first values that `keep` makes of the words of a stream."""
    words = 2 * count + 1024
    while True:
        values = keep(keystream(seed, stream, words))
        if len(values) >= count:
            return values[:count]
        words *= 2


def uniform(seed, row, index, prime, degree):
    mask = np.uint32((1 << prime.bit_length()) - 1)
    masked = lambda words: words & mask
    residues = kept(seed, row << 8 | index, degree, lambda w: masked(w)[masked(w) < prime])
    return residues.astype(np.uint64)


def ternary(seed, degree):
    words = lambda w: w[w != 0xFFFFFFFF]
    return kept(seed, 0, degree, lambda w: words(w) % np.uint32(3)).astype(np.int64) - 1


def unpack(data, prime, degree):
    """Residues of b bits each, the lowest first."""
    bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
    bits = bits.reshape(degree, prime.bit_length()).astype(np.uint64)
    return (bits << np.arange(prime.bit_length(), dtype=np.uint64)).sum(1, dtype=np.uint64)


class Ring:
    """Values at the roots of unity, modulo one prime below 2^31: products fit 64 bits."""

    def __init__(self, degree, prime):
        self.n, self.p = degree, np.uint64(prime)
        order = 4 * degree
        roots = (pow(x, (prime - 1) // order, prime) for x in range(2, prime))
        self.omega = next(w for w in roots if pow(w, order // 2, prime) == prime - 1)
        self.prime = prime

    def powers(self, base, count):
        out, power = np.empty(count, np.uint64), 1
        for i in range(count):
            out[i], power = power, power * base % self.prime
        return out

    def exponents(self):
        """Position j holds the value at omega to this power."""
        e = np.full(self.n, self.n, np.int64)
        bits = self.n.bit_length() - 1
        for bit in reversed(range(bits)):
            e = e // 2 + (np.arange(self.n) >> bit & 1) * 2 * self.n
        return e

    def cyclic(self, a, root):
        """The values of a polynomial at the powers of a root of order N, in order."""
        if len(a) == 1:
            return a
        even = self.cyclic(a[0::2], root * root % self.prime)
        odd = self.cyclic(a[1::2], root * root % self.prime)
        odd = odd * self.powers(root, len(odd)) % self.p
        return np.concatenate([(even + odd) % self.p, (even + self.p - odd) % self.p])

    def forward(self, a):
        """Coefficients to values at omega^k, k = 1, 5, 9, …: a folded polynomial, twisted."""
        imaginary = np.uint64(pow(self.omega, self.n, self.prime))
        b = a.copy()
        b[1:] = (a[1:] + (self.p - imaginary) * a[:0:-1]) % self.p
        twisted = b * self.powers(self.omega, self.n) % self.p
        values = self.cyclic(twisted, pow(self.omega, 4, self.prime))
        return values[(self.exponents() - 1) // 4 % self.n]

    def inverse(self, values):
        imaginary = np.uint64(pow(self.omega, self.n, self.prime))
        ordered = np.empty_like(values)
        ordered[(self.exponents() - 1) // 4 % self.n] = values
        b = self.cyclic(ordered, pow(self.omega, -4, self.prime))
        b = b * self.powers(pow(self.omega, -1, self.prime), self.n) % self.p
        b = b * np.uint64(pow(self.n, -1, self.prime)) % self.p
        a = b.copy()
        half = np.uint64(pow(2, -1, self.prime))
        a[1:] = (b[1:] + imaginary * b[:0:-1]) % self.p * half % self.p
        return a


def centred(residues, primes):
    """The integers nearest zero with these residues, by the Chinese remainder theorem."""
    modulus = 1
    for prime in primes:
        modulus *= prime
    total = np.zeros(len(residues[0]), object)
    for r, prime in zip(residues, primes):
        rest = modulus // prime
        total = total + r.astype(object) * (rest * pow(rest, -1, prime))
    total = total % modulus
    return np.where(total > modulus // 2, total - modulus, total)


def slots(coefficients):
    """Slot m is a_0 + 2 sum a_i cos(pi i (2m + 1) / 2N): a transform of length 4N gives all."""
    n = len(coefficients)
    padded = np.zeros(4 * n, complex)
    padded[:n] = 2 * coefficients
    padded[0] = coefficients[0]
    return np.fft.ifft(padded)[1 : 2 * n : 2].real * 4 * n


def decrypt(plan, secret, kind, content):
    """Values [images, entries] of a batch's inputs or of an answer's results."""
    degree, f = plan["degree"], Fields(content)
    tensor = plan["input"] if kind == "batch" else plan["output"]
    own = plan["own"] if kind == "answer" else []
    primes = (own or plan["primes"])[: tensor["level"]]
    rows = int(np.prod(tensor["shape"]))
    rings = [Ring(degree, p) for p in primes]
    s = ternary(secret, degree)
    powers = [ring.forward((s % p).astype(np.uint64)) for ring, p in zip(rings, primes)]
    first, images, total = f.take("QQQ")
    out = []
    for _ in range(-(-images // degree)):
        seed = f.take("32s")
        sent = 1 if kind == "batch" else tensor["components"]
        c = {}
        for i, p in enumerate(primes):
            size = degree * p.bit_length() // 8
            for component in range(sent):
                for row in range(rows):
                    c[i, component, row] = unpack(f.take(f"{size}s"), p, degree)
        values = np.empty((rows, degree))
        for row in range(rows):
            phases = []
            for i, p in enumerate(primes):
                if kind == "batch":
                    c[i, 1, row] = uniform(seed, row, i, p, degree)
                phase, power = c[i, 0, row], np.uint64(1)
                for component in range(1, tensor["components"]):
                    power = power * powers[i] % np.uint64(p)
                    phase = (phase + c[i, component, row] * power) % np.uint64(p)
                phases.append(rings[i].inverse(phase))
            integers = centred(phases, primes).astype(float)
            values[row] = slots(integers) / tensor["scale"]
        out.append(values.T)
    assert f.at == len(content)
    return np.concatenate(out)[:images].reshape([images] + tensor["shape"])


def main(public, secret, message, out):
    kind, plan_digest, _, content = frame(public)
    assert kind == "plan"
    plan = public_plan(content)
    kind, secret_plan, key, seed = frame(secret)
    assert kind == "secret" and len(seed) == 32
    kind, message_plan, message_key, content = frame(message)
    assert plan_digest == secret_plan == message_plan and key == message_key
    np.save(out, decrypt(plan, seed, kind, content).astype(np.float32))


if __name__ == "__main__":
    main(*sys.argv[1:])
