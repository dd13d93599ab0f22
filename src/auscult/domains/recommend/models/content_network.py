"""The networks of ``content-ranker``. Needs torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from auscult.base.arrays import Array
from auscult.base.contracts import FitContext, ItemSet, Program
from auscult.domains.recommend.models.content_ranker import (
    INPUTS,
    ContentRankerConfig,
    learning_set,
    shelf_of,
    used_together,
)
from auscult.domains.recommend.preprocess.attributes import FULL
from auscult.engine.train import Batch, GradientFitted, GradientPlan, Step, export_onnx, fit_gradient

MOST_DEVICES = 1 << 15


class ContentNetwork(nn.Module):
    """Scores of candidates for patients.

    ``numbers`` (V,) and ``marks`` (V, G) are of the devices that training or validation knows; use is counted in
    training alone, and a device without any is a new one.
    """

    marks: Tensor
    together: Tensor
    places: Tensor
    used: Tensor

    def __init__(self, train: ItemSet, shelf: tuple[Array, Array], config: ContentRankerConfig) -> None:
        super().__init__()
        numbers, marks = shelf
        counts = used_together(train, numbers)
        whole = np.pad(counts, ((1, 0), (1, 0)))  # place 0 is no device, or a new one
        places = np.zeros(MOST_DEVICES, dtype=np.int64)
        places[numbers] = np.arange(1, len(numbers) + 1)
        self.register_buffer("marks", torch.as_tensor(np.pad(marks, ((1, 0), (0, 0)))).float() / FULL)
        self.register_buffer("together", torch.as_tensor(whole))
        self.register_buffer("places", torch.as_tensor(places))
        self.register_buffer("used", torch.as_tensor(np.diagonal(whole) > 0))
        n_patient = train.inputs()["patient"].shape[1]
        self.patient = _tower(n_patient, config)
        self.device = _tower(marks.shape[1], config)
        self.likeness = _tower(marks.shape[1], config)
        self.use = nn.Parameter(torch.tensor([1.0, 0.2, 0.0]))
        self.config = config

    def forward(self, patient: Tensor, candidate: Tensor, index: Tensor, taken: Tensor) -> Tensor:
        """Scores (N, C) from marks (N, F), marks (N, C, G), numbers (N, C) and numbers (N, H)."""
        place = self.places[index.clamp(min=0)]
        history = self.places[taken]
        affinity = self._affinity(history)  # (N, V + 1)
        known = torch.gather(affinity, 1, place)
        common = self.together.diagonal()[place].log1p()
        return self._content(patient, candidate.float() / FULL, history) + self._use(known, common, self.used[place])

    def learn(self, patient: Tensor, taken: Tensor, place: Tensor) -> Tensor:
        """Mean loss of items (N,): the softmax over all devices.

        While it learns, over those of training; epochs are judged with the devices of validation among them, which are
        new, as those of the test will be.
        """
        n, size = len(place), len(self.marks)
        if self.training:
            taken = taken * (torch.rand(n, 1) >= self.config.new_patients)
        new = (torch.rand(size) < self.config.new_devices) if self.training else torch.zeros(size, dtype=torch.bool)
        taken = torch.where(new[taken], 0, taken)
        own = functional.one_hot(place, size).float()
        counted = own if self.training else torch.zeros_like(own)  # a pair of validation is in no count
        affinity = self._affinity(taken) - counted * self._own(taken, place)[:, None]
        counts = self.together.diagonal() - counted  # (N, V + 1): the item itself does not count
        known = (~new) & self.used
        use = self._use(affinity * known, counts.clamp(min=0).log1p() * known, known.expand(n, size))
        who, given = self._asker(patient, taken)
        score = who @ self.device(self.marks).T + given @ self.likeness(self.marks).T + use
        other = functional.one_hot(taken, size).sum(dim=1) > 0  # what was given is not proposed again
        score = score.masked_fill(other & (own == 0), -1e4)
        shown = self.used if self.training else torch.arange(size) > 0
        score = score.masked_fill(~shown, -1e4)
        return functional.cross_entropy(score, place)

    def _asker(self, patient: Tensor, history: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors of a patient and of what was given, each (N, D), from marks (N, F) and places (N, H)."""
        who = self.patient(patient.float() / FULL)
        given = self.likeness(self.marks)[history] * (history > 0)[:, :, None]  # (N, H, D)
        return who, given.sum(dim=1) / (history > 0).sum(dim=1, keepdim=True).clamp(min=1)

    def _content(self, patient: Tensor, candidate: Tensor, history: Tensor) -> Tensor:
        """Product of patient and device, and of what was given and device, (N, C)."""
        who, given = self._asker(patient, history)
        what, near = self.device(candidate), self.likeness(candidate)  # (N, C, G) -> (N, C, D)
        score: Tensor = (what @ who[:, :, None] + near @ given[:, :, None])[:, :, 0]
        return score

    def _affinity(self, taken: Tensor) -> Tensor:
        """Sum over what was given of the cosine of its patients with those of each device, (N, V + 1)."""
        own = self.together.diagonal().clamp(min=1)
        cosine = self.together / (own[:, None] * own[None]).sqrt()
        total: Tensor = cosine[taken].sum(dim=1)
        return total

    def _own(self, taken: Tensor, place: Tensor) -> Tensor:
        """What the patient's own use makes of the affinity to an item, (N,)."""
        own = self.together.diagonal().clamp(min=1)
        each = (own[taken] * own[place][:, None]).rsqrt() * (taken > 0)
        total: Tensor = each.sum(dim=1)
        return total

    def _use(self, affinity: Tensor, common: Tensor, known: Tensor) -> Tensor:
        score: Tensor = self.use[0] * affinity + self.use[1] * common + self.use[2] * known.float()
        return score


def _tower(n_inputs: int, config: ContentRankerConfig) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(n_inputs, config.hidden),
        nn.ReLU(),
        nn.Dropout(config.dropout),
        nn.Linear(config.hidden, config.width),
    )


def fit_content(config: ContentRankerConfig, data: tuple[ItemSet, ItemSet], context: FitContext) -> GradientFitted:
    """Train the networks, and export them as one graph.

    Which epoch is kept is decided by the pairs of validation. Devices that training does not know are among what is
    chosen from there, without any use: a recipe that asks about new devices is judged by new devices.
    """
    train, valid = data
    shelf = shelf_of(train, valid)
    learned, judged = (learning_set(some, train, shelf[0], config.history) for some in (train, valid))

    def loss(learner: nn.Module, batch: Batch) -> Tensor:
        value: Tensor = learner(*batch.inputs.values())
        return value

    plan = GradientPlan(
        lambda: _Learner(ContentNetwork(train, shelf, config)),
        ("patient", "taken", "place"),
        (Step("all", lambda learner: learner.parameters(), loss),),
        export=_export,
    )
    return fit_gradient(plan, learned, judged, context)


class _Learner(nn.Module):
    """The network with its loss as what a step calls."""

    def __init__(self, network: ContentNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, patient: Tensor, taken: Tensor, place: Tensor) -> Tensor:
        """Return the loss of a batch."""
        return self.network.learn(patient, taken, place)


def _export(learner: nn.Module, example: Batch) -> Program:
    network: Any = learner.network
    n, size = len(example), len(network.marks)
    shown = {
        "patient": example.inputs["patient"],
        "candidate": (network.marks * FULL).to(torch.uint8).expand(n, -1, -1),
        "index": torch.arange(size).expand(n, -1),
        "taken": example.inputs["taken"],
    }
    graph = export_onnx(network, Batch(shown, None), "score", free=("candidate", "index"))
    return Program("forward", INPUTS, {"main": graph})
