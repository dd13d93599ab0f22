"""Task ``document-labels``: a text → any number of labels, such as the problem codes of a device report."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field as Setting
from pydantic import field_validator

from auscult.base.arrays import Array
from auscult.base.contracts import Config, Field, Items, Outputs, RecordBatch, Run, TaskSpec
from auscult.domains.text.simulate.reports import PROBLEMS
from auscult.domains.text.tasks.common import TextConfig, TextItems, explained
from auscult.domains.text.tasks.names import misnamed

LABEL_FIELD = Field("label", "ids", axes="C")


class DocumentLabelsConfig(TextConfig):
    """Settings of the task."""

    label: tuple[str, ...] = Setting(
        ("problems",), min_length=1, description="Columns that hold the labels; what any of them names, holds."
    )
    pattern: str = Setting(
        r"P\d{3}", description="What a label looks like in a column, as a regular expression; its first group, if any."
    )
    labels: tuple[str, ...] = Setting(
        tuple(p.split()[0] for p in PROBLEMS), min_length=2, description="Labels; others are not looked at."
    )

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        """Refuse what is no regular expression."""
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"expected a regular expression: {error}") from error
        return value


class DocumentLabels:
    """Texts and their labels."""

    Config: ClassVar[type[Config]] = DocumentLabelsConfig

    def __init__(self, config: DocumentLabelsConfig) -> None:
        self._config = config
        self._cutter = TextItems(config)
        self._pattern = re.compile(config.pattern)
        self.spec = TaskSpec(
            name="document-labels",
            kind="labels",
            summary="labels of a text",
            labels=config.labels,
            primary="micro_f1",
            metrics=("micro_f1", "macro_f1", "mean_roc_auc"),
            floor="tfidf-linear",
            example="reports",
            parameters=config.parameters,
            tags=("multi-label", "problem codes", "device report", "coding"),
        )

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Keep the text, and the labels where there are some.

        Raises
        ------
        ReadError
            If there is no text.
        """
        made = self._cutter.prepared(batch)
        columns = [name for name in self._config.label if batch.has(name)]
        if not columns:
            return made
        rows = zip(*(batch.dense(name) for name in columns), strict=True)
        label = np.stack([self._labels(" ".join(map(str, cells))) for cells in rows])
        return made.with_columns({LABEL_FIELD: label})

    def _labels(self, cells: str) -> npt.NDArray[np.int64]:
        """Which labels the cells of one record name, (K,); all unknown where they name none."""
        found = {m[1] if m.re.groups else m[0] for m in self._pattern.finditer(cells)}
        row = np.array([int(name in found) for name in self._config.labels], dtype=np.int64)
        return row if row.any() else row - 1

    def cut(self, batch: RecordBatch) -> Items:
        """One item a text that has a label; see ``TextItems.items`` for the inputs."""
        if not batch.has("label"):
            return self._cutter.items(batch)
        label = np.asarray(batch.dense("label"))
        return self._cutter.labelled(batch, label, np.flatnonzero(label[:, 0] >= 0))

    def misnamed(self, items: Items, groups: Collection[str], raw: Iterable[RecordBatch]) -> list[str]:
        """Columns and classes of the settings that no record has."""
        c = self._config
        return misnamed(items, groups, raw, groups=c.groups, label=c.label, classes=())

    def cut_new(self, batch: RecordBatch) -> Items:
        """One item a text, whatever labels somebody gave it."""
        return self._cutter.items(batch)

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One answer a text."""
        return self._cutter.join(items, arrays)

    def sketch(self, batch: RecordBatch) -> npt.NDArray[np.uint32]:
        """What near-duplicates are found by."""
        return self._cutter.sketch(batch)

    def explain(self, batch: RecordBatch, outputs: Outputs, run: Run) -> list[dict[str, Any]]:
        """The words that carried the most probable label."""
        return explained(self._cutter, batch, outputs, run)
