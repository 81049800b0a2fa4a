"""SEAL's CKKS by TenSEAL's bindings: the whole network, one thread."""

import time

import numpy as np
import tenseal
import tenseal.sealapi as seal

import network

NAME = f"SEAL, by TenSEAL {tenseal.__version__}"
DEGREE = 8192
# The result's prime, one for each of four rescalings, and one for relinearisation. N = 4096 allows 109 bits.
BITS = [46, 26, 26, 26, 26, 46]
SCALE = 2.0**26


class Session:
    def __init__(self):
        p = seal.EncryptionParameters(seal.SCHEME_TYPE.CKKS)
        p.set_poly_modulus_degree(DEGREE)
        p.set_coeff_modulus(seal.CoeffModulus.Create(DEGREE, BITS))
        self.context = seal.SEALContext(p, True, seal.SEC_LEVEL_TYPE.TC128)
        generator = seal.KeyGenerator(self.context)
        self.relin = seal.RelinKeys()
        generator.create_relin_keys(self.relin)
        self.encoder = seal.CKKSEncoder(self.context)
        self.evaluator = seal.Evaluator(self.context)
        self.encryptor = seal.Encryptor(self.context, generator.secret_key())
        self.decryptor = seal.Decryptor(self.context, generator.secret_key())
        self.slots = self.encoder.slot_count()

    def encrypt(self, values: np.ndarray):
        plain, out = seal.Plaintext(), seal.Ciphertext()
        self.encoder.encode(values.tolist(), SCALE, plain)
        self.encryptor.encrypt_symmetric(plain, out)
        return out

    def decrypt(self, x) -> np.ndarray:
        plain = seal.Plaintext()
        self.decryptor.decrypt(x, plain)
        return np.array(self.encoder.decode_double(plain))

    def linear(self, x: list, weights: np.ndarray, bias: np.ndarray, last: bool = False) -> list:
        """Sums of products with weights that are not zero, rescaled once. The last one has one prime left, and none to go."""
        scale = 2.0**14 if last else SCALE
        plain, product, rows = seal.Plaintext(), seal.Ciphertext(), []
        for row, b in zip(weights, bias):
            total = None
            for k in np.flatnonzero(row):
                self.encoder.encode(float(row[k]), x[k].parms_id(), scale, plain)
                if total is None:
                    total = seal.Ciphertext()
                    self.evaluator.multiply_plain(x[k], plain, total)
                else:
                    self.evaluator.multiply_plain(x[k], plain, product)
                    self.evaluator.add_inplace(total, product)
            self.encoder.encode(float(b), total.parms_id(), total.scale, plain)
            self.evaluator.add_plain_inplace(total, plain)
            if not last:
                self.evaluator.rescale_to_next_inplace(total)
            rows.append(total)
        return rows

    def square(self, x: list) -> None:
        for value in x:
            self.evaluator.square_inplace(value)
            self.evaluator.relinearize_inplace(value, self.relin)
            self.evaluator.rescale_to_next_inplace(value)


def run() -> dict:
    s = Session()
    images, seconds = network.images(s.slots), {}
    (w1, b1), (w2, b2), (w3, b3) = network.layers()

    def timed(stage, work):
        clock = time.monotonic()
        result = work()
        seconds[stage] = time.monotonic() - clock
        return result

    x = timed("encrypt", lambda: [s.encrypt(column) for column in images.T])
    x = timed("convolution", lambda: s.linear(x, w1, b1))
    timed("square 845", lambda: s.square(x))
    x = timed("dense 100", lambda: s.linear(x, w2, b2))
    timed("square 100", lambda: s.square(x))
    x = timed("dense 10", lambda: s.linear(x, w3, b3, last=True))
    logits = timed("decrypt", lambda: np.array([s.decrypt(value) for value in x]).T)
    same = (logits.argmax(1) == network.clear(images).argmax(1)).mean()
    return {
        "peer": NAME,
        "threads": 1,
        "ring_degree": DEGREE,
        "log2_q": sum(BITS),
        "images": s.slots,
        "seconds": seconds,
        "evaluate_seconds": sum(t for stage, t in seconds.items() if stage not in ("encrypt", "decrypt")),
        "same_answers": float(same),
        "extrapolated": None,
    }


if __name__ == "__main__":
    print(run())
