"""Persistence: by hand, every step ahead is the last reading."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from auscult.base.errors import ShapeError
from auscult.domains.signals.models.persistence import Persistence, PersistenceConfig
from auscult.engine.drivers import load_program

from .problems import AHEAD, context_of, persistence_error, ramps


def test_repeats_the_last_reading(tmp_path: Path) -> None:
    train, valid = ramps(40)
    run = load_program(Persistence(PersistenceConfig()).fit(train, valid, context_of(AHEAD, tmp_path)).export())
    value = run({"history": np.array([[100, 90, 80, 70, 60, 50, 45, 44, 43, 42], np.full(10, 300)])})["value"]
    assert value.tolist() == [[42, 42, 42], [300, 300, 300]]
    error = np.abs(run(valid.inputs())["value"] - valid.target()).mean()
    assert error == pytest.approx(persistence_error(valid), rel=1e-6)


def test_a_shorter_history_is_refused(tmp_path: Path) -> None:
    items = ramps(40)
    run = load_program(Persistence(PersistenceConfig()).fit(*items, context_of(AHEAD, tmp_path)).export())
    with pytest.raises(ShapeError, match=r"program input 'history': expected shape \('items', 10\), got \(2, 9\)"):
        run({"history": np.zeros((2, 9))})
