"""WFDB records that are incomplete, damaged or inconsistent: what the reader says, and that it survives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import wfdb

from auscult.base.contracts import Source
from auscult.base.errors import ReadError, UnitError
from auscult.domains.signals.readers.wfdb import WfdbReader

from .wfdb_by_hand import read, signal, write


def test_segment_errors(tmp_path: Path) -> None:
    write(tmp_path, "s1", signal(16, (20, 2)))
    master = tmp_path / "m.hea"
    for text, words in [
        ("m/2 2 250 50\ns1 20\ns2 30\n", r"m.hea: expected the segment header s2.hea beside it, got none"),
        ("m/1 2 250 19\ns1 19\n", r"s1.hea: expected 19 samples by m.hea, got 20"),
        ("m/1 2 250 21\ns1 20\n", r"m.hea: expected 21 samples in all segments, got 20"),
        ("m/1 2 500 20\ns1 20\n", r"s1.hea: expected 500 Hz as in m.hea, got 250 Hz"),
        (
            "m/2 2 250\ns1 20\n~ 999999999999\n",
            r"999999999999 of 1000000000019 samples are gaps; split the record",
        ),
        ("m/3 2 250 20\ns1 20\n", r"m.hea: expected 3 segment lines, got 1; is it cut off"),
    ]:
        master.write_text(text)
        with pytest.raises(ReadError, match=words):
            read(tmp_path, "m")


def test_annotator_order_and_resolution(tmp_path: Path) -> None:
    write(tmp_path, "a", signal(16, (2000, 2)))
    for ending, place in [("qrs", 500), ("atr", 700)]:
        wfdb.wrann("a", ending, np.array([place]), symbol=["N"], write_dir=str(tmp_path))
    assert read(tmp_path).ragged("beat_position")[0].tolist() == [700]
    (tmp_path / "a.atr").unlink()
    assert read(tmp_path).ragged("beat_position")[0].tolist() == [500]
    wfdb.wrann("a", "atr", np.array([700]), symbol=["N"], write_dir=str(tmp_path), fs=1000)
    with pytest.raises(ReadError, match=r"a.atr: expected positions at 250 Hz as in a.hea, got 1000 Hz"):
        read(tmp_path)


def test_annotation_errors(tmp_path: Path) -> None:
    write(tmp_path, "a", signal(16, (300, 2)))
    wfdb.wrann("a", "atr", np.array([100, 700]), symbol=["N", "V"], write_dir=str(tmp_path))
    whole = (tmp_path / "a.atr").read_bytes()
    for data, words in [
        (whole, r"a.atr: expected beats within the 300 samples of the record, got one at 700"),
        (whole[:-1], r"expected annotations as pairs of bytes, got \d+ bytes; is it cut off"),
        (whole[:-2], r"expected the end mark of MIT annotations, got none"),
        (b"", r"expected annotations as pairs of bytes, got 0 bytes"),
        (
            np.array([1 << 10 | 9, 59 << 10, 0xFFFF, 0xFFF0, 1 << 10, 0], "<u2").tobytes(),
            r"got one that goes back",
        ),
    ]:
        (tmp_path / "a.atr").write_bytes(data)
        with pytest.raises(ReadError, match=words):
            read(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("a 2 250 20", "a 2 0 20", r"a.hea: expected a sampling rate above 0 Hz .* got 0 Hz"),
        ("a 2 250 20", "a 2 fast 20", r"expected the sampling rate in Hz as third word"),
        ("a 2 250 20", "a 3 250 20", r"expected 3 signal lines, got 2; is it cut off"),
        (
            "a 2 250 20",
            "a 2 250 999999999999",
            r"expected 3999999999996 bytes for 999999999999 samples of 2 signals, got 80",
        ),
        (
            "a 2 250 20",
            "a 2 250 21",
            r"a.dat \(named by a.hea\): expected 84 bytes for 21 samples of 2 signals, got 80 bytes",
        ),
        (
            "a 2 250 20",
            "a 2 250 19",
            r"expected checksum \d+ of signal 'II' by its header, got \d+; the file is damaged",
        ),
        (
            "16x1:0+0",
            "17x1:0+0",
            r"unknown WFDB storage format '17' in a.dat .*Known: 16, 160.*Write the record in one",
        ),
        ("16x1:0+0", "x", r"signal line 1: expected a file name and a storage format such as 212"),
        ("200(11)/mV", "much", r"signal line 1: expected the gain as 'gain\(baseline\)/unit'"),
        ("200(11)/mV", "1e-30/mV", r"expected a gain between 1e-09 and 1e\+12"),
        (" II", " SCG", r"expected an ECG, ABP or PPG signal, got 2 signals of other or unknown kind"),
    ],
)
def test_header_errors(tmp_path: Path, old: str, new: str, words: str) -> None:
    write(tmp_path, "a", signal(16, (20, 2)), names=("II", "II"))
    text = (tmp_path / "a.hea").read_text()
    assert old in text
    (tmp_path / "a.hea").write_text(text.replace(old, new).replace(" 1\n", " 0\n"))
    with pytest.raises(ReadError, match=words):
        read(tmp_path)


def test_unknown_unit_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "a", signal(16, (20, 2)), gain="200/furlong")
    with pytest.raises(UnitError, match=r"unknown unit 'furlong' in a.hea, signal 'II'"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", r"a.hea: expected a WFDB header as text, got empty file"),
        (b"\xff\xd8\xff\xe0 something", r"a.hea: expected a WFDB header as text, got JPEG"),
        (b"# only a comment\n", r"a.hea: expected a record line"),
        (b"Dear colleague,\nplease find\n", r"a.hea: expected a WFDB record line 'name signals rate length'"),
        (
            b"a 1 250 1\na.dat 16 200 16 0 0 0 0 II\n",
            r"a.hea: expected a record of at least 2 samples, got 1",
        ),
        (b"a 0 250 100\n", r"a.hea: expected at least 1 signal lines, got 0"),
    ],
)
def test_wrong_content(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.hea").write_bytes(content)
    (tmp_path / "a.dat").write_bytes(b"\0\1\2\3" * 40)
    with pytest.raises(ReadError, match=words):
        read(tmp_path)


def test_missing_parts(tmp_path: Path) -> None:
    write(tmp_path, "a", signal(16, (20, 2)))
    whole = (tmp_path / "a.dat").read_bytes()
    (tmp_path / "a.dat").unlink()
    with pytest.raises(ReadError, match=r"a.hea: expected the signal file a.dat beside it, got none; copy it too"):
        read(tmp_path)
    (tmp_path / "a.dat").write_bytes(whole)
    (tmp_path / "a.hea").unlink()
    with pytest.raises(ReadError, match=r"a.dat: expected its header a.hea beside it, got none"):
        read(tmp_path)


def test_detects_by_folder_and_leaves_others_alone(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder, "a", signal(16, (20, 2)))
    (tmp_path / "x" / "notes.dat").write_text("1,2,3\n")
    (tmp_path / "x" / "RECORDS").write_text("a\n")
    sources = list(WfdbReader().detect(sorted(tmp_path.rglob("*.*"))))
    assert [(s.name, [f.name for f in s.files]) for s in sources] == [("a", ["a.hea", "a.dat"])] * 2
    assert isinstance(sources[0], Source)


def test_survives_damage(tmp_path: Path, survives: Callable[..., int]) -> None:
    path = write(tmp_path, "s1", signal(212, (200, 2)), code=212, comments="# 50 M\n")
    write(tmp_path, "s2", signal(310, (100, 2)), code=310)
    (tmp_path / "m.hea").write_text("m/3 2 250 307\ns1 200\n~ 7\ns2 100\n")
    wfdb.wrann("m", "atr", np.arange(5, 300, 7), symbol=["N"] * 43, write_dir=str(path.parent))
    names = ["m.hea", "s1.hea", "s1.dat", "s2.hea", "s2.dat", "m.atr"]
    assert survives(WfdbReader(), tmp_path, names, 300) > 10
