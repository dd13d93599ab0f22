"""CSV with a sidecar: values by hand, damaged and inconsistent input in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auscult.base.contracts import RecordBatch
from auscult.base.errors import ReadError, UnitError
from auscult.domains.signals.readers.csv_sidecar import CsvSidecarReader

SPEC: dict[str, Any] = {
    "rate_hz": 250,
    "columns": {"II": {"quantity": "voltage", "unit": "uV"}, "ABP": {"quantity": "pressure", "unit": "kPa"}},
    "subject": "S9",
    "groups": {"sex": "F", "site": "north"},
}
MIXED = "II;ABP\n1,5;2,5\n1,5;2.5\n"
TABLE = "t,II,ABP\n0.0,1000,10\n0.1,-500,12\n0.2,,11.5\n"


def write(folder: Path, table: str | bytes = TABLE, **changes: Any) -> Path:
    path = folder / "a.csv"
    path.write_bytes(table if isinstance(table, bytes) else table.encode())
    spec = {k: v for k, v in {**SPEC, **changes}.items() if v is not None}
    (folder / "a.csv.json").write_text(json.dumps(spec))
    return path


def read(folder: Path) -> RecordBatch:
    reader = CsvSidecarReader()
    (source,) = reader.detect(sorted(folder.iterdir()))
    (batch,) = reader.read(source)
    assert isinstance(batch, RecordBatch)
    return batch


def test_values(tmp_path: Path) -> None:
    write(tmp_path)
    batch = read(tmp_path)
    assert [(f.name, f.unit, f.rate_hz, f.channels, f.missing) for f in batch.fields] == [
        ("ecg", "mV", 250.0, ("II",), True),
        ("abp", "mmHg", 250.0, ("ABP",), False),
    ]
    np.testing.assert_allclose(batch.ragged("ecg")[0][:, 0], [1.0, -0.5, np.nan])  # by hand: 1000 uV = 1 mV
    np.testing.assert_allclose(batch.ragged("abp")[0][:, 0], np.array([10, 12, 11.5]) * 7.500615758, rtol=1e-6)
    assert batch.record.tolist() == ["a"]
    assert batch.subject is not None
    assert batch.subject.tolist() == ["S9"]
    assert {k: v.tolist() for k, v in batch.groups.items()} == {"sex": ["F"], "site": ["north"]}


@pytest.mark.parametrize(
    ("table", "changes"),
    [
        ("II;x;ABP\n1000,0;;1,5\n-500;;2\n", {"decimal": ",", "separator": ";"}),
        (
            '"II";"x";"ABP"\r\n"1000,0";"a;b";"1,5"\r\n"-500";"";"2"\r\n\r\n',
            {"decimal": ",", "separator": ";"},
        ),
        ("\ufeffII\tx\tABP\n1e3\t\t1.5\n-5e2\t\t2\n", {"separator": "\t"}),
        ("II,ABP\n 1000 , 1.5\n-500,2", {}),
    ],
)
def test_ways_to_write_it(tmp_path: Path, table: str, changes: dict[str, str]) -> None:
    write(tmp_path, table, subject=None, groups=None, **changes)
    batch = read(tmp_path)
    np.testing.assert_allclose(batch.ragged("ecg")[0][:, 0], [1.0, -0.5])
    np.testing.assert_allclose(batch.ragged("abp")[0][:, 0], np.array([1.5, 2]) * 7.500615758, rtol=1e-6)
    assert batch.subject is None
    assert dict(batch.groups) == {}


@pytest.mark.parametrize(
    ("table", "changes", "words"),
    [
        (
            TABLE.replace("-500", "-500,3"),
            {},
            r"a.csv: expected 3 cells in every line .* got 4 in line 3 \(1 such line\)",
        ),
        ("t,II,ABP\n0,1,2\n0,1\n0\n", {}, r"got 2 in line 3 \(2 such lines\); is the separator ',' right"),
        (
            TABLE.replace("12", "high"),
            {},
            r"column 'ABP': expected numbers, got text in 1 cell, the first in line 3$",
        ),
        (
            TABLE.replace("10\n", "inf\n"),
            {},
            r"'ABP': expected numbers, got text in 1 cell, the first in line 2",
        ),
        (
            MIXED,
            {"separator": ";"},
            r"'II': expected numbers, got text in 2 cells.* 2 use ',' .* the sidecar says '.'",
        ),
        (
            MIXED,
            {"separator": ";", "decimal": ","},
            r"'ABP': .* 1 cell, .* line 3; 1 use '.' as decimal mark",
        ),
        ("a,II\n1,2\n3,4\n", {}, r"unknown column 'ABP' in a.csv.json.*Known: II, a"),
        ("II,ABP\n1,2\n", {}, r"expected a header and at least 2 lines of numbers, got 2 lines"),
        ("II,ABP\n", {}, r"expected a header and at least 2 lines of numbers, got 1 line"),
        ("", {}, r"a.csv: expected a table as text, got empty file"),
        (b"\xff\xd8\xff\xe0\0\0", {}, r"a.csv: expected a table as text, got JPEG"),
        ("II,II,ABP\n1,2,3\n1,2,3\n", {}, r"a.csv: expected each column once, got 'II' 2 times"),
        (
            b"II,ABP\n1,2\n\xe9,3\n",
            {},
            r"a.csv: expected a CSV table in UTF-8, got one that cannot be parsed",
        ),
        (TABLE, {"rate_hz": 0}, r"a.csv.json: rate_hz: Input should be greater than 0; write for example"),
        (TABLE, {"rate_hz": None}, r"a.csv.json: rate_hz: Field required"),
        (TABLE, {"columns": {"II": {"quantity": "ecg"}}}, r"a.csv.json: columns.II.unit: Field required"),
        (TABLE, {"columns": {}}, r"a.csv.json: columns: Dictionary should have at least 1 item"),
        (TABLE, {"colour": 1}, r"a.csv.json: colour: Extra inputs are not permitted"),
        (TABLE, {"groups": {"sex": "Sabine"}}, r"groups.sex: Input should be 'F', 'M' or 'unknown'"),
        (TABLE, {"decimal": ","}, r"expected a separator that is not the decimal mark ','"),
    ],
)
def test_errors(tmp_path: Path, table: str | bytes, changes: dict[str, Any], words: str) -> None:
    write(tmp_path, table, **changes)
    with pytest.raises(ReadError, match=words) as caught:
        read(tmp_path)
    assert "Sabine" not in str(caught.value)
    assert "high" not in str(caught.value)


@pytest.mark.parametrize(("quantity", "unit"), [("ecg", "mmHg"), ("ecg", "furlong"), ("abp", "mV"), ("ppg", "mV")])
def test_unit_errors(tmp_path: Path, quantity: str, unit: str) -> None:
    write(tmp_path, columns={"II": {"quantity": quantity, "unit": unit}})
    with pytest.raises(UnitError, match=r"a.csv, column 'II'"):
        read(tmp_path)


def test_missing_sidecar(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x;y\n1,5;2\n2,5;3\n")
    with pytest.raises(
        ReadError, match=r"a.csv: expected a sidecar a.csv.json that says rate and units, .*\"rate_hz\": 250"
    ):
        read(tmp_path)


def test_missing_table(tmp_path: Path) -> None:
    write(tmp_path).unlink()
    with pytest.raises(ReadError, match=r"a.csv.json: expected the table a.csv beside it, got none"):
        read(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff\xd8\xff", b"7"])
def test_broken_sidecar(tmp_path: Path, content: bytes) -> None:
    write(tmp_path)
    (tmp_path / "a.csv.json").write_bytes(content)
    with pytest.raises(ReadError, match=r"a.csv.json: "):
        read(tmp_path)


def test_leaves_other_tables_alone(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("id,name\n1,x\n")
    (tmp_path / "cgm.csv").write_text("time,glucose\n1,100\n2,101\n")
    (tmp_path / "b.txt").write_text("1,2\n3,4\n")
    (tmp_path / "c.csv").write_bytes(b"\x89PNG\0")
    assert list(CsvSidecarReader().detect(sorted(tmp_path.iterdir()))) == []


def test_survives_damage(tmp_path: Path, survives: Callable[..., int]) -> None:
    rng = np.random.default_rng(1)
    write(tmp_path, "II,ABP\n" + "".join(f"{a:.3f},{b:.2f}\n" for a, b in rng.normal(size=(300, 2))))
    assert survives(CsvSidecarReader(), tmp_path, ["a.csv", "a.csv.json"], 300) > 10
