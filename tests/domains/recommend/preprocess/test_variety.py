"""Variety of lists, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.base.arrays import Ragged
from auscult.base.contracts import Outputs
from auscult.domains.recommend.preprocess.names import as_names
from auscult.domains.recommend.preprocess.variety import variety


def _outputs(lists: list[list[str]], taken: list[list[str]]) -> Outputs:
    item = np.stack([as_names(row) for row in lists])
    truth = Ragged.of([as_names(row) for row in taken])
    arrays = {"item": item, "score": np.zeros(item.shape)}
    return Outputs(arrays, np.arange(len(lists)), None, {"relevant": truth})


def test_common_items_are_no_news() -> None:
    made = variety(_outputs([["a", "b"], ["a", ""], ["a", ""]], [["a"], ["a", "c"], ["a"]]))
    assert made["listed_items"] == 2
    assert made["coverage"] == pytest.approx(2 / 3)
    # a was taken by three of three, b by none: 0 bits three times and 2 bits once
    assert made["novelty_bits"] == pytest.approx(2 / 4)


def test_empty_lists_say_nothing() -> None:
    assert variety(_outputs([["", ""]], [["a"]])) == {"listed_items": 0.0, "coverage": 0.0, "novelty_bits": 0.0}
