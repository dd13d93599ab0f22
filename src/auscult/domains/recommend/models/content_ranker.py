"""Model ``content-ranker``: scores a device for a patient by attributes of both, and by use where there is some.

Two networks turn the attributes of a patient and of a device into vectors of which the product is a score; a third term
compares the device with what the patient was given, by attributes; a fourth adds how often it was given with these, and
how common it is. In training a share of the devices is shown as new and a share of the patients
without a history, so that the first three terms learn to do without the fourth (Volkovs et al. 2017, DropoutNet, NIPS).
Needs torch to learn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field as Setting

from auscult.base.contracts import Config, FitContext, Fitted, Items, ItemSet, KindName
from auscult.domains.recommend.preprocess.names import latest

if TYPE_CHECKING:
    from auscult.base.arrays import Array

INPUTS = ("patient", "candidate", "index", "taken")


class ContentRankerConfig(Config):
    """Settings of the networks."""

    width: int = Setting(32, ge=1, description="Length of the vectors.")
    hidden: int = Setting(64, ge=1, description="Width of the hidden layers.")
    dropout: float = Setting(0.1, ge=0, lt=1, description="Share of hidden units that a step leaves out.")
    new_devices: float = Setting(0.3, ge=0, lt=1, description="Share of devices that a step shows as new.")
    new_patients: float = Setting(0.3, ge=0, lt=1, description="Share of patients that a step shows without history.")
    history: int = Setting(12, ge=1, description="Latest devices of a patient; as the task's.")


class ContentRanker:
    """Attributes of both sides, and use."""

    Config: ClassVar[type[Config]] = ContentRankerConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("ranking",)
    inputs: ClassVar[tuple[str, ...]] = ("item", "index", "patient", "device")

    def __init__(self, config: ContentRankerConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Train on what each patient was given, against all other devices."""
        from auscult.domains.recommend.models.content_network import fit_content

        return fit_content(self._config, (train, valid), context)


def shelf_of(*roles: ItemSet) -> tuple[Array, Array]:
    """Numbers (V,) in rising order and marks (V, G) of the devices of some items."""
    each = [some.inputs() for some in roles]
    index, device = (np.concatenate([e[name] for e in each]) for name in ("index", "device"))
    numbers, first = np.unique(index, return_index=True)
    return numbers, device[first]


def used_together(train: ItemSet, numbers: Array) -> Array:
    """How many patients were given both of two devices, (V, V); on the diagonal how many were given one."""
    column = np.searchsorted(numbers, train.inputs()["index"])
    patients, row = np.unique(train.items.record[train.rows], return_inverse=True)
    matrix = np.zeros((len(patients), len(numbers)), dtype=np.float32)
    matrix[row, column] = 1.0
    return np.asarray(matrix.T @ matrix)


def learning_set(some: ItemSet, train: ItemSet, numbers: Array, width: int) -> ItemSet:
    """Items as the network learns them: ``place`` (N,) of the device, ``patient``, and ``taken`` (N, H) without it.

    Places count from 1 in the order of ``numbers``. Items of devices that training does not know are left out.
    """
    inputs = some.inputs()
    at = np.minimum(np.searchsorted(numbers, inputs["index"]), len(numbers) - 1)
    rows = np.flatnonzero(numbers[at] == inputs["index"])
    record = some.items.record[some.rows][rows]
    users = train.items.record[train.rows]
    place = np.searchsorted(numbers, train.inputs()["index"]) + 1
    n = int(max(record.max(initial=0), users.max(initial=0))) + 1
    taken = latest(place, users, n, width)[record]
    target = at[rows] + 1
    taken = np.where(taken == target[:, None], 0, taken)
    made: dict[str, Any] = {"patient": inputs["patient"][rows], "taken": taken, "place": target}
    return ItemSet(Items(made, record, np.zeros_like(record), target), np.arange(len(target)))
