from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from auscult.base.contracts import Field, FitContext, ItemSet, RecordBatch
from auscult.base.log import Silent
from auscult.base.recipe import TrainTable
from auscult.domains.text.models.linear_text import LinearText, LinearTextConfig
from auscult.domains.text.models.tfidf_linear import TfidfLinear, TfidfLinearConfig
from auscult.domains.text.readers.common import TEXT
from auscult.domains.text.tasks.document_class import DocumentClass, DocumentClassConfig

TEXTS = ["the patient died", "no death was seen", "she expired later", "the pump was not fatal"]
KINDS = ["d", "m", "d", "m"]


def _fitted(weight: float, model: str) -> np.ndarray:  # type: ignore[type-arg]
    config = DocumentClassConfig(label="kind", labels=("d", "m"), cue_weight=weight, buckets=1 << 10)
    task = DocumentClass(config)
    columns = {"text": np.array(TEXTS, dtype=TEXT), "kind": np.array(KINDS, dtype=TEXT)}
    raw = RecordBatch((Field("text", "text"), Field("kind", "text")), columns, np.array(["a", "b", "c", "d"]))
    items = task.cut(task.prepare(raw))
    context = FitContext(task.spec, 1, TrainTable(threads=1), Path(), Silent())
    chosen = ItemSet(items, np.arange(4))
    made = LinearText(LinearTextConfig(strength=10.0)) if model == "linear-text" else TfidfLinear(TfidfLinearConfig())
    program = made.fit(chosen, chosen, context).export()
    return np.asarray(program.arrays["weight"])


def test_a_death_that_is_said_speaks_for_one_and_a_denied_one_for_the_other() -> None:
    """The cues are numbered from ``buckets`` on: death said, death denied, …"""
    said, denied = _fitted(1.0, "linear-text")[1024:1026]
    assert said[0] > said[1]
    assert denied[0] < denied[1]


def test_the_floor_does_not_look_at_cues() -> None:
    assert not _fitted(1.0, "tfidf-linear")[1024:].any()


@pytest.mark.parametrize("model", ["linear-text", "tfidf-linear"])
def test_without_cues_there_are_n_grams_only(model: str) -> None:
    assert len(_fitted(0.0, model)) == 1024
