#!/usr/bin/env python3
"""Trains a small network with PyTorch and writes what cipherbatch takes: an ONNX file and NPY arrays.

    pip install torch onnx numpy
    python examples/4_your_own_model/train.py            # some seconds on one core

The task is made up here: images of 8 by 8 with one bar in noise, which lies, stands or leans to either side.
"""

import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn

HERE = Path(__file__).resolve().parent


def bars(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Images [count, 1, 8, 8] in [0, 1] and labels: 0 lies, 1 stands, 2 falls, 3 rises."""
    labels = rng.integers(0, 4, count)
    row, column = np.mgrid[:8, :8]
    offset = rng.integers(-2, 3, (count, 1, 1))
    distance = np.choose(
        labels[:, None, None],
        [row - 4 - offset, column - 4 - offset, row - column - offset, row + column - 7 - offset],
    )
    noise = rng.normal(0, 0.35, distance.shape)
    images = 0.2 + 0.6 * (distance == 0) + noise
    return images.clip(0, 1).astype(np.float32)[:, None], labels


# Batch normalization before every activation keeps its inputs near N(0, 1), where a polynomial fits.
# Strides or average pooling in place of max pooling: encrypted numbers are not compared.
network = nn.Sequential(
    nn.Conv2d(1, 8, 3, padding=1, bias=False),
    nn.BatchNorm2d(8),
    nn.ReLU(),
    nn.AvgPool2d(2),
    nn.Flatten(),
    nn.Linear(128, 16),
    nn.BatchNorm1d(16),
    nn.ReLU(),
    nn.Linear(16, 4),
)


def main() -> None:
    torch.manual_seed(1)
    rng = np.random.default_rng(1)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    for step in range(600):
        images, labels = map(torch.from_numpy, bars(128, rng))
        loss = nn.functional.cross_entropy(network(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    network.eval()

    images, labels = bars(500, rng)
    with torch.no_grad():
        right = (network(torch.from_numpy(images)).argmax(1).numpy() == labels).mean()
    print(f"in the clear, with ReLU: {100 * right:.1f} % of 500 new images")

    typical, _ = bars(256, rng)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter about its successor
        torch.onnx.export(
            network,
            (torch.from_numpy(images[:1]),),
            str(HERE / "bars.onnx"),
            input_names=["images"],
            output_names=["logits"],
            dynamic_axes={"images": {0: "batch"}},
            dynamo=False,
        )
    np.save(HERE / "bars.calibration.npy", typical)  # found beside bars.onnx, under this name
    np.save(HERE / "images.npy", images)
    np.save(HERE / "labels.npy", labels)


if __name__ == "__main__":
    main()
