"""The comparison of ``content-knn`` as a graph. Needs torch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from auscult.base.arrays import Array
from auscult.domains.recommend.preprocess.attributes import FULL

MOST_DEVICES = 1 << 15


class ContentNearness(nn.Module):
    """Mean share of patients over the devices of training, weighted by nearness, and nearness to what was given.

    What was given is compared in the same way with known and with new devices, or one of them would always come first.
    """

    marks: Tensor
    share: Tensor
    places: Tensor

    def __init__(self, shelf: tuple[Array, Array], share: Array, *, sharpness: float, given: float) -> None:
        super().__init__()
        numbers, marks = shelf  # (V,), (V, G)
        places = np.zeros(MOST_DEVICES, dtype=np.int64)
        places[numbers] = np.arange(1, len(numbers) + 1)
        self.register_buffer("marks", torch.as_tensor(np.asarray(marks)).float() / FULL)
        self.register_buffer("share", torch.as_tensor(share).float())
        self.register_buffer("places", torch.as_tensor(places))
        self.sharpness, self.given = sharpness, given

    def forward(self, candidate: Tensor, taken: Tensor) -> Tensor:
        """Scores (N, C) from marks (N, C, G) and numbers (N, H)."""
        x = candidate.float() / FULL
        square = (x * x).sum(dim=2, keepdim=True) + (self.marks * self.marks).sum(dim=1)
        apart = (square - 2 * x @ self.marks.T) / self.marks.shape[1]  # (N, C, V), share of marks that differ
        common = torch.softmax(-self.sharpness * apart, dim=2) @ self.share  # (N, C, V) -> (N, C)
        given = nn.functional.one_hot(self.places[taken], len(self.marks) + 1)[:, :, 1:].sum(dim=1).float()
        of_history = given / given.sum(dim=1, keepdim=True).clamp(min=1)  # (N, V)
        near: Tensor = (torch.exp(-self.sharpness * apart) @ of_history[:, :, None])[:, :, 0]
        return common + self.given * near
