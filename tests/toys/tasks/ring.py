"""Task ``ring``: kind ``sample``; new points like the real ones, from noise that a request's seed decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import Config, FitContext, Items, ItemSet, Outputs, Probe, RecordBatch, Run, TaskSpec
from auscult.engine.metrics.generated import nearest_distances
from toys.tasks.common import NoSettings, needed, only, rows_of

NOISE = 2


class Ring:
    """New points of a ring."""

    Config: ClassVar[type[Config]] = NoSettings

    def __init__(self, config: NoSettings) -> None:
        self.spec = TaskSpec(
            "ring", "sample", "new points of a ring", ("point",), primary="kid", metrics=("kid",), floor="cloud",
            example="rings", resample="record",
        )  # fmt: skip

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Keep the seed of the request, and the real point where there is one."""
        needed(batch, "seed", *(["point"] if batch.has("point") else []))
        return only(batch, "seed", "point")

    def cut(self, batch: RecordBatch) -> Items:
        """``noise`` (N, 2); the target is the real point, (N, 2)."""
        rows = rows_of(batch)
        noise = np.stack([np.random.default_rng(int(s)).normal(size=NOISE) for s in batch.dense("seed")])
        target = np.asarray(batch.dense("point")) if batch.has("point") else None
        return Items({"noise": noise.astype(np.float32)}, rows, np.zeros_like(rows), target)

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One new point a request; it is its own feature."""
        made = {"sample": arrays["sample"], "feature": np.asarray(arrays["sample"], dtype=np.float64)}
        target = None if items.target is None else {"real": items.target.astype(np.float64)}
        return Outputs(made, items.record, None, target)

    def probe(self, roles: Mapping[str, ItemSet], run: Run, context: FitContext) -> list[Probe]:
        """Whether training points lie nearer to new points than test points do."""
        train, test = roles["train"], roles["test"]
        made = run({"noise": train.inputs()["noise"]})["sample"].astype(np.float64)
        real = np.concatenate([s.target() for s in (train, test)]).astype(np.float64)
        member = np.repeat([True, False], [len(train), len(test)])
        records = np.concatenate([s.items.record[s.rows] for s in (train, test)])
        outputs = Outputs({"distance": nearest_distances(real, made)}, records, None, {"member": member})
        return [Probe(replace(self.spec, metrics=("membership_auc",)), outputs, "of_points")]
