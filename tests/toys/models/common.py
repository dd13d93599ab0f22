"""What the toy models share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import ItemSet, Program, TaskSpec
from auscult.engine.answers import kind_of
from toys.tasks.common import NoSettings


@dataclass(frozen=True, repr=False)
class Ready:
    """A fitted model that is its program."""

    program: Program

    def export(self) -> Program:
        """Return the program."""
        return self.program


class Plain:
    """A model without settings."""

    Config: ClassVar[type[NoSettings]] = NoSettings

    def __init__(self, config: NoSettings) -> None:
        pass


def as_numbers(target: Array, spec: TaskSpec) -> Array:
    """Targets as columns (N, K): classes and tags one-hot, the rest as it is."""
    if target.ndim == 1:
        return np.eye(kind_of(spec).n_outputs(spec), dtype=np.float32)[target]
    return target.astype(np.float32)


def neighbours(train: ItemSet, spec: TaskSpec, k: int) -> Program:
    """Store the training items for the driver ``neighbours``."""
    bank = train.inputs()["features"].astype(np.float32)
    center, scale = bank.mean(axis=0), np.maximum(bank.std(axis=0), 1e-6)
    arrays = {
        "bank": (bank - center) / scale,
        "target": as_numbers(train.target(), spec),
        "center": center,
        "scale": scale,
    }
    return Program("neighbours", ("features",), {}, arrays, {"k": min(k, len(bank)), "output": kind_of(spec).output})
