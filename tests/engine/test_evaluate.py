"""Differences in pairs, where each side numbers the truth anew."""

from __future__ import annotations

import numpy as np

from auscult.base.arrays import Ragged
from auscult.base.contracts import Outputs, TaskSpec
from auscult.base.recipe import EvaluateTable
from auscult.engine.evaluate import Judge


def _wide(lists: list[list[bytes]]) -> np.ndarray:
    """Lists of 20 places; an empty place has an empty name."""
    return np.array([made + [b""] * (20 - len(made)) for made in lists])


def test_rankings_of_names_differ_by_what_their_values_differ() -> None:
    """Names are numbered per list, so a list must be judged by its own numbers of the truth."""
    spec = TaskSpec("t", "ranking", "test", (), "recall_at_20", ("recall_at_20",), "f", "e")
    taken = Ragged.of([np.array([b"c"]), np.array([b"d", b"a"]), np.array([b"b"])])
    lists = ([[b"c", b"x"], [b"a", b"d"], [b"z", b"b"]], [[b"b", b"c"], [b"a", b"A"], [b"a", b"e"]])
    first, second = (
        Outputs({"item": _wide(made), "score": np.zeros((3, 20))}, np.arange(3), None, {"relevant": taken})
        for made in lists
    )
    judge = Judge(spec, np.array(["0", "1", "2"]), EvaluateTable(resamples=100))
    values = [judge.figure(o, "recall_at_20")["value"] for o in (first, second)]
    assert values == [1.0, 0.5]  # by hand: 3 of 3 users whole; 1, 1/2 and 0
    assert judge.difference(first, second, "recall_at_20")["value"] == 0.5
