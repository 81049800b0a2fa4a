"""How far the inputs of the activations reach: what decides whether a polynomial network can be evaluated encrypted.

One image whose values leave the range that the others stand in is raised to the degree at every layer, and
encrypted it takes all images of its batch along.
"""

import torch
from torch import Tensor, nn

from nets import ACTIVATIONS


def excess(inputs: Tensor, reach: float) -> Tensor:
    """Σ max(|x| - reach, 0)², per image: what training can be charged for values far out."""
    return (inputs.float().abs() - reach).clamp(min=0).square().sum() / len(inputs)


class Charged(nn.Module):
    """A network that returns, beside its logits, what training is charged: all inputs' excess, all growth."""

    def __init__(self, network: nn.Sequential, reach: float):
        super().__init__()
        self.network, self.reach = network, reach

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        charge = torch.zeros(())
        for layer in self.network:
            if isinstance(layer, ACTIVATIONS):
                charge = charge + excess(x, self.reach) + layer.growth()
            x = layer(x)
        return x, charge


@torch.no_grad()
def report(network: nn.Sequential, images: Tensor) -> list[str]:
    """Per activation, over all images: root mean square and largest absolute value of its inputs and its results."""
    lines = ["layer   inputs' rms  largest   results' rms  largest"]
    sums: dict[int, list[Tensor]] = {}
    for x in images.split(1000):
        for index, layer in enumerate(network.eval()):
            y = layer(x)
            if isinstance(layer, ACTIVATIONS):
                parts = [x.square().mean(), x.abs().max(), y.square().mean(), y.abs().max()]
                sums.setdefault(index, []).append(torch.stack(parts))
            x = y
    for index, parts in sums.items():
        parts = torch.stack(parts)
        (into, out), (reach, height) = parts.mean(0)[[0, 2]].sqrt(), parts.amax(0)[[1, 3]]
        lines.append(f"{index:5}   {into:11.3f}  {reach:7.2f}   {out:12.3f}  {height:7.2f}")
    return lines
