"""A column or a class that a recipe misspells is named with the nearest, before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import auscult
from auscult.base.contracts import Field, Items, RecordBatch
from auscult.base.errors import RecipeError
from auscult.base.recipe import Recipe
from auscult.domains.text.readers.common import TEXT
from auscult.domains.text.tasks.document_class import DocumentClass, DocumentClassConfig
from auscult.engine.build import BuildOptions

SECRET = "Zanzibar"
TASK = {"name": "document-class", "text": ["Text"], "label": "Kategorie", "labels": ["Bedienung", "Lieferung"]}


def _prepared(tmp_path: Path, *, more: str = "", **task: Any) -> None:
    rows = [f"the pump of bed {k} stopped {SECRET};{('Bedienung', 'Lieferung')[k % 2]};S{k % 4}" for k in range(12)]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("\n".join(["Text;Kategorie;Standort", *rows, f"the end;{SECRET};S1", ""]))
    if more:
        (tmp_path / "data" / "b.csv").write_text(more)
    recipe = Recipe.model_validate(
        {
            "name": "names",
            "domain": "text",
            "data": {"path": str(tmp_path / "data")},
            "task": {**TASK, **task},
            "model": {"name": "linear-text"},
            "intent": {"use": "test", "not_for": "use", "population": "none", "device": "none"},
        }
    )
    auscult.build(recipe, tmp_path / "run", options=BuildOptions(until="prepare", workers=1))


def test_a_recipe_without_a_slip_is_prepared(tmp_path: Path) -> None:
    _prepared(tmp_path, groups=["Standort"])


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ({"label": "kategorie"}, r"unknown column 'kategorie' in \[task\] label; did you mean 'Kategorie'\?"),
        (
            {"labels": ["Bedienung", "Liferung"]},
            r"unknown class 'Liferung' in \[task\] labels; did you mean 'Lieferung'\? Known: Bedienung, Lieferung$",
        ),
        ({"labels": ["bedienung", "liferung"]}, "'bedienung' .* 'Bedienung'.*; unknown class 'liferung' .*Lieferung"),
        ({"groups": ["Standorte"]}, r"'Standorte' in \[task\] groups; did you mean 'Standort'\? Known: Kategorie, St"),
        (
            {"name": "document-labels", "label": ["kategorie"]},
            r"unknown column 'kategorie' in \[task\] label; did you mean 'Kategorie'\?",
        ),
    ],
)
def test_a_slip_is_named_with_what_is_nearest(tmp_path: Path, task: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError, match=words) as told:
        _prepared(tmp_path, **task)
    assert SECRET not in str(told.value)


def test_texts_are_no_names_of_classes(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"unknown class 'Bedienung' in \[task\] labels. Known: none") as told:
        _prepared(tmp_path, label="Text")
    assert SECRET not in str(told.value)


def test_a_group_that_some_files_lack_is_named(tmp_path: Path) -> None:
    more = "Text;Kategorie\nthe lamp is dark;Bedienung\nthe lamp fell down;Lieferung\n"
    with pytest.raises(RecipeError, match=r"\[task\] groups: expected a column 'Standort' in every file, got it in s"):
        _prepared(tmp_path, more=more, groups=["Standort"])


def test_files_without_the_label_beside_files_with_it_are_told() -> None:
    """Where the files are in different shards, the items of some have no target."""
    task = DocumentClass(DocumentClassConfig.model_validate({k: v for k, v in TASK.items() if k != "name"}))
    three = np.arange(3)
    text = np.array(["a b"], dtype=TEXT)
    raw = [
        RecordBatch((Field("Text", "text"),), {"Text": text}, np.array(["r0"])),
        RecordBatch((Field("Kategorie", "text"),), {"Kategorie": text}, np.array(["r1"])),
    ]
    (told,) = task.misnamed(Items({}, three, three, np.array([0, 1])), (), raw)
    assert told.startswith("[task] label: expected a column 'Kategorie' in every file, got it in some only")
    assert task.misnamed(Items({}, three, three, np.array([0, 1, 0])), (), raw) == []
