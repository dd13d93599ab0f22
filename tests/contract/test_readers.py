"""What every registered reader must do: tell its format by content, and refuse what is not."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from auscult.base.arrays import Ragged
from auscult.base.contracts import Domain, RecordBatch, SetAside, Source
from auscult.engine.sources import find_sources, read_source
from toys.battery import domains, example_folder, parts

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + bytes(range(256)) * 8 + b"\xff\xd9"
NAMES = "toy dat hea atr edf bdf xml dcm csv tsv txt json xlsx npy nii gz png jpg ecg sdf smi parquet"
SUFFIXES = [f".{name}" for name in NAMES.split()]
READERS = parts("readers")
every_reader = pytest.mark.parametrize(("domain", "reader"), READERS, ids=["-".join(r) for r in READERS])


def _example_sources(domain: str, reader: str) -> list[tuple[Path, Source]]:
    declared = domains()[domain]
    return [
        (example_folder(domain, example, True), source)
        for example in declared.examples
        for source in find_sources(example_folder(domain, example, True), declared).sources
        if source.reader == reader
    ]


def _reasons(folder: Path, domain: Domain, reader: str) -> list[str]:
    found = find_sources(folder, domain, readers=[reader])
    reasons = []
    for source in found.sources:
        for part in read_source(source, domain):
            assert isinstance(part, SetAside), f"{reader}: read a JPEG as a record"
            reasons.append(part.reason)
    return reasons


@every_reader
@pytest.mark.parametrize("content", [JPEG, b"", b"\n", b"\x00" * 4096], ids=["jpeg", "empty", "line", "zeros"])
def test_something_else_with_its_extension_is_refused_in_words(
    domain: str, reader: str, content: bytes, tmp_path: Path
) -> None:
    """Either nobody claims the file, and the engine says so, or the reader says what it expected."""
    for k, suffix in enumerate(SUFFIXES):
        (tmp_path / f"photo{k}{suffix}").write_bytes(content)
    for reason in _reasons(tmp_path, domains()[domain], reader):
        assert "expected" in reason, reason
        assert "photo" in reason, reason


@every_reader
def test_reads_its_example(domain: str, reader: str) -> None:
    sources = _example_sources(domain, reader)
    if not sources:
        pytest.skip("no example of this domain is written in this format; its own tests read it")
    for _, source in sources:
        read = list(read_source(source, domains()[domain]))
        batches = [part for part in read if isinstance(part, RecordBatch)]
        assert batches, [p.reason for p in read if isinstance(p, SetAside)]
        for batch in batches:
            _check_batch(batch)


def _check_batch(batch: RecordBatch) -> None:
    assert len(batch) > 0
    assert len(set(batch.record.tolist())) == len(batch)
    for field in batch.fields:
        column = batch.columns[field.name]
        values = column.values if isinstance(column, Ragged) else column
        assert isinstance(column, Ragged) == field.ragged, field.name
        if field.kind == "array":
            assert field.axes, f"{field.name}: an array needs letters for its axes"
            assert field.missing or np.isfinite(values).all(), f"{field.name}: NaN without being declared"
            assert column[0].ndim == len(field.axes), field.name
        if "T" in field.axes and field.kind == "array":
            assert field.unit, f"{field.name}: a signal needs a unit"


@every_reader
def test_detects_by_content_not_by_name(domain: str, reader: str, tmp_path: Path) -> None:
    single = [s for _, s in _example_sources(domain, reader) if len(s.files) == 1]
    if not single:
        pytest.skip("no example of this domain has a source of one file in this format")
    shutil.copy(single[0].files[0], tmp_path / "export.bin")
    found = find_sources(tmp_path, domains()[domain], readers=[reader])
    assert [f.name for s in found.sources for f in s.files] == ["export.bin"]


@every_reader
def test_a_cut_file_is_read_in_part_or_refused_in_words(domain: str, reader: str, tmp_path: Path) -> None:
    """A transfer that broke off: nothing but a batch or a reason may come out."""
    for root, source in _example_sources(domain, reader)[:2]:
        for path in source.files:
            target = tmp_path / path.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            content = path.read_bytes()
            target.write_bytes(content[: len(content) * 2 // 3])
    if not any(tmp_path.iterdir()):
        pytest.skip("no example of this domain is written in this format; its own tests read it")
    for source in find_sources(tmp_path, domains()[domain], readers=[reader]).sources:
        for part in read_source(source, domains()[domain]):
            assert isinstance(part, RecordBatch) or len(part.reason) > 10
