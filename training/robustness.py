"""How much rounding a trained network bears: what it will meet when it is evaluated under encryption."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_eval, fuse_linear_bn_eval

from nets import Parabola
from polynomials import Polynomial


@dataclass
class Rounding:
    """Weights rounded to `bits` per tensor, or to multiples of `step`; noise relative to a value's RMS."""

    name: str
    bits: int | None = None
    step: float | None = None
    noise: float = 0.0

    def weights(self, w: Tensor) -> Tensor:
        step = w.abs().max() / (2 ** (self.bits - 1) - 1) if self.bits else self.step
        return (w / step).round() * step if step else w

    def disturb(self, x: Tensor) -> Tensor:
        return x + self.noise * x.square().mean().sqrt() * torch.randn_like(x) if self.noise else x


ROUNDINGS = [
    Rounding("folded, exact"),
    Rounding("8-bit weights", bits=8),
    Rounding("7-bit weights", bits=7),
    Rounding("6-bit weights", bits=6),
    Rounding("8-bit weights, noise 2^-8", bits=8, noise=2**-8),
    Rounding("weights to 2^-9, noise 2^-8", step=2**-9, noise=2**-8),
    Rounding("weights to 2^-9, noise 2^-10", step=2**-9, noise=2**-10),
]


def fold(network: nn.Sequential) -> list[nn.Module]:
    """The network without its normalizations: each is folded into the linear layer before it."""
    layers: list[nn.Module] = []
    for layer in network.eval():
        if isinstance(layer, nn.BatchNorm2d):
            layers[-1] = fuse_conv_bn_eval(layers[-1], with_affine(layer))
        elif isinstance(layer, nn.BatchNorm1d):
            layers[-1] = fuse_linear_bn_eval(layers[-1], with_affine(layer))
        else:
            layers.append(layer)
    return layers


def with_affine(norm: nn.Module) -> nn.Module:
    """The same normalization with the identity as its affine part, which the fusions above want."""
    whole = type(norm)(norm.num_features, eps=norm.eps).eval()
    whole.load_state_dict(norm.state_dict(), strict=False)
    return whole


@torch.no_grad()
def evaluate_rounded(layers: list[nn.Module], images: Tensor, rounding: Rounding) -> Tensor:
    """Logits of the folded network, with every parabola as sqrt(a)² (x + b/2a)² + const.

    sqrt(a) and the shift belong to the linear layer before: its rounded weights include sqrt(a). Polynomials of
    higher degree are taken as they are, with noise before and after.
    """
    x = images
    for layer, after in zip(layers, [*layers[1:], None]):
        if isinstance(layer, Parabola):
            constant = layer.c - layer.b**2 / (4 * layer.a)
            x = rounding.disturb(rounding.disturb(x).square()) + constant
        elif isinstance(layer, Polynomial):
            x = rounding.disturb(layer(rounding.disturb(x)))
        elif isinstance(layer, nn.Flatten):
            x = layer(x)
        else:
            weight, bias = layer.weight, layer.bias
            if isinstance(after, Parabola):
                a, b = after.a.flatten(), after.b.flatten()
                bias = a.sqrt() * (bias + b / (2 * a))
                weight = a.sqrt().view(-1, *[1] * (weight.dim() - 1)) * weight
            weight = rounding.weights(weight)
            if isinstance(layer, nn.Conv2d):
                x = nn.functional.conv2d(x, weight, bias, layer.stride, layer.padding)
            else:
                x = nn.functional.linear(x, weight, bias)
    return x


def report(network: nn.Sequential, images: Tensor, labels: Tensor) -> list[str]:
    """Accuracy, and agreement with the clear network, for each kind of rounding: a table's lines."""
    batches = images.split(1000)
    with torch.no_grad():
        clear = torch.cat([network.eval()(batch) for batch in batches])
    layers = fold(network)
    lines = [f"{'rounding':30} accuracy  same answer  logits' error / spread"]
    for rounding in ROUNDINGS:
        logits = torch.cat([evaluate_rounded(layers, batch, rounding) for batch in batches])
        answers = logits.argmax(1)
        accuracy = 100 * (answers == labels).float().mean()
        same = 100 * (answers == clear.argmax(1)).float().mean()
        error = (logits - clear).std() / clear.std()
        lines.append(f"{rounding.name:30} {accuracy:6.2f} %    {same:6.2f} %    {error:.5f}")
    return lines
