"""From a trained network with ReLU to the same one with polynomials, which then trains on."""

import torch
from torch import Tensor, nn

from nets import ACTIVATIONS


@torch.no_grad()
def swap(network: nn.Sequential, twin: nn.Sequential, images: Tensor) -> nn.Sequential:
    """Fills `network` with the weights of its ReLU `twin`, and fits its activations layer by layer.

    Each is fitted to the inputs that it gets from the layers before it with their polynomials in place, on `images`.
    """
    x = images
    for layer, trained in zip(network.eval(), twin.eval(), strict=True):
        if isinstance(layer, ACTIVATIONS):
            layer.fit(x)
        else:
            layer.load_state_dict(trained.state_dict())
        x = layer(x)
    return network
