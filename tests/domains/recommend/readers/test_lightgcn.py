"""The text layout of LightGCN: parts by the names of the files, numbers only."""

from __future__ import annotations

from pathlib import Path

import pytest

from auscult.base.contracts import RecordBatch, SetAside
from auscult.base.errors import ReadError
from auscult.domains.recommend.readers.lightgcn import LightGcnReader


def _write(folder: Path, **files: str) -> list[Path]:
    for name, text in files.items():
        (folder / f"{name}.txt").write_text(text)
    return sorted(folder.iterdir())


def test_train_and_test_of_a_folder_are_one_source(tmp_path: Path) -> None:
    files = _write(tmp_path, train="0 5 7\n10 7\n2 1 2 3\n", test="0 9\n2 4 1\n", notes="not numbers")
    (source,) = LightGcnReader().detect(files)
    assert [f.name for f in source.files] == ["train.txt", "test.txt"]
    read = list(LightGcnReader().read(source))
    (batch,) = [p for p in read if isinstance(p, RecordBatch)]
    assert batch.record.tolist() == ["0", "2", "10"]
    assert [[i.decode() for i in items] for items in batch.ragged("item")] == [
        ["5", "7", "9"], ["1", "2", "3", "4"], ["7"],
    ]  # fmt: skip
    assert [p.tolist() for p in batch.ragged("part")] == [[0, 0, 2], [0, 0, 0, 2], [0]]
    assert [p.reason for p in read if isinstance(p, SetAside)] == [
        "train.txt: left out 1 of 9 interactions that repeat an item of the same user; the earliest was kept "
        "(the first in line 2)"
    ]


def test_a_file_alone_has_no_parts(tmp_path: Path) -> None:
    (source,) = LightGcnReader().detect(_write(tmp_path, request="3 1 4\n"))
    (batch,) = LightGcnReader().read(source)
    assert isinstance(batch, RecordBatch)
    assert not batch.has("part")


def test_something_else_further_down_is_refused(tmp_path: Path) -> None:
    (source,) = LightGcnReader().detect(_write(tmp_path, train="3 1 4\n5 6 seven\n"))
    with pytest.raises(ReadError, match=r"train\.txt: expected whole numbers and blanks, got something else"):
        list(LightGcnReader().read(source))
