"""Model ``content-knn``: how often the devices with the nearest attributes are given, and how near what was given is.

The floor for new devices: what counts users of an item, or of two items together, has nothing to say of one that nobody
was given. It looks at no attribute of the patient. Needs torch to write its graph.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field as Setting

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName, Program
from auscult.domains.recommend.models.content_ranker import shelf_of
from auscult.domains.recommend.models.taken import RankingFitted

INPUTS = ("candidate", "taken")


class ContentKnnConfig(Config):
    """Settings of the likeness."""

    sharpness: float = Setting(
        8.0, gt=0, description="How fast the weight of a device falls with the share of its attributes that differ."
    )
    given: float = Setting(5.0, ge=0, description="Weight of a device that was given, beside how common its like is.")
    history: int = Setting(12, ge=1, description="Latest devices of a patient; as the task's.")


class ContentKnn:
    """Popularity among similar devices, and similarity to what was given."""

    Config: ClassVar[type[Config]] = ContentKnnConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("ranking",)
    inputs: ClassVar[tuple[str, ...]] = ("item", "index", "patient", "device")

    def __init__(self, config: ContentKnnConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Count, and write the comparison as a graph."""
        import torch

        from auscult.domains.recommend.models.content_nearness import ContentNearness
        from auscult.engine.train import Batch, export_onnx

        numbers, marks = shelf_of(train)
        n_patients = max(len(np.unique(train.items.record[train.rows])), 1)
        share = np.unique(train.inputs()["index"], return_counts=True)[1] / n_patients
        c = self._config
        network = ContentNearness((numbers, marks), share, sharpness=c.sharpness, given=c.given)
        shown = {
            "candidate": torch.as_tensor(np.repeat(marks[None], 2, axis=0)),
            "taken": torch.as_tensor(np.resize(numbers, (2, c.history)).astype(np.int64)),
        }
        graph = export_onnx(network, Batch(shown, None), "score", free=("candidate",))
        return RankingFitted(Program("forward", INPUTS, {"main": graph}))
