"""CryptoNets' network as sums and squares: y = W3·(W2·(W1·x + b1)² + b2)² + b3, from models/cryptonets.onnx."""

import gzip
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

ROOT = Path(__file__).resolve().parents[2]


def images(count: int) -> np.ndarray:
    """MNIST's first test images, [count, 784] in [0, 1]."""
    pixels = gzip.open(ROOT / "data/mnist/t10k-images-idx3-ubyte.gz").read()[16:]
    return np.frombuffer(pixels, np.uint8).reshape(-1, 784)[:count] / 255.0


def layers() -> list[tuple[np.ndarray, np.ndarray]]:
    """(W1, b1) [845, 784], (W2, b2) [100, 845], (W3, b3) [10, 100]; W1 is sparse.

    Batch normalization is folded, and a t² + b t + c is (√a (t + b/2a))² and a constant for the next layer.
    """
    file = onnx.load(ROOT / "models/cryptonets.onnx")
    w = {t.name: numpy_helper.to_array(t).astype(float) for t in file.graph.initializer}

    kernel = w["0.weight"][:, 0]
    w1 = np.zeros((5, 13, 13, 28, 28))
    for row in range(13):
        for column in range(13):
            for i in range(5):
                for j in range(5):
                    y, x = 2 * row + i - 1, 2 * column + j - 1  # padding 1
                    if 0 <= y < 28 and 0 <= x < 28:
                        w1[:, row, column, y, x] = kernel[:, i, j]
    channel = np.repeat(np.arange(5), 169)
    w1, b1, constant = squared(w, 1, 2, w1.reshape(845, 784), np.zeros(845), channel)
    # The file's weights are [inputs, outputs] where transB is 0.
    transposed = {n.input[1]: any(a.name == "transB" and a.i for a in n.attribute) for n in file.graph.node if n.op_type == "Gemm"}
    w2, w3 = (w[name] if transposed[name] else w[name].T for name in ("4.weight", "7.weight"))
    w2, b2, more = squared(w, 5, 6, w2, w["4.bias"] + w2 @ constant, np.arange(100))
    return [(w1, b1), (w2, b2), (w3, w["7.bias"] + w3 @ more)]


def squared(w: dict, normalization: int, activation: int, weight, bias, channel):
    """The layer whose square is the activation of the normalized layer, but for the constant that is left."""
    mean, variance = (w[f"{normalization}.running_{name}"][channel] for name in ("mean", "var"))
    a, b, c = (w[f"{activation}.{name}"].reshape(-1)[channel] for name in "abc")
    factor = 1 / np.sqrt(variance + 1e-5)
    shift = (bias - mean) * factor + b / (2 * a)
    root = np.sqrt(a)
    return weight * (factor * root)[:, None], shift * root, c - b**2 / (4 * a)


def clear(x: np.ndarray) -> np.ndarray:
    """Logits [images, 10] of images [images, 784]."""
    (w1, b1), (w2, b2), (w3, b3) = layers()
    return ((x @ w1.T + b1) ** 2 @ w2.T + b2) ** 2 @ w3.T + b3


if __name__ == "__main__":
    labels = np.frombuffer(gzip.open(ROOT / "data/mnist/t10k-labels-idx1-ubyte.gz").read()[8:], np.uint8)
    print(f"in the clear: {(clear(images(10000)).argmax(1) == labels).mean():.4f}")
