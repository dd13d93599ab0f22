"""Record batches on disk come back as they were."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from auscult.base.arrays import Ragged
from auscult.base.contracts import Field, RecordBatch
from auscult.base.errors import ShapeError
from auscult.engine.columns import BatchWriter, NpyAppender, read_batch, read_names, record_hashes

FIELDS = (
    Field("wave", "array", "TC", "mV", rate_hz=250.0, channels=("I", "II"), ragged=True),
    Field("volume", "array", "HW", spacing_mm=(1.0, 0.5), ragged=True),
    Field("age", "scalar", unit="year", missing=True),
    Field("note", "text"),
)


def _batch(first: int, n: int, *, subject: bool = True) -> RecordBatch:
    rng = np.random.default_rng(first)
    rows = range(first, first + n)
    columns = {
        "wave": Ragged.of([rng.normal(size=(k + 2, 2)).astype(np.float32) for k in rows]),
        "volume": Ragged.of([rng.integers(0, 9, (k + 1, 3), dtype=np.int16) for k in rows], ragged_axes=2),
        "age": np.array([np.nan if k == 0 else k for k in rows], dtype=np.float32),
        "note": np.array([f"text {k} äµ" for k in rows]),
    }
    names = np.array([f"r{k}" for k in rows])
    return RecordBatch(FIELDS, columns, names, names if subject else None, {"site": np.array(["n"] * n)})


def _written(folder: Path, *batches: RecordBatch) -> RecordBatch:
    writer = BatchWriter(folder)
    for batch in batches:
        writer.append(batch)
    assert writer.close() == sum(map(len, batches))
    return read_batch(folder)


def test_batches_come_back(tmp_path: Path) -> None:
    parts = [_batch(0, 2), _batch(2, 3)]
    whole, back = RecordBatch.concat(parts), _written(tmp_path, *parts)
    assert back.fields == whole.fields
    assert back.record.tolist() == whole.record.tolist()
    assert back.subject is not None
    assert back.groups["site"].tolist() == ["n"] * 5
    for name in ("wave", "volume"):
        for a, b in zip(back.ragged(name), whole.ragged(name), strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(back.dense("age"), whole.dense("age"))
    assert back.dense("note").tolist() == whole.dense("note").tolist()
    assert list(read_names(tmp_path, "record")) == whole.record.tolist()


def test_numbers_are_mapped_not_read(tmp_path: Path) -> None:
    back = _written(tmp_path, _batch(0, 2))
    assert isinstance(back.ragged("wave").values, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        back.ragged("wave").values[0] = 1


def test_a_record_has_one_hash_wherever_it_stands() -> None:
    batch = _batch(0, 3)
    hashes = record_hashes(batch)
    assert len(set(hashes)) == 3
    assert record_hashes(batch.take(np.array([2, 0]))) == [hashes[2], hashes[0]]
    renamed = replace(batch, record=np.array(["x", "y", "z"]), subject=None)
    assert record_hashes(renamed) == hashes
    other = batch.with_columns({replace(FIELDS[2], unit="month"): batch.columns["age"]})
    assert not set(record_hashes(other)) & set(hashes)


def test_other_fields_are_refused(tmp_path: Path) -> None:
    writer = BatchWriter(tmp_path)
    writer.append(_batch(0, 1))
    other = _batch(1, 1)
    with pytest.raises(ShapeError, match=r"prepared records: expected the fields .* with the same rate and leads"):
        writer.append(other.with_columns({replace(FIELDS[0], rate_hz=500.0): other.columns["wave"]}))


def test_subjects_of_some_records_only_are_refused(tmp_path: Path) -> None:
    writer = BatchWriter(tmp_path)
    writer.append(_batch(0, 1))
    writer.append(_batch(1, 1, subject=False))
    with pytest.raises(ShapeError, match="some name their subject and others do not"):
        writer.close()


def test_npy_pieces_are_one_file_that_numpy_reads(tmp_path: Path) -> None:
    appender = NpyAppender(tmp_path / "x.npy")
    for piece in (np.zeros((0, 3), np.int16), np.ones((2, 3), np.int16), np.full((1, 3), 7, np.int16)):
        appender.append(piece)
    appender.close()
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), [[1] * 3, [1] * 3, [7] * 3])
    assert np.load(tmp_path / "x.npy", mmap_mode="r").dtype == np.int16
    with pytest.raises(ShapeError, match=r"x: expected pieces of int16 \(3,\), got float64 \(3,\)"):
        appender.append(np.zeros((1, 3)))
    NpyAppender(tmp_path / "never.npy").close()
    assert not (tmp_path / "never.npy").exists()


def test_texts_take_their_own_room_and_an_absent_column_is_no_name(tmp_path: Path) -> None:
    """One long text among short ones: the column holds variable strings, not N times the longest."""
    texts = np.array(["short", "long " * 200_000, ""], dtype=np.dtypes.StringDType())
    batch = RecordBatch((Field("text", "text"),), {"text": texts}, np.array(["a", "b", "c"]))
    writer = BatchWriter(tmp_path)
    writer.append(batch)
    writer.close()
    column = read_batch(tmp_path).dense("text")
    assert column.dtype == np.dtypes.StringDType()
    assert column.tolist() == texts.tolist()
    with pytest.raises(KeyError):
        list(read_names(tmp_path, "subject"))
