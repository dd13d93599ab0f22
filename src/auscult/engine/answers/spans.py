"""Answer kind ``spans``: stretches of a text with a type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Ragged
from auscult.base.contracts import KindName, Outputs, TaskSpec
from auscult.base.errors import UsageError, unknown
from auscult.base.recipe import CalibrateTable
from auscult.engine.answers.base import AnswerKind, Calibration, all_rows, close, listed, number, record_of
from auscult.engine.metrics.spans import (
    character_precision,
    character_recall,
    entity_f1,
    entity_precision,
    entity_recall,
)

RULES = ("f1", "f2", "sensitivity_at_least")
"""What may choose the threshold; ``f2`` weighs recall twice as much as precision (van Rijsbergen 1979, chapter 7)."""
NO_SPAN = 0.5
"""Threshold where the validation answers hold no true span to choose it by."""


class SpansKind(AnswerKind):
    """One answer a record: ``span`` ragged (n, 2) first character and the one after the last, ``label``, ``score``.

    A task gives every candidate, also such that share characters. Of these the one with the highest score stays, and
    the threshold that is chosen on validation decides which are answers. Recall comes first with the rule
    ``sensitivity_at_least:0.98``.
    """

    name: ClassVar[KindName] = "spans"
    output: ClassVar[str] = "tag"
    activation: ClassVar[str] = "softmax"
    loss: ClassVar[str] = "auscult.engine.losses:cross_entropy"
    thresholds: ClassVar[bool] = True

    def n_outputs(self, spec: TaskSpec) -> int:
        """Outside, and begin and inside of each type."""
        return 1 + 2 * len(spec.labels)

    def table(self, spec: TaskSpec) -> Mapping[str, tuple[Callable[..., Any], Mapping[str, Any]]]:
        """Return exact-match metrics over all types, and metrics of covered characters."""
        return {
            "entity_f1": (entity_f1, {}),
            "entity_precision": (entity_precision, {}),
            "entity_recall": (entity_recall, {}),
            "character_precision": (character_precision, {}),
            "character_recall": (character_recall, {}),
        }

    def judged(self, spec: TaskSpec, outputs: Outputs, metric: str) -> tuple[Any, Any, npt.NDArray[np.int64]]:
        """Return triples of start, end and type for each text."""
        truth = _triples(outputs.ragged_truth("span"), outputs.ragged_truth("label"))
        return truth, _triples(outputs.ragged("span"), outputs.ragged("label")), all_rows(outputs)

    def calibrate(self, spec: TaskSpec, valid: Outputs, table: CalibrateTable) -> Calibration:
        """Choose the threshold on validation by F1, or by the rule of the recipe.

        Raises
        ------
        UsageError
            If the rule is none of ``RULES``, or has no level where it needs one.
        """
        rule, _, level = (table.threshold or "f1").partition(":")
        if rule not in RULES:
            raise UsageError(unknown("threshold rule", rule, RULES, where="[calibrate] threshold"))
        if (rule == "sensitivity_at_least") != bool(level):
            raise UsageError(
                f"[calibrate] threshold: expected a number after 'sensitivity_at_least:' and none after the others, "
                f"got '{table.threshold}'"
            )
        if level and not (_is_number(level) and 0 < float(level) <= 1):
            raise UsageError(f"[calibrate] threshold: expected a sensitivity above 0 and at most 1, got '{level}'")
        apart = _apart(valid)
        truth, found, _ = self.judged(spec, apart, spec.primary)
        score = apart.ragged("score").values.astype(np.float64)
        right = np.array([s in set(t) for t, f in zip(truth, found, strict=True) for s in f], dtype=np.float64)
        n_true = sum(map(len, truth))
        threshold = _threshold(score, right, n_true, rule=rule, level=float(level or 0))
        made = {"method": "threshold", "rule": table.threshold or "f1", "threshold": threshold}
        reached = float(right[score >= threshold].sum() / n_true) if n_true else None
        return {**made, "validation_sensitivity": reached}

    def apply(self, spec: TaskSpec, outputs: Outputs, calibration: Calibration) -> Outputs:
        """Keep the spans at or above the threshold, of those that share characters the one with the highest score."""
        return _at_least(_apart(outputs), calibration["threshold"]) if "threshold" in calibration else outputs

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


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _triples(spans: Ragged, labels: Ragged) -> list[list[tuple[int, int, str]]]:
    return [
        [(int(a), int(b), str(int(k))) for (a, b), k in zip(spans[row], labels[row], strict=True)]
        for row in range(len(spans))
    ]


def _threshold(
    score: npt.NDArray[np.float64], right: npt.NDArray[np.float64], n_true: int, *, rule: str, level: float
) -> float:
    """Choose the threshold: halfway from the lowest score that is kept to the next one."""
    if not n_true or not len(score):
        return NO_SPAN
    order = np.argsort(-score, kind="stable")
    score, found = score[order], np.cumsum(right[order])
    given = np.arange(1, len(score) + 1)
    last = np.append(np.flatnonzero(np.diff(score)), len(score) - 1)  # equal scores are kept together
    if rule == "sensitivity_at_least":
        enough = np.flatnonzero(found[last] >= round(level * n_true, 9))
        best = int(last[enough[0]]) if len(enough) else int(last[-1])
    else:
        beta = {"f1": 1.0, "f2": 4.0}[rule]
        worth = (1 + beta) * found[last] / (given[last] + beta * n_true)
        best = int(last[worth.argmax()])
    below = float(score[best + 1]) if best + 1 < len(score) else 0.0
    return (float(score[best]) + below) / 2


def _apart(outputs: Outputs) -> Outputs:
    """Of spans that share a character keep the one with the highest score, then the longest, then the first."""
    span, score = outputs.ragged("span"), outputs.ragged("score")
    keep = np.zeros(len(span.values), dtype=bool)
    for begin, end in zip(span.offsets[:-1].tolist(), span.offsets[1:].tolist(), strict=True):
        places, length = span.values[begin:end], np.diff(span.values[begin:end], axis=1)[:, 0]
        taken: list[tuple[int, int]] = []
        for k in np.lexsort((places[:, 0], -length, -score.values[begin:end])).tolist():
            first, after = int(places[k, 0]), int(places[k, 1])
            if all(after <= a or first >= b for a, b in taken):
                taken.append((first, after))
                keep[begin + k] = True
    return _kept(outputs, keep)


def _at_least(outputs: Outputs, threshold: float) -> Outputs:
    return _kept(outputs, outputs.ragged("score").values >= threshold)


def _kept(outputs: Outputs, keep: npt.NDArray[np.bool_]) -> Outputs:
    counts = np.concatenate([[0], np.cumsum(keep)])[outputs.ragged("score").offsets]
    arrays = {
        name: Ragged(column.values[keep], counts) if isinstance(column, Ragged) else column
        for name, column in outputs.arrays.items()
    }
    return Outputs(arrays, outputs.record, outputs.position, outputs.target)
