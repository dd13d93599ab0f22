"""The two networks of the model ``gan``: residual, without normalisation, conditioned on the class.

Nothing in them lets pictures of a batch see each other. The widest convolutions work at half the resolution,
which costs little. The generator reaches full resolution by doubling pixels and a convolution, which leaves no
chequerboard (Odena et al. 2016, Distill).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

SLOPE = 0.2


class Residual(nn.Module):
    """Two 3 × 3 convolutions beside a shortcut; the second starts small, so that the block starts as the shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        with torch.no_grad():
            self.second.weight.mul_(0.1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        inner = functional.leaky_relu(self.first(functional.leaky_relu(x, SLOPE)), SLOPE)
        out: Tensor = x + self.second(inner)
        return out


class Generator(nn.Module):
    """Noise (N, Z) and class (N,) -> picture (N, 1, H, W).

    It begins as a normal distribution of the pixels of each class, which knows what varies together but not what edges
    look like, and which stays as it is; convolutions add the rest.

    Parameters
    ----------
    start : (K, Z + 1, P) tensor
        Directions of each class, and its mean as the last row.
    width : int
        Channels at half the resolution.
    shape : tuple of int
        (1, H, W).
    """

    start: Tensor

    def __init__(self, start: Tensor, *, width: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape, self.width = shape, width
        self.grid = tuple(-(-s // 2) for s in shape[1:])
        self.border = (0, 2 * self.grid[1] - shape[2], 0, 2 * self.grid[0] - shape[1])
        self.register_buffer("start", start)
        self.coarse = nn.Linear(start.shape[1] - 1, width * (-(-self.grid[0] // 2)) * (-(-self.grid[1] // 2)))
        self.classes = nn.Embedding(len(start), width)
        self.first = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4, width, 3, padding=1))
        last = nn.Conv2d(width, 1, 3, padding=1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias if last.bias is not None else last.weight)
        self.rest = nn.Sequential(
            Residual(width), Residual(width), nn.LeakyReLU(SLOPE), nn.Upsample(scale_factor=2), last
        )

    def forward(self, noise: Tensor, label: Tensor) -> Tensor:
        """Make one picture a row; values may leave 0 to 1 a little."""
        chosen = functional.one_hot(label, len(self.start)).to(noise)
        ones = torch.cat([noise, torch.ones_like(noise[:, :1])], dim=1)
        each = torch.einsum("nz,kzp->nkp", ones, self.start)
        plain = (each * chosen[:, :, None]).sum(dim=1).reshape(-1, *self.shape)
        low = self.coarse(noise).reshape(-1, self.width, -(-self.grid[0] // 2), -(-self.grid[1] // 2))
        low = functional.interpolate(low, scale_factor=2)[:, :, : self.grid[0], : self.grid[1]]
        x = (
            self.first(functional.pad(2 * plain - 1, self.border))
            + low
            + (chosen @ self.classes.weight)[:, :, None, None]
        )
        out: Tensor = plain + self.rest(x)[:, :, : self.shape[1], : self.shape[2]]
        return out


class Discriminator(nn.Module):
    """Picture (N, 1, H, W) and class (N,) -> how real it looks, (N,); one answer a class (projection)."""

    def __init__(self, n_classes: int, *, width: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        grid = tuple(-(-s // 4) for s in shape[1:])
        self.border = (0, 4 * grid[1] - shape[2], 0, 4 * grid[0] - shape[1])
        self.body = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(4, width, 3, padding=1),
            Residual(width),
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * width, 2 * width, 1),
            Residual(2 * width),
            nn.LeakyReLU(SLOPE),
            nn.Flatten(),
        )
        self.answer = nn.Linear(2 * width * grid[0] * grid[1], n_classes)

    def forward(self, image: Tensor, label: Tensor) -> Tensor:
        """Judge one picture a row."""
        scores = self.answer(self.body(functional.pad(2 * image - 1, self.border)))
        chosen: Tensor = scores.gather(1, label[:, None])[:, 0]
        return chosen
