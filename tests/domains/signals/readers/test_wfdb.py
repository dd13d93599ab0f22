"""WFDB against the wfdb package (4.x) as reference, hand-packed formats, and real records."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
import wfdb

from auscult.base.contracts import RecordBatch
from auscult.domains.signals.readers.wfdb import WfdbReader
from auscult.domains.signals.readers.wfdb_annotations import BEATS, read_annotations
from auscult.domains.signals.readers.wfdb_formats import bytes_needed, samples_in, unpack

from .wfdb_by_hand import BITS, SYMBOLS, assert_equal, pack, read, signal, write


@pytest.mark.parametrize("code", sorted(BITS))
@pytest.mark.parametrize("length", [30, 31, 32])
def test_format_equals_wfdb(tmp_path: Path, code: int, length: int) -> None:
    for leads in (("II",), ("II", "V5"), ("I", "II", "III")):
        path = write(tmp_path, "a", signal(code, (length, len(leads))), code=code, names=leads)
        batch = read(tmp_path)
        assert_equal(batch, path)
        assert batch.field("ecg").missing == (code != 8)


@pytest.mark.parametrize("code", sorted(BITS))
def test_format_keeps_every_value(code: int) -> None:
    # By hand: the packing in this file is written from signal(5), not from the reader.
    flat = signal(code, (41, 1))[:, 0]
    if code == 8:
        flat = np.diff(flat, prepend=0)
    for count in range(1, 41):
        raw = np.frombuffer(pack(flat[:count], code), dtype=np.uint8)
        np.testing.assert_array_equal(unpack(raw, code, count), flat[:count])
        needed = bytes_needed(code, count, where="a")
        np.testing.assert_array_equal(unpack(raw[:needed], code, count), flat[:count])
        for size in (needed - 1, needed):
            fits = [n for n in range(60) if bytes_needed(code, n, where="a") <= size]
            assert samples_in(code, size, where="a") == max(fits)


@pytest.mark.parametrize("code", ["16", "24", "32", "80", "212", "508", "516", "524"])
def test_written_by_wfdb(tmp_path: Path, code: str) -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(500, 2))
    values[10:20, 1] = np.nan
    wfdb.wrsamp(
        "r",
        fs=360,
        units=["mV", "mV"],
        sig_name=["MLII", "V1"],
        p_signal=values,
        fmt=[code] * 2,
        write_dir=str(tmp_path),
    )
    batch = read(tmp_path)
    assert_equal(batch, tmp_path / "r")
    assert np.isnan(batch.ragged("ecg")[0]).sum() == 10


def test_units_come_home(tmp_path: Path) -> None:
    digital = signal(16, (20, 2))
    digital[5, 0] = 3
    write(tmp_path, "a", digital, gain="0.5(100)/uV")
    batch = read(tmp_path)
    assert batch.field("ecg").unit == "mV"
    expected = ((digital - 100) / 0.5 * 1e-3).astype(np.float32)  # by hand: 1 uV = 0.001 mV
    np.testing.assert_allclose(batch.ragged("ecg")[0], expected, rtol=1e-6)


def test_gain_zero_is_200_and_unit_is_mv(tmp_path: Path) -> None:
    path = write(tmp_path, "a", signal(16, (20, 2)), gain="0")
    assert_equal(read(tmp_path), path)


@pytest.mark.parametrize("frame", [(1, 4), (3, 2), (2, 2)])
def test_frames_are_averaged_as_wfdb_does(tmp_path: Path, frame: tuple[int, int]) -> None:
    digital = np.abs(signal(16, (40, sum(frame)))) - 16000
    path = write(tmp_path, "a", digital, frame=frame)
    assert_equal(read(tmp_path), path)


def test_frame_with_an_invalid_sample_is_nan(tmp_path: Path) -> None:
    # Differs from wfdb on purpose: it averages the invalid code -32768 into the frame.
    digital = np.full((4, 3), 100)
    digital[2, 1] = -32768
    write(tmp_path, "a", digital, frame=(1, 2))
    values = read(tmp_path).ragged("ecg")[0]
    assert np.isnan(values[2, 1])
    assert np.isfinite(np.delete(values.reshape(-1), 5)).all()


def test_skew_and_byte_offset(tmp_path: Path) -> None:
    path = write(tmp_path, "a", signal(212, (50, 2)), code=212, skew=(0, 3), offset=24, checksum=False)
    assert_equal(read(tmp_path), path)


def test_several_signal_files(tmp_path: Path) -> None:
    digital = signal(16, (30, 3))
    np.ascontiguousarray(digital[:, :1]).astype("<i2").tofile(tmp_path / "one.dat")
    np.ascontiguousarray(digital[:, 1:]).astype(">i2").tofile(tmp_path / "two.dat")
    (tmp_path / "a.hea").write_text(
        "a 3 500 30\none.dat 16 200/mV 16 0 0 0 0 I\ntwo.dat 61 100/mV 16 5 0 0 0 II\ntwo.dat 61 100/mV 16 0 0 0 0 V2\n"
    )
    assert_equal(read(tmp_path), tmp_path / "a")


def test_length_is_inferred(tmp_path: Path) -> None:
    path = write(tmp_path, "a", signal(212, (33, 2)), code=212)
    text = (tmp_path / "a.hea").read_text().replace("a 2 250 33", "a 2")
    (tmp_path / "a.hea").write_text(text)
    batch = read(tmp_path)
    assert batch.field("ecg").rate_hz == 250  # the default of header(5)
    assert_equal(batch, path)


def test_other_waveforms(tmp_path: Path) -> None:
    digital = signal(16, (30, 4))
    digital[5, 0] = 0
    (tmp_path / "a.dat").write_bytes(pack(digital.reshape(-1), 16))
    (tmp_path / "a.hea").write_text(
        "a 4 125 30\na.dat 16 200/mV 16 0 0 0 0 ii\na.dat 16 10(-500)/mmHg 16 0 0 0 0 ABP\n"
        "a.dat 16 1000/NU 16 0 0 0 0 PLETH\na.dat 16 500/Ohm 16 0 0 0 0 RESP\n"
    )
    batch = read(tmp_path)
    assert [(f.name, f.unit, f.channels) for f in batch.fields] == [
        ("ecg", "mV", ("II",)),
        ("abp", "mmHg", ("ABP",)),
        ("ppg", "1", ("PLETH",)),
    ]
    np.testing.assert_allclose(batch.ragged("abp")[0][:, 0], (digital[:, 1] + 500) / 10, rtol=1e-6)


@pytest.mark.parametrize("layout", ["fixed", "variable"])
def test_segments(tmp_path: Path, layout: str) -> None:
    write(tmp_path, "s1", signal(16, (20, 2)), gain="100/mV")
    leads = ("II", "V5") if layout == "fixed" else ("V5",)
    write(tmp_path, "s2", signal(16, (30, len(leads)), seed=9), names=leads)
    if layout == "fixed":
        text = "m/2 2 250 50\ns1 20\ns2 30\n"
    else:
        (tmp_path / "m_layout.hea").write_text("m_layout 2 250 0\n~ 0 1/mV 0 0 0 0 0 II\n~ 0 1/mV 0 0 0 0 0 V5\n")
        text = "m/4 2 250 57\nm_layout 0\ns1 20\n~ 7\ns2 30\n"
    (tmp_path / "m.hea").write_text(text)
    assert [s.name for s in WfdbReader().detect(sorted(tmp_path.iterdir()))] == ["m"]
    assert_equal(read(tmp_path), tmp_path / "m")


@pytest.mark.parametrize(
    ("comment", "sex", "band"),
    [
        ("# 69 M 1085 1629 x1\n", "M", "65+"),
        ("#<age>: 17  <sex>: F  <diagnoses> (none)\n", "F", "0-17"),
        ("# Age: 40\n# Sex: female\n", "F", "40-64"),
        ("# -1 F\n", "F", "unknown"),
        ("# Aldomet, Inderal\n", "unknown", "unknown"),
    ],
)
def test_groups(tmp_path: Path, comment: str, sex: str, band: str) -> None:
    write(tmp_path, "a", signal(16, (20, 2)), comments=comment)
    batch = read(tmp_path)
    assert {k: v.tolist() for k, v in batch.groups.items()} == {"sex": [sex], "age_band": [band]}
    assert batch.subject is not None
    assert batch.subject.tolist() == batch.record.tolist() == ["a"]


def test_annotations_equal_wfdb(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    count = 4000
    steps = rng.integers(1, 900, size=count)
    steps[::50] = rng.integers(1024, 90000, size=len(steps[::50]))  # more than 10 bits: a SKIP
    position = np.cumsum(steps)
    symbols = rng.choice(list(SYMBOLS + '+~|s"x!'), size=count).tolist()
    notes = [("(AFIB" if s == "+" else "odd" if s == '"' else "") for s in symbols]
    wfdb.wrann(
        "a",
        "atr",
        position,
        symbol=symbols,
        aux_note=notes,
        write_dir=str(tmp_path),
        subtype=rng.integers(-2, 3, size=count),
        chan=rng.integers(0, 3, size=count),
        num=rng.integers(0, 3, size=count),
    )
    write(tmp_path, "a", np.zeros((int(position[-1]) + 1, 1), dtype=np.int64), names=("II",))
    reference = wfdb.rdann(str(tmp_path / "a"), "atr")
    got, code, rate_hz = read_annotations((tmp_path / "a.atr").read_bytes(), "a.atr")
    np.testing.assert_array_equal(got, reference.sample)
    beat = np.isin(reference.symbol, list(SYMBOLS))
    batch = read(tmp_path)
    np.testing.assert_array_equal(batch.ragged("beat_position")[0], reference.sample[beat])
    assert bytes(batch.ragged("beat_symbol")[0]).decode() == "".join(np.array(reference.symbol)[beat])
    assert rate_hz is None
    assert len(code) == count
    assert set(BEATS.values()) == set(SYMBOLS)


def test_annotation_words_that_look_like_skip_inside_a_note(tmp_path: Path) -> None:
    # By hand: N at 10; a note of 8 bytes whose words are 0xEC00 (SKIP) and 0; V 5 later; end.
    words = [
        1 << 10 | 10,
        22 << 10 | 1,
        63 << 10 | 7,
        0xEC00,
        0x0000,
        0xEC00,
        0x0000,
        5 << 10 | 5,
        59 << 10,
        0xFFFF,
        0xFFFE,
        8 << 10 | 9,
        0,
    ]
    position, code, _ = read_annotations(np.array(words, dtype="<u2").tobytes(), "a.atr")
    assert position.tolist() == [10, 11, 16, 23]  # the last: a SKIP of -2, then 9
    assert code.tolist() == [1, 22, 5, 8]


def test_no_annotations_no_columns(tmp_path: Path) -> None:
    write(tmp_path, "a", signal(16, (20, 2)))
    assert [f.name for f in read(tmp_path).fields] == ["ecg"]


def test_mitdb_equals_wfdb() -> None:
    root = os.environ.get("AUSCULT_DATA")
    folder = Path(root or ".") / "signals" / "mitdb"
    if not root or not folder.is_dir():
        pytest.skip("AUSCULT_DATA does not name a folder with signals/mitdb")
    reader = WfdbReader()
    sources = list(reader.detect(sorted(folder.iterdir())))
    assert len(sources) == 48
    spent = []
    for source in sources:
        start = time.process_time()
        (batch,) = reader.read(source)
        spent.append(time.process_time() - start)
        assert isinstance(batch, RecordBatch)
        assert_equal(batch, folder / source.name)
        reference = wfdb.rdann(str(folder / source.name), "atr")
        beat = np.isin(reference.symbol, list(SYMBOLS))
        np.testing.assert_array_equal(batch.ragged("beat_position")[0], reference.sample[beat])
        assert bytes(batch.ragged("beat_symbol")[0]).decode() == "".join(np.array(reference.symbol)[beat])
    assert np.median(spent) < 0.06  # seconds of processor time a record of 650,000 x 2
