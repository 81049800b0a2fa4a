"""Polynomial activations of any even degree, in a basis that training is at ease with, and their first fit to ReLU."""

import math

import torch
from torch import Tensor, nn

# Probabilists' Hermite polynomials He_0 to He_6, low power first. Divided by sqrt(n!) they are orthonormal under
# N(0, 1) (DLMF 18.3), so a step of one size in any weight changes the function by that size; in powers of x a step
# fit for x² would be a leap for x⁶.
HERMITE = [
    [1],
    [0, 1],
    [-1, 0, 1],
    [0, -3, 0, 1],
    [3, 0, -6, 0, 1],
    [0, 15, 0, -10, 0, 1],
    [-15, 0, 45, 0, -15, 0, 1],
]
BASIS = [[c / math.sqrt(math.factorial(n)) for c in row] for n, row in enumerate(HERMITE)]


# Where polynomials are kept tame: hardly an input of an activation lies further out after a batch normalization.
REACH = 8.0


class Polynomial(nn.Module):
    """A trainable polynomial per channel: Σ weights[n] He_n(x) / sqrt(n!), evaluated by Horner's rule in powers of x.

    The sum in powers is written out with Python's numbers: as a matrix product, autocast would round it to bfloat16.
    """

    def __init__(self, channels: int, rank: int, degree: int):
        """`rank`: of the tensors it acts on, [N, C] or [N, C, H, W]."""
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(degree + 1, channels, *[1] * (rank - 2)))

    def coefficients(self) -> list[Tensor]:
        """One tensor per power, the lowest first."""
        count = len(self.weights)
        return [
            sum(BASIS[n][power] * self.weights[n] for n in range(power, count) if BASIS[n][power])
            for power in range(count)
        ]

    def forward(self, x: Tensor) -> Tensor:
        return horner(self.coefficients(), x)

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        """Takes ReLU's place where it sees `x`."""
        self.weights.copy_(relu_fit(x, len(self.weights) - 1).view_as(self.weights))

    def project(self) -> None:
        """Every set of weights is allowed."""

    def growth(self) -> Tensor:
        """Σ max(|p(x)| / (1 + |x|) - 1, 0)², its mean over ±REACH: nothing for what grows no faster than ReLU does."""
        x = torch.linspace(-REACH, REACH, 65).view(-1, *[1] * (self.weights.dim() - 1))
        return ((self(x).abs() / (1 + x.abs())) - 1).clamp(min=0).square().mean(0).sum()


class Powers(nn.Module):
    """The same polynomial by its coefficients, as it is exported: the multiplications and additions of Horner's rule."""

    def __init__(self, polynomial: Polynomial):
        super().__init__()
        self.powers = nn.ParameterList([c.detach().clone() for c in polynomial.coefficients()])

    def forward(self, x: Tensor) -> Tensor:
        return horner(list(self.powers), x)


def horner(coefficients: list[Tensor], x: Tensor) -> Tensor:
    *rest, y = coefficients
    for c in reversed(rest):
        y = y * x + c
    return y


def relu_fit(x: Tensor, degree: int, prior: float = 1e-4, even: float = 1e-2) -> Tensor:
    """Weights [degree + 1, channels] of the least-squares fit of ReLU to the inputs `x` [N, C, ...], per channel.

    A share `even` of the points is spread evenly over ±REACH, so that the fit does not run away right where the
    values end; `prior` keeps weights that the values do not decide at what they are under N(0, 1).
    """
    channels = x.transpose(0, 1).flatten(1).double()
    return torch.stack([fit_channel(values, degree, prior, even) for values in channels], dim=1).float()


def fit_channel(values: Tensor, degree: int, prior: float, even: float) -> Tensor:
    spread = torch.linspace(-REACH, REACH, 65, dtype=torch.double)
    points = torch.cat([values, spread])
    share = torch.cat([torch.full_like(values, 1 / len(values)), torch.full_like(spread, even / len(spread))])
    basis = torch.stack([horner([torch.tensor(c) for c in row], points).expand_as(points) for row in BASIS[: degree + 1]])
    normal = torch.tensor(relu_under_normal()[: degree + 1], dtype=torch.double)
    moments = (basis * share) @ basis.T + prior * torch.eye(degree + 1, dtype=torch.double)
    return torch.linalg.solve(moments, (basis * share) @ points.clamp(min=0) + prior * normal)


def relu_under_normal() -> list[float]:
    """E[ReLU(x) He_n(x)] / sqrt(n!) under N(0, 1): 1/2 for n = 1, else (-1)^(n/2 - 1) (n - 3)!! / sqrt(2π n!)."""
    numerators = [1.0, None, 1.0, 0.0, -1.0, 0.0, 3.0]
    return [
        0.5 if numerator is None else numerator / math.sqrt(2 * math.pi * math.factorial(n))
        for n, numerator in enumerate(numerators)
    ]
