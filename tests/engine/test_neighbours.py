"""The nearest training records: likeness by hand, the limit, and that the short way gives what the long way does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from auscult.base.errors import VerifyError
from auscult.engine import neighbours
from auscult.engine.neighbours import Neighbours, fit_neighbours, read_neighbours

NAMES = [f"{k:064x}" for k in range(200)]


def bits(n: int, seed: int, share: float = 0.2) -> np.ndarray:
    return (np.random.default_rng(seed).random((n, 70)) < share).astype(np.uint8)


def tanimoto(a: np.ndarray, b: np.ndarray) -> float:
    """By the definition: what both have over what either has."""
    return float((a & b).sum() / max((a | b).sum(), 1))


def fitted(refusal: float = 0.05) -> Neighbours:
    made = fit_neighbours(bits(200, 0), bits(60, 1), NAMES, refusal=refusal, seed=0)
    assert made is not None
    return made


def test_the_nearest_come_first_with_their_likeness() -> None:
    known = bits(200, 0)
    asked = bits(9, 2)
    likeness, row = fitted().nearest(asked, 3)
    for k in range(9):
        every = [tanimoto(asked[k], other) for other in known]
        np.testing.assert_allclose(likeness[k], sorted(every, reverse=True)[:3], atol=1e-12)
        assert every[row[k, 0]] == pytest.approx(likeness[k, 0])
    own = fitted().nearest(known[5:6], 1)
    assert own[0][0, 0] == 1.0
    assert fitted().names[own[1][0, 0]] == NAMES[5][:16]


def test_strangers_are_those_below_the_limit_whichever_way_they_are_found() -> None:
    made, asked = fitted(0.3), bits(80, 3)
    best = made.nearest(asked, 1)[0][:, 0]
    found = made.strangers(asked)
    np.testing.assert_array_equal(np.isnan(found), best >= made.limit)
    np.testing.assert_allclose(found[best < made.limit], best[best < made.limit])
    assert 0 < np.isnan(found).sum() < 80


@pytest.mark.parametrize("block", [16, 8192])
def test_the_one_nearest_is_the_first_of_several(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "BLOCK", block)
    asked = bits(60, 2, share=0.05)  # few bits: many are equally near
    one, several = fitted().nearest(asked, 1), fitted().nearest(asked, 5)
    for found, first in zip(one, several, strict=True):
        np.testing.assert_array_equal(found[:, 0], first[:, 0])


def test_what_is_unpacked_each_time_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = bits(9, 2)
    first = fitted().nearest(asked, 7)
    monkeypatch.setattr(neighbours, "HELD_BYTES", 0)
    monkeypatch.setattr(neighbours, "BLOCK", 16)
    again = fitted().nearest(asked, 7)
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])


def test_about_the_stated_share_of_validation_is_outside() -> None:
    made = fitted(0.1)
    assert np.isfinite(made.strangers(bits(60, 1))).mean() == pytest.approx(0.1, abs=0.02)


def test_a_record_without_any_bit_is_a_stranger() -> None:
    assert fitted().strangers(np.zeros((1, 70), dtype=np.uint8)).tolist() == [0.0]
    assert fitted().strangers(np.zeros((0, 70), dtype=np.uint8)).tolist() == []
    assert fit_neighbours(np.zeros((3, 8), dtype=np.uint8), bits(3, 0), NAMES, refusal=0.1, seed=0) is None


def test_what_is_saved_is_read_again(tmp_path: Path) -> None:
    made = fitted()
    made.save(tmp_path / "neighbours")
    read = read_neighbours(tmp_path / "neighbours")
    assert read is not None
    assert read.hash == made.hash
    np.testing.assert_array_equal(read.strangers(bits(20, 4)), made.strangers(bits(20, 4)))
    assert read_neighbours(tmp_path / "absent") is None
    (tmp_path / "neighbours" / "known.safetensors").write_bytes(b"no")
    with pytest.raises(VerifyError, match="expected the training records as bits, got something else"):
        read_neighbours(tmp_path / "neighbours")
