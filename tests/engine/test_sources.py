"""Which reader reads which file, and that nothing is raised for a bad one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from auscult.base.contracts import RecordBatch, SetAside, Source
from auscult.base.errors import DataError, LimitError, ReadError
from auscult.engine.sources import find_sources, read_source, why_unclaimed
from toys import DOMAIN
from toys.examples import write_points
from toys.reader import ToyReader


def test_a_folder_is_sorted_into_sources_and_the_rest(tmp_path: Path) -> None:
    write_points(tmp_path / "ward", 0, small=False)
    (tmp_path / "photo.toy").write_bytes(b"\xff\xd8\xff\xe0")
    (tmp_path / ".hidden.toy").write_bytes(b"x")
    found = find_sources(tmp_path, DOMAIN)
    assert found.root == tmp_path
    assert [s.name for s in found.sources] == sorted(f"ward/device-{k}" for k in range(12))
    assert {s.reader for s in found.sources} == {"toy"}
    assert [p.name for p in found.unclaimed] == ["photo.toy"]


def test_one_file_and_a_pattern(tmp_path: Path) -> None:
    write_points(tmp_path, 0, small=False)
    one = find_sources(tmp_path / "device-1.toy", DOMAIN)
    assert [s.name for s in one.sources] == ["device-1"]
    assert one.unclaimed == ()
    assert len(find_sources(tmp_path, DOMAIN, include="device-1*.toy").sources) == 3  # 1, 10 and 11
    (tmp_path / "photo.toy").write_bytes(b"\xff\xd8\xff\xe0")
    assert [p.name for p in find_sources(tmp_path / "photo.toy", DOMAIN).unclaimed] == ["photo.toy"]


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a folder or file with device exports, got nothing at this path"):
        find_sources(tmp_path / "absent", DOMAIN)
    with pytest.raises(DataError, match="expected at least one file, got an empty folder"):
        find_sources(tmp_path, DOMAIN)


@pytest.mark.parametrize(
    ("name", "content", "end"),
    [
        ("a.csv", b"", "no reader knows this file, which is empty"),
        ("a.toy", b"\xef\xbb\xbf \r\n", "no reader knows this file, which is empty"),
        ("a.csv", b"Nr;Text\r\n\r\n", "no reader knows this file, a table without a row below its first line"),
        ("a.toy", b"Nr;Text\n", "no reader knows this file"),
        ("a.csv", b"Nr;Text\n1;2\n", "no reader knows this file"),
    ],
)
def test_a_file_that_holds_nothing_is_told_from_one_that_is_unknown(
    tmp_path: Path, name: str, content: bytes, end: str
) -> None:
    (tmp_path / name).write_bytes(content)
    assert why_unclaimed(tmp_path / name, DOMAIN) == f"{name}: expected a format of toy; {end}"


def _reads(monkeypatch: pytest.MonkeyPatch, error: Exception) -> list[RecordBatch | SetAside]:
    def read(self: ToyReader, source: Source) -> Iterator[RecordBatch]:
        raise error
        yield

    monkeypatch.setattr(ToyReader, "read", read)
    return list(read_source(Source("toy", "ward/a", (Path("ward/a.toy"),)), DOMAIN))


def test_an_error_of_the_reader_becomes_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    (part,) = _reads(monkeypatch, ReadError("a.toy: expected a header, got none"))
    assert part == SetAside("ward/a", "a.toy: expected a header, got none")


@pytest.mark.parametrize(
    "error", [ValueError("Mr Smith"), KeyError("Mr Smith"), OSError(5, "Mr Smith"), EOFError(), ZeroDivisionError()]
)
def test_a_reader_that_breaks_costs_its_file_and_tells_no_content(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    (part,) = _reads(monkeypatch, error)
    assert isinstance(part, SetAside)
    assert part.reason == f"a.toy: the toy reader failed ({type(error).__name__})"


def test_a_full_disk_is_no_bad_file(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LimitError):
        _reads(monkeypatch, LimitError("cannot write"))
