"""DESILO FHE: a stated part of the network, the rest by counted operations; one thread."""

import time
from importlib.metadata import version

import desilofhe
import numpy as np

import network

NAME = f"DESILO FHE {version('desilofhe')}"
# Five products one after the other: two squares, three layers.
LEVELS = 5
INPUTS = 64
OUTPUTS = 8
SQUARES = 20


def weighted_sum(engine, x: list, weights: list):
    """`Engine.weighted_sum` of version 2.0.0 is wrong for weights that are no integers: off by as much as the sum."""
    total = engine.multiply(x[0], weights[0])
    for value, weight in zip(x[1:], weights[1:]):
        engine.add(total, engine.multiply(value, weight), out=total)
    return total


def run() -> dict:
    engine = desilofhe.Engine(max_level=LEVELS, mode="cpu")
    secret = engine.create_secret_key()
    relin = engine.create_relinearization_key(secret)
    rng = np.random.default_rng(1)
    seconds, evaluate = {}, 0.0

    def timed(stage, count, work):
        """Seconds of one of `count`."""
        clock = time.monotonic()
        work()
        seconds[stage] = (time.monotonic() - clock) / count
        return seconds[stage]

    values = [rng.random(engine.slot_count) for _ in range(INPUTS)]
    timed("an encryption", INPUTS, lambda: [engine.encrypt(v, secret) for v in values])
    # Each layer at the level that it has in the network: every product takes one.
    level = LEVELS
    for weights, bias in network.layers():
        x = [engine.encrypt(v, secret, level) for v in values]
        rows = rng.normal(0, INPUTS**-0.5, (OUTPUTS, INPUTS)).tolist()
        y = []
        product = timed(f"a product at level {level}", OUTPUTS * INPUTS, lambda: y.extend(weighted_sum(engine, x, row) for row in rows))
        evaluate += product * np.count_nonzero(weights)
        want = np.array(rows) @ np.array(values)
        error = max(np.abs(engine.decrypt(a, secret) - b).max() for a, b in zip(y, want))
        assert error < 0.1, error
        level -= 1
        if len(bias) > 10:
            square = timed(f"a square at level {level}", SQUARES, lambda: [engine.square(y[i % OUTPUTS], relin) for i in range(SQUARES)])
            evaluate += square * len(bias)
            level -= 1
    counted = f"{OUTPUTS * INPUTS} products a layer and {SQUARES} squares, as many as the network has counted from them"
    return {
        "peer": NAME,
        "threads": 1,
        "ring_degree": 2 * engine.slot_count,
        "log2_q": None,
        "images": engine.slot_count,
        "seconds": seconds,
        "evaluate_seconds": float(evaluate),
        "same_answers": None,
        "extrapolated": counted,
    }


if __name__ == "__main__":
    print(run())
