"""Answer kind ``spans``: stretches of a text with a type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Ragged
from auscult.base.contracts import KindName, Outputs, TaskSpec
from auscult.engine.answers.base import AnswerKind, all_rows, close, listed, number, record_of
from auscult.engine.metrics.spans import entity_f1, entity_precision, entity_recall


class SpansKind(AnswerKind):
    """One answer a record: ``span`` ragged (n, 2) first character and the one after the last, ``label``, ``score``."""

    name: ClassVar[KindName] = "spans"
    output: ClassVar[str] = "tag"
    activation: ClassVar[str] = "softmax"
    loss: ClassVar[str] = "auscult.engine.losses:cross_entropy"
    why_not_calibrated: ClassVar[str] = "spans are decoded from tags; their scores are not probabilities of the span"

    def n_outputs(self, spec: TaskSpec) -> int:
        """Outside, and begin and inside of each type."""
        return 1 + 2 * len(spec.labels)

    def table(self, spec: TaskSpec) -> Mapping[str, tuple[Callable[..., Any], Mapping[str, Any]]]:
        """Return exact-match metrics, over all types."""
        return {
            "entity_f1": (entity_f1, {}),
            "entity_precision": (entity_precision, {}),
            "entity_recall": (entity_recall, {}),
        }

    def judged(self, spec: TaskSpec, outputs: Outputs, metric: str) -> tuple[Any, Any, npt.NDArray[np.int64]]:
        """Return triples of start, end and type for each text."""
        truth = _triples(outputs.ragged_truth("span"), outputs.ragged_truth("label"))
        return truth, _triples(outputs.ragged("span"), outputs.ragged("label")), all_rows(outputs)

    def present(self, spec: TaskSpec, outputs: Outputs, row: int) -> dict[str, Any]:
        """Spans by character."""
        return {
            "span": [[int(a), int(b)] for a, b in outputs.ragged("span")[row]],
            "label": [spec.labels[int(k)] for k in outputs.ragged("label")[row]],
            "score": [round(float(s), 4) for s in outputs.ragged("score")[row]],
        }

    def schema(self, spec: TaskSpec) -> dict[str, Any]:
        """Three lists of the same length."""
        return record_of(
            span=listed(listed({"type": "integer"})), label=listed({"enum": list(spec.labels)}), score=listed(number())
        )

    def difference(self, spec: TaskSpec, first: Outputs, second: Outputs) -> str:
        """Same spans and types, scores within 1e-4."""
        if not np.array_equal(first.ragged("span").offsets, second.ragged("span").offsets):
            return "spans: the number of spans of a text differs"
        for name in ("span", "label"):
            if not np.array_equal(first.ragged(name).values, second.ragged(name).values):
                return f"spans: the values of '{name}' differ"
        return close("score", first.ragged("score").values, second.ragged("score").values, 1e-4)


def _triples(spans: Ragged, labels: Ragged) -> list[list[tuple[int, int, str]]]:
    return [
        [(int(a), int(b), str(int(k))) for (a, b), k in zip(spans[row], labels[row], strict=True)]
        for row in range(len(spans))
    ]
