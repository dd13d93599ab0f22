"""Prepared toy datasets for the tests of the engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from auscult.base.log import Silent
from auscult.base.recipe import DataTable
from auscult.base.registry import load_part
from auscult.engine.dataset import Dataset, assemble
from auscult.engine.prepare import PrepareJob, prepare
from auscult.engine.sources import find_sources
from toys import DOMAIN

KEY = "key of these tests"


def prepared_from(root: Path, out: Path, task: str, *, key: str = KEY, **data: Any) -> Dataset:
    """Prepare every source below a folder into a dataset."""
    table = DataTable(path=str(root), **data)
    job = PrepareJob(DOMAIN, task, {}, dict(table.same_subject), key)
    shards = prepare(find_sources(root, DOMAIN).sources, job, cache=out / "cache", workers=1, report=Silent())
    return assemble(shards, out / "dataset", data=table, extra_aside=[])


@pytest.fixture
def dataset(tmp_path: Path) -> Callable[..., Dataset]:
    """Return ``dataset(example, task)``: a toy example, prepared; ``write`` may make the files instead."""

    made_so_far: list[Dataset] = []

    def made(task: str, example: str = "", write: Callable[[Path], None] | None = None, **data: Any) -> Dataset:
        out = tmp_path / f"{task}-{len(made_so_far)}"
        root = out / "exports"
        if write is None:
            load_part(DOMAIN, "examples", example)(root, 0, small=False)
        else:
            write(root)
        made_so_far.append(prepared_from(root, out / "run", task, **data))
        return made_so_far[-1]

    return made
