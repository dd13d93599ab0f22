"""Task ``document-class``: a text → one of several classes, such as the type of a device event."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field as Setting

from auscult.base.arrays import Array
from auscult.base.contracts import Config, Field, Items, Outputs, RecordBatch, Run, TaskSpec
from auscult.domains.text.simulate.reports import EVENTS
from auscult.domains.text.tasks.common import TextConfig, TextItems, explained
from auscult.domains.text.tasks.names import misnamed

LABEL_FIELD = Field("label", "ids")


class DocumentClassConfig(TextConfig):
    """Settings of the task."""

    label: str = Setting("event", description="Column that holds the class.")
    labels: tuple[str, ...] = Setting(
        EVENTS,
        min_length=2,
        description="Classes; a record of another is left out of training and figures, and counted.",
    )


class DocumentClass:
    """Texts and their class."""

    Config: ClassVar[type[Config]] = DocumentClassConfig

    def __init__(self, config: DocumentClassConfig) -> None:
        self._config = config
        self._cutter = TextItems(config)
        self.spec = TaskSpec(
            name="document-class",
            kind="class",
            summary="class of a text",
            labels=config.labels,
            primary="macro_f1",
            metrics=("accuracy", "macro_f1", "ece", "brier"),
            floor="tfidf-linear",
            example="reports",
            parameters=config.parameters,
            tags=("text classification", "BERT", "transformer", "device report", "adverse event"),
        )

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Keep the text, and the class where there is one.

        Raises
        ------
        ReadError
            If there is no text.
        """
        made = self._cutter.prepared(batch)
        if not batch.has(self._config.label):
            return made
        number = {name: k for k, name in enumerate(self._config.labels)}
        label = [number.get(str(v).strip(), -1) for v in batch.dense(self._config.label)]
        return made.with_columns({LABEL_FIELD: np.array(label, dtype=np.int64)})

    def cut(self, batch: RecordBatch) -> Items:
        """One item a text whose class is one of the labels; see ``TextItems.items`` for the inputs."""
        if not batch.has("label"):
            return self._cutter.items(batch)
        label = np.asarray(batch.dense("label"))
        return self._cutter.labelled(batch, label, np.flatnonzero(label >= 0))

    def misnamed(self, items: Items, groups: Collection[str], raw: Iterable[RecordBatch]) -> list[str]:
        """Columns and classes of the settings that no record has."""
        c = self._config
        return misnamed(items, groups, raw, groups=c.groups, label=(c.label,), classes=c.labels)

    def cut_new(self, batch: RecordBatch) -> Items:
        """One item a text, whatever class somebody gave it."""
        return self._cutter.items(batch)

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One answer a text."""
        return self._cutter.join(items, arrays)

    def sketch(self, batch: RecordBatch) -> npt.NDArray[np.uint32]:
        """What near-duplicates are found by."""
        return self._cutter.sketch(batch)

    def explain(self, batch: RecordBatch, outputs: Outputs, run: Run) -> list[dict[str, Any]]:
        """The words that carried the most probable class."""
        return explained(self._cutter, batch, outputs, run)
