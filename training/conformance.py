"""Trains the networks of conformance/networks: shapes that no network in models/ has.

    python training/conformance.py --data DIR --out conformance/networks/

They are there to be compared with an ONNX runtime, encrypted, and not to be the best: few epochs, few channels.
Batch normalizations stay nodes of their own, before and after the convolutions.
"""

import argparse
from pathlib import Path

import torch
from torch import Tensor, nn

import data
import export
from loop import accuracy, train
from nets import Parabola
from recipes import Recipe


class Quartic(nn.Module):
    """c0 + c1 x + c2 x² + c4 x⁴ per channel; it starts as the least-squares fit of ReLU under N(0, 1)."""

    RELU_FIT = (0.14960, 0.5, 0.29921, -0.016623)

    def __init__(self, channels: int):
        super().__init__()
        parts = (nn.Parameter(torch.full((channels, 1, 1), value)) for value in self.RELU_FIT)
        self.c0, self.c1, self.c2, self.c4 = parts

    def forward(self, x: Tensor) -> Tensor:
        return self.c4 * x**4 + self.c2 * x**2 + self.c1 * x + self.c0


class Block(nn.Module):
    """x + f(x), or P x + f(x) where the shape changes; f has an activation inside, the sum is normalized."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.inner = Parabola(outputs, rank=4)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        same = inputs == outputs and stride == 1
        self.around = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride)
        self.after = nn.BatchNorm2d(outputs)
        self.outer = Parabola(outputs, rank=4)

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(self.inner(self.norm(self.first(x))))
        return self.outer(self.after(self.around(x) + y))


def strided() -> nn.Sequential:
    """7×7 kernels with a stride, average pooling, 5×5 kernels without padding; two activations."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 7, stride=2, padding=3, bias=False), nn.BatchNorm2d(6), Parabola(6, rank=4),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.BatchNorm2d(16), Parabola(16, rank=4),
        nn.Flatten(), nn.Linear(144, 10),
    )  # fmt: skip


def separable() -> nn.Sequential:
    """Depthwise and pointwise convolutions, global average pooling; three activations."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2), nn.BatchNorm2d(8), Parabola(8, rank=4),
        nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=8), nn.BatchNorm2d(8), nn.Conv2d(8, 24, 1, bias=False),
        nn.BatchNorm2d(24), Parabola(24, rank=4),
        nn.Conv2d(24, 24, 5, groups=24, bias=False), nn.Conv2d(24, 32, 1), nn.BatchNorm2d(32), Parabola(32, rank=4),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.1), nn.Linear(32, 10),
    )  # fmt: skip


def residual() -> nn.Sequential:
    """Two residual blocks, the second with a projection; six activations in a row."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=2, bias=False), nn.BatchNorm2d(8), Parabola(8, rank=4),
        nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False),
        Block(8, 8, 1), Block(8, 16, 2),
        nn.Flatten(), nn.Linear(144, 32), nn.BatchNorm1d(32), Parabola(32, rank=2), nn.Linear(32, 10),
    )  # fmt: skip


def quartic() -> nn.Sequential:
    """Images normalized inside, a dilated kernel, an activation of degree 4 and one of degree 2."""
    return nn.Sequential(
        nn.BatchNorm2d(1), nn.Conv2d(1, 6, 5, stride=2, dilation=2), nn.BatchNorm2d(6), Quartic(6),
        nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(150, 40), nn.BatchNorm1d(40), Parabola(40, rank=2), nn.Linear(40, 10),
    )  # fmt: skip


NETWORKS = {f.__name__: f for f in (strided, separable, residual, quartic)}

RECIPE = Recipe(epochs=4, rotation=6.0, zoom=0.06, shift=0.07, average=0.99)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", metavar="NAME", help=f"of {', '.join(NETWORKS)}; all without")
    parser.add_argument("--data", type=Path, required=True, help="folder with the four gzipped IDX files")
    parser.add_argument("--out", type=Path, required=True, help="folder for the .onnx and the log")
    arguments = parser.parse_args()

    torch.set_num_threads(1)  # the same sums in the same order on every run
    images, labels = data.load(arguments.data, "train")
    tests, truth = data.load(arguments.data, "test")
    for name in arguments.networks or NETWORKS:
        torch.manual_seed(1)
        log = []

        def say(line: str) -> None:
            print(line, flush=True)
            log.append(line)

        network = NETWORKS[name]()
        size = sum(p.numel() for p in network.parameters())
        say(f"{name}: {size} parameters, torch {torch.__version__}")
        network = train(network, "", images, labels, RECIPE, say)
        say(f"test accuracy {accuracy(network, tests, truth):.2f} %")
        path = arguments.out / f"{name}.onnx"
        export.write(network, tests, path)
        with torch.no_grad():
            gap = (torch.from_numpy(export.run(path, tests)) - network(tests)).abs().max().item()
        say(f"{path.name}: {path.stat().st_size} bytes; {export.operators(path)}; logits within {gap:.1e} of PyTorch's")
        (arguments.out / f"{name}.log").write_text("\n".join(log) + "\n")


if __name__ == "__main__":
    main()
