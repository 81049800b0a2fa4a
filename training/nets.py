"""The networks: linear layers, batch normalization, and one trainable polynomial per channel."""

from functools import partial

import torch
from torch import Tensor, nn

from polynomials import BASIS, Polynomial, relu_fit

# The least-squares fit of ReLU by a parabola under N(0, 1), from ReLU's Hermite coefficients:
# a = c = 1 / (2 sqrt(2 pi)), b = 1/2.
RELU_FIT = (0.19947, 0.5, 0.19947)


class Parabola(nn.Module):
    """a x² + b x + c, trainable per channel.

    Under encryption it is evaluated as a (x + b/2a)² + const, one squaring. A small a beside b would put
    the parabola's vertex far out: a square of large numbers, in which the small differences that
    matter drown in rounding. So a stays at or above `LEAST_A`, by projection after each step. The set
    a >= LEAST_A is convex, so averages of such weights lie in it too.
    """

    LEAST_A = 0.05
    noise = 0.0  # while it trains: a standard deviation, beside the root mean square of x + b/2a, which is squared

    def __init__(self, channels: int, rank: int):
        """`rank`: of the tensors it acts on, [N, C] or [N, C, H, W]."""
        super().__init__()
        shape = (channels,) + (1,) * (rank - 2)
        self.a, self.b, self.c = (nn.Parameter(torch.full(shape, value)) for value in RELU_FIT)

    def forward(self, x: Tensor) -> Tensor:
        if self.noise and self.training:
            x = x + self.noise * (1 + (self.b / (2 * self.a)).square()).sqrt() * torch.randn_like(x)
        return self.a * (x * x) + self.b * x + self.c

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        """Takes ReLU's place where it sees `x`."""
        weights = relu_fit(x, degree=2)
        for power, parameter in enumerate((self.c, self.b, self.a)):
            value = sum(BASIS[n][power] * weights[n] for n in range(power, 3))
            parameter.copy_(value.view_as(parameter))
        self.project()

    @torch.no_grad()
    def project(self) -> None:
        self.a.clamp_(min=self.LEAST_A)

    def growth(self) -> float:
        """A parabola grows too little to be charged for it."""
        return 0.0


class Relu(nn.ReLU):
    """What the polynomials stand in for, in their place: for the twins, in the clear only."""

    def __init__(self, channels: int, rank: int):
        super().__init__()


# Those with parameters of their own, which can be fitted to ReLU.
ACTIVATIONS = (Parabola, Polynomial)


def conv(inputs: int, outputs: int, kernel: int, stride: int, activation=Parabola) -> list[nn.Module]:
    """A convolution whose outputs are normalised, hence about N(0, 1), before the activation sees them."""
    # padding 1 for both 3×3 and 5×5: with stride 2 the latter makes 28×28 into CryptoNets' 13×13.
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs, affine=False),
        activation(outputs, rank=4),
    ]


def dense(inputs: int, outputs: int, activation=Parabola) -> list[nn.Module]:
    """The same for a matrix. Its bias, which the normalization cancels, makes ONNX's exporter write one Gemm."""
    return [
        nn.Linear(inputs, outputs),
        nn.BatchNorm1d(outputs, affine=False),
        activation(outputs, rank=2),
    ]


def cryptonets(activation=Parabola) -> nn.Sequential:
    """The shape of CryptoNets (Microsoft, 2016): 28×28 -> 5×13×13 = 845 -> 100 -> 10, two activations."""
    return nn.Sequential(
        *conv(1, 5, kernel=5, stride=2, activation=activation),
        nn.Flatten(),
        *dense(845, 100, activation=activation),
        nn.Linear(100, 10),
    )


def deep(activation=Parabola) -> nn.Sequential:
    """Six activations, as deep as the paper's: 28×28 -> 14×14 -> 7×7 by strides, 1568 -> 64 -> 10."""
    return nn.Sequential(
        *conv(1, 8, kernel=3, stride=1, activation=activation),
        *conv(8, 16, kernel=3, stride=2, activation=activation),
        *conv(16, 16, kernel=3, stride=1, activation=activation),
        *conv(16, 32, kernel=3, stride=2, activation=activation),
        *conv(32, 32, kernel=3, stride=1, activation=activation),
        nn.Flatten(),
        *dense(1568, 64, activation=activation),
        nn.Linear(64, 10),
    )


def deep_relu() -> nn.Sequential:
    return deep(activation=Relu)


def deep_poly(degree: int) -> nn.Sequential:
    return deep(activation=partial(Polynomial, degree=degree))


NETWORKS = {
    "cryptonets": cryptonets,
    "cryptonets-relu": partial(cryptonets, activation=Relu),
    "deep": deep,
    "deep-relu": deep_relu,
    "deep-poly4": partial(deep_poly, 4),
    "deep-poly6": partial(deep_poly, 6),
    "fashion-deep": deep,
    "fashion-relu": deep_relu,
    "fashion-poly4": partial(deep_poly, 4),
    "fashion-poly6": partial(deep_poly, 6),
}
