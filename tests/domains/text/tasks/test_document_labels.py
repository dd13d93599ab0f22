from __future__ import annotations

import numpy as np
import pytest

from auscult.base.contracts import Field, RecordBatch
from auscult.base.errors import RecipeError
from auscult.base.recipe import validated
from auscult.domains.text.readers.common import TEXT
from auscult.domains.text.tasks.document_labels import DocumentLabels, DocumentLabelsConfig

CONFIG = DocumentLabelsConfig(label=("one", "other"), pattern=r"\((\d{3,5})\)", labels=("1069", "2017"))


def _batch(**columns: list[str]) -> RecordBatch:
    fields = tuple(Field(n, "text", missing=True) for n in columns)
    n = len(next(iter(columns.values())))
    return RecordBatch(
        fields, {k: np.array(v, dtype=TEXT) for k, v in columns.items()}, np.array([f"r{k}" for k in range(n)])
    )


RAW = _batch(
    text=["the pump broke", "the pump leaked", "nothing said", "an odd code"],
    one=["Break (1069)", "", "", "Other (9999)"],
    other=["", "Leak (2017); Break (1069)", "", ""],
)


def test_labels_come_from_whichever_column_names_them() -> None:
    """A record that names none of the labels is not known, not negative."""
    made = DocumentLabels(CONFIG).prepare(RAW)
    assert made.dense("label").tolist() == [[1, 0], [1, 1], [-1, -1], [-1, -1]]


def test_what_is_not_known_is_answered_but_not_learned_from() -> None:
    task = DocumentLabels(CONFIG)
    made = task.prepare(RAW)
    items = task.cut(made)
    assert items.record.tolist() == [0, 1]
    assert items.target is not None
    assert items.target.tolist() == [[1, 0], [1, 1]]
    assert len(task.cut_new(made)) == 4
    assert len(task.cut(made.take(np.array([2, 3])))) == 0


def test_a_whole_match_is_the_label_where_the_pattern_has_no_group() -> None:
    config = DocumentLabelsConfig(label=("one",), pattern=r"\d{4}", labels=("1069", "2017"))
    made = DocumentLabels(config).prepare(RAW)
    assert made.dense("label")[0].tolist() == [1, 0]


def test_new_texts_need_no_labels() -> None:
    task = DocumentLabels(CONFIG)
    assert len(task.cut(task.prepare(_batch(text=["the pump"])))) == 1


def test_a_pattern_that_is_no_expression_is_refused() -> None:
    with pytest.raises(RecipeError, match="'pattern': value error, expected a regular expression"):
        validated(DocumentLabelsConfig, {"pattern": "("}, where="[task]")
