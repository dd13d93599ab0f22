"""Answer kind ``ranking``: the best few of many items, in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Array
from auscult.base.contracts import KindName, Outputs, TaskSpec
from auscult.engine.answers.base import AnswerKind, Measure, close, listed, number, record_of
from auscult.engine.metrics.ranking import Relevant, hit_rate_at_k, map_at_k, mrr, ndcg_at_k, recall_at_k

K = {"k": 20}


class RankingKind(AnswerKind):
    """One answer a query: ``item`` (M, k), best first, and ``score`` (M, k).

    Items are numbers from 0, or names as bytes; a list that is shorter ends with -1, or with empty names. The truth is
    ``relevant``: ragged items of the same form that the query really took. Queries without any are not judged. Where a
    task gives a ``note`` (M,) of bytes, an answer shows it: what a rule removed, or why the list is empty.
    """

    name: ClassVar[KindName] = "ranking"
    output: ClassVar[str] = "item"
    why_not_calibrated: ClassVar[str] = "scores order the items of one query and mean nothing across queries"

    def table(self, spec: TaskSpec) -> Mapping[str, tuple[Callable[..., Any], Mapping[str, Any]]]:
        """Return the metrics of ranked lists at 20."""
        return {
            "recall_at_20": (recall_at_k, K),
            "ndcg_at_20": (ndcg_at_k, K),
            "map_at_20": (map_at_k, K),
            "hit_rate_at_20": (hit_rate_at_k, K),
            "mrr": (mrr, K),
        }

    def measures(self, spec: TaskSpec, outputs: Outputs, metrics: Sequence[str]) -> list[Measure]:
        """Make several metrics ready; what was taken is looked up in the lists once for all of them."""
        table = self.table(spec)
        if not set(metrics) <= set(table):
            return super().measures(spec, outputs, metrics)
        target, output, rows = self.judged(spec, outputs, "")
        return [Measure(table[m][0], target, output, table[m][1], rows) for m in metrics]

    def judged(self, spec: TaskSpec, outputs: Outputs, metric: str) -> tuple[Any, Any, npt.NDArray[np.int64]]:
        """Return relevant items and ranked lists of the queries that have any."""
        relevant = outputs.ragged_truth("relevant")
        rows = np.flatnonzero(relevant.lengths > 0)
        kept = relevant.take(rows)
        values, item = numbered(kept.values, outputs.array("item")[rows])
        return Relevant(values, kept.offsets), item, rows

    def present(self, spec: TaskSpec, outputs: Outputs, row: int) -> dict[str, Any]:
        """Items, by their names, and scores, best first."""
        item, score = outputs.array("item")[row], outputs.array("score")[row]
        shown = _filled(item)
        names, scores = item[shown].tolist(), score[shown].tolist()
        made = {"item": [item_name(name) for name in names], "score": [round(value, 6) for value in scores]}
        note = item_name(outputs.array("note")[row]) if "note" in outputs.arrays else ""
        return {**made, "note": note} if note else made

    def schema(self, spec: TaskSpec) -> dict[str, Any]:
        """Two lists of the same length, and a note where there is something to say."""
        made = record_of(item=listed({"type": "string"}), score=listed(number()))
        return {**made, "properties": {**made["properties"], "note": {"type": "string"}}}

    def guess(self, spec: TaskSpec, outputs: Outputs, rng: np.random.Generator) -> Outputs:
        """Return items in random order, out of all that were ever recommended or taken."""
        item = outputs.array("item")
        known = np.union1d(item[_filled(item)], outputs.ragged_truth("relevant").values)
        drawn = np.stack([rng.permutation(known)[: item.shape[1]] for _ in range(len(item))])
        if drawn.shape[1] < item.shape[1]:
            empty = b"" if drawn.dtype.kind == "S" else -1
            drawn = np.pad(drawn, ((0, 0), (0, item.shape[1] - drawn.shape[1])), constant_values=empty)
        return Outputs(
            {"item": drawn, "score": np.zeros(drawn.shape)}, outputs.record, outputs.position, outputs.target
        )

    def difference(self, spec: TaskSpec, first: Outputs, second: Outputs) -> str:
        """Same items in the same order, scores within 1e-4."""
        if not np.array_equal(first.array("item"), second.array("item")):
            return "ranking: the items or their order differ"
        return close("score", first.array("score"), second.array("score"), 1e-4)


def item_name(item: Any) -> str:
    """An item as people read it: its name, or its number."""
    return item.decode(errors="replace") if isinstance(item, bytes) else str(int(item))


def _filled(item: Array) -> npt.NDArray[np.bool_]:
    """Which places of lists hold an item, (M, k)."""
    return np.asarray(item != b"" if item.dtype.kind == "S" else item >= 0)


def numbered(values: Array, item: Array) -> tuple[Array, Array]:
    """Give names numbers from 0, the same for truth and lists; an empty place is -1. Numbers stay as they are."""
    if item.dtype.kind != "S":
        return values, item
    known = {b"": -1}
    names = chain(values.tolist(), item.ravel().tolist())
    number = np.fromiter((known.setdefault(name, len(known) - 1) for name in names), np.int64, len(values) + item.size)
    return number[: len(values)], number[len(values) :].reshape(item.shape)
