from __future__ import annotations

import numpy as np
import pytest

from auscult.base.contracts import Field, RecordBatch
from auscult.base.errors import ReadError
from auscult.domains.text.preprocess.pairs import SWAPPED, pair_features
from auscult.domains.text.readers.common import TEXT
from auscult.domains.text.tasks.text_pair import TextPair, TextPairConfig

V = 1 << 12


def _batch(**columns: list[str]) -> RecordBatch:
    fields = tuple(Field(n, "text", missing=True) for n in columns)
    n = len(next(iter(columns.values())))
    return RecordBatch(
        fields, {k: np.array(v, dtype=TEXT) for k, v in columns.items()}, np.array([f"r{k}" for k in range(n)])
    )


def _kinds(first: str, second: str) -> list[int]:
    """How many features a pair has of each kind: shared, different, in place of each other."""
    ids, _ = pair_features([first], [second], buckets=V, features=200, run=1)
    there = ids[0][ids[0] >= 0]
    return [int(((there >= a) & (there < b)).sum()) for a, b in ((0, V // 2), (V // 2, V), (V, 2 * V))]


def test_features_of_a_pair_by_hand() -> None:
    """Both have 'pump' and 'the'; 'stops' and 'now' stand where the other has 'leaks': two words times one."""
    assert _kinds("the pump stops now", "the pump leaks") == [2, 5, 2]
    assert _kinds("the pump", "The PUMP") == [2, 0, 0]
    assert _kinds("泵停机", "泵漏液") == [1, 4, 4]


def test_weights_of_a_pair_by_hand() -> None:
    """Both texts have length 1: of four words each weighs 1/2, of three 1/sqrt(3); the smaller is what they share."""
    ids, counts = pair_features(["the pump stops now"], ["the pump leaks"], buckets=V, features=200, run=1)
    shared = counts[0][(ids[0] >= 0) & (ids[0] < V // 2)]
    swapped = counts[0][ids[0] >= V]
    np.testing.assert_allclose(shared, 0.5, rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(swapped), SWAPPED, rtol=1e-6)
    np.testing.assert_allclose(
        np.sort(counts[0][(ids[0] >= V // 2) & (ids[0] < V)]),
        np.sort([3**-0.5 - 0.5] * 2 + [0.5] * 2 + [3**-0.5]),
        rtol=1e-6,
    )


def test_the_order_of_the_two_does_not_matter_and_a_pair_is_the_same_alone() -> None:
    one, other = ["the pump stops", "泵停机", "a"], ["a pump leaks", "泵漏液了", "b c d"]
    there = pair_features(one, other, buckets=V, features=64, run=3)
    back = pair_features(other, one, buckets=V, features=64, run=3)
    for row in range(3):
        alone = pair_features([one[row]], [other[row]], buckets=V, features=64, run=3)
        for k in (0, 1):
            np.testing.assert_allclose(there[k][row], back[k][row], rtol=1e-6)
            np.testing.assert_allclose(alone[k][0], there[k][row], rtol=1e-6)


def test_pairs_are_read_from_two_columns_and_grouped_whatever_their_order() -> None:
    task = TextPair(TextPairConfig(text=("a", "b"), label="y"))
    made = task.prepare(_batch(a=["p q", "r s", "R S"], b=["r s", "p q", "x"], y=["1", "0", "other"]))
    assert [f.name for f in made.fields] == ["first", "second", "label"]
    assert made.groups["text"][0] == made.groups["text"][1] != made.groups["text"][2]
    items = task.cut(made)
    assert items.target is not None
    assert (items.record.tolist(), items.target.tolist()) == ([0, 1], [1, 0])
    assert len(task.cut_new(made)) == 3
    assert len(task.cut(made.take(np.array([2])))) == 0


def test_what_is_no_pair_is_refused() -> None:
    task = TextPair(TextPairConfig())
    with pytest.raises(ReadError, match=r"expected two texts in 'first' and 'second', got first, other; name the"):
        task.prepare(_batch(first=["a"], other=["b"]))
    with pytest.raises(ReadError, match=r"expected at least one word in both texts, got none in 1 of 2 pairs"):
        task.prepare(_batch(first=["a", "b"], second=["c", "?!"]))
