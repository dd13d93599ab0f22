"""Span metrics by hand: exact bounds and type, duplicates, one type, undefined."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.base.errors import ShapeError
from auscult.engine.metrics.spans import (
    character_counts,
    character_precision,
    character_recall,
    entity_f1,
    entity_precision,
    entity_recall,
    span_counts,
)

TARGET = [[(0, 4, "DRUG"), (10, 15, "DISEASE")], [(3, 8, "DISEASE")], []]
OUTPUT = [[(0, 4, "DRUG"), (10, 14, "DISEASE")], [(3, 8, "DRUG")], [(0, 1, "DRUG")]]


def test_by_hand() -> None:
    assert span_counts(TARGET, OUTPUT).tolist() == [[1, 1, 1], [0, 1, 1], [0, 1, 0]]
    np.testing.assert_allclose(entity_precision(TARGET, OUTPUT), [1 / 4])
    np.testing.assert_allclose(entity_recall(TARGET, OUTPUT), [1 / 3])
    np.testing.assert_allclose(entity_f1(TARGET, OUTPUT), [2 / 7])


def test_one_type() -> None:
    np.testing.assert_allclose(entity_precision(TARGET, OUTPUT, kind="DRUG"), [1 / 3])
    np.testing.assert_allclose(entity_recall(TARGET, OUTPUT, kind="DRUG"), [1.0])


def test_a_span_given_twice_is_right_once() -> None:
    assert span_counts([[(0, 1, "A")]], [[(0, 1, "A"), (0, 1, "A")]]).tolist() == [[1, 1, 0]]


def test_undefined_is_nan() -> None:
    assert np.isnan(entity_f1([[]], [[(0, 1, "A")]])).all()
    assert np.isnan(entity_recall([[]], [[(0, 1, "A")]])).all()
    assert np.isnan(entity_precision([[(0, 1, "A")]], [[]])).all()


def test_refusal_names_no_span() -> None:
    with pytest.raises(ShapeError, match="expected 3 texts as in the target, got 1"):
        entity_f1(TARGET, OUTPUT[:1])


def test_characters_by_hand() -> None:
    """Of 9, 5 and 0 true characters 8, 5 and 0 are covered under some type; one more is that is none."""
    assert character_counts(TARGET, OUTPUT).tolist() == [[8, 0, 1], [5, 0, 0], [0, 1, 0]]
    np.testing.assert_allclose(character_recall(TARGET, OUTPUT), [13 / 14])
    np.testing.assert_allclose(character_precision(TARGET, OUTPUT), [13 / 14])
    assert np.isnan(character_recall([[]], [[(0, 1, "A")]])).all()
    with pytest.raises(ShapeError, match="expected 3 texts as in the target, got 1"):
        character_recall(TARGET, OUTPUT[:1])
