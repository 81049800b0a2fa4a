"""Images: gzipped IDX files in, augmented batches out."""

import gzip
import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

FILES = {"train": "train", "test": "t10k"}


def read_idx(path: Path) -> np.ndarray:
    """One gzipped IDX file: two zero bytes, the type (8: u8), the rank, the big-endian shape, the values."""
    raw = gzip.decompress(path.read_bytes())
    if raw[:3] != b"\0\0\x08":
        raise ValueError(f"{path}: not an IDX file of bytes (starts with {raw[:4].hex()})")
    rank = raw[3]
    shape = np.frombuffer(raw, ">u4", rank, offset=4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)


def load(folder: Path, split: str) -> tuple[Tensor, Tensor]:
    """Images [N, 1, 28, 28] in [0, 1] (pixel / 255, nothing else) and labels [N] of "train" or "test"."""
    pixels = read_idx(folder / f"{FILES[split]}-images-idx3-ubyte.gz")
    labels = read_idx(folder / f"{FILES[split]}-labels-idx1-ubyte.gz")
    images = torch.from_numpy(pixels.astype(np.float32) / 255).unsqueeze(1)
    return images, torch.from_numpy(labels.astype(np.int64))


def augment(images: Tensor, rotation: float, zoom: float, shift: float, flip: bool) -> Tensor:
    """Every image under its own random affine map, all in one `grid_sample`.

    `rotation` in degrees, `zoom` as a fraction, `shift` as a fraction of half a side; each is drawn
    uniformly from ± its bound. Black flows in from outside, as around every MNIST digit. Where nothing
    turns or grows, shifts are by whole pixels: those do not blur.
    """
    n = len(images)

    def draw(bound: float) -> Tensor:
        return (2 * torch.rand(n) - 1) * bound

    angle, scale = draw(math.radians(rotation)), 1 + draw(zoom)
    cos, sin = scale * angle.cos(), scale * angle.sin()
    right, down = draw(shift), draw(shift)
    if rotation == zoom == 0:
        right, down = ((s * 14).round() / 14 for s in (right, down))
    mirror = 1 - 2 * torch.randint(2, (n,)) if flip else 1
    maps = torch.stack([cos * mirror, -sin, right, sin * mirror, cos, down], dim=1).view(n, 2, 3)
    grid = F.affine_grid(maps, images.shape, align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
