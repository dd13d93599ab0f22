"""WFDB records whose samples are FLAC streams; what is expected comes from the wfdb package, which writes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import wfdb

from auscult.base.errors import ReadError
from auscult.domains.signals.readers import wfdb_flac
from auscult.domains.signals.readers.wfdb import WfdbReader

from .wfdb_by_hand import assert_equal, read


def _write(folder: Path, code: int = 516, *, frames: int = 500) -> Path:
    values = np.random.default_rng(1).normal(size=(frames, 2))
    wfdb.wrsamp(
        "r", fs=360, units=["mV"] * 2, sig_name=["MLII", "V1"], p_signal=values, fmt=[str(code)] * 2,
        write_dir=str(folder),
    )  # fmt: skip
    return folder / "r"


def _edit(folder: Path, old: str, new: str) -> None:
    path = folder / "r.hea"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def _refused(folder: Path, match: str) -> None:
    (source,) = WfdbReader().detect(sorted(folder.iterdir()))
    with pytest.raises(ReadError, match=match):
        list(WfdbReader().read(source))


def test_several_samples_a_frame_are_averaged_as_wfdb_does(tmp_path: Path) -> None:
    _write(tmp_path)
    for channel in (" 516 ", " 516 "):
        assert channel in (tmp_path / "r.hea").read_text()
    _edit(tmp_path, " 516 ", " 516x2 ")
    _edit(tmp_path, "r 2 360 500", "r 2 180 250")
    assert_equal(read(tmp_path), tmp_path / "r")


def test_length_is_taken_from_the_stream(tmp_path: Path) -> None:
    _write(tmp_path)
    _edit(tmp_path, "r 2 360 500", "r 2 360")
    assert len(read(tmp_path).ragged("ecg")[0]) == 500


def test_a_longer_header_is_refused(tmp_path: Path) -> None:
    _write(tmp_path)
    _edit(tmp_path, "r 2 360 500", "r 2 360 501")
    _refused(tmp_path, r"r\.dat .*: expected 501 samples of each signal, got 500; copy it again")


def test_other_channels_or_bits_are_refused(tmp_path: Path) -> None:
    _write(tmp_path, 524)
    _edit(tmp_path, " 524 ", " 516 ")
    _refused(tmp_path, "expected a FLAC stream of 2 channels with at most 16 bits, got FLAC of 2 with 24")
    soundfile.write(tmp_path / "r.dat", np.zeros((500, 3)), 360, format="FLAC")
    _refused(tmp_path, "expected a FLAC stream of 2 channels with at most 16 bits, got FLAC of 3")


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xd8\xff\xe0" * 40, b"fLaC" + b"\0" * 60], ids=["empty", "jpeg", "head"]
)
def test_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    _write(tmp_path)
    (tmp_path / "r.dat").write_bytes(content)
    _refused(tmp_path, r"r\.dat .*: expected a FLAC stream, got something else or a damaged one; copy it again")


def test_a_cut_stream_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path, frames=100_000).with_suffix(".dat")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    _refused(tmp_path, r"r\.dat .*: expected .*(copy it again|cut off)")


def test_a_changed_sample_fails_the_checksum(tmp_path: Path) -> None:
    path = _write(tmp_path).with_suffix(".dat")
    values, rate = soundfile.read(path, dtype="int16")
    values[3, 0] ^= 1
    soundfile.write(path, values, rate, format="FLAC", subtype="PCM_16")
    _refused(tmp_path, "expected checksum")


def test_a_flat_line_too_long_for_its_bytes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tmp_path)
    monkeypatch.setattr(wfdb_flac, "_FREE_SAMPLES", 10)
    monkeypatch.setattr(wfdb_flac, "_PER_BYTE", 0)
    _refused(tmp_path, "expected a file that fits its 500 samples, got a far smaller one")


def test_a_byte_offset_or_two_rates_are_refused(tmp_path: Path) -> None:
    _write(tmp_path)
    _edit(tmp_path, " 516 ", " 516+8 ")
    _refused(tmp_path, "expected no byte offset in a FLAC file, got 8")
    _edit(tmp_path, " 516+8 ", " 516 ")
    path = tmp_path / "r.hea"
    path.write_text(path.read_text().replace(" 516 ", " 516x2 ", 1))
    _refused(tmp_path, r"expected one number of samples a frame in a FLAC file, got \[1, 2\]")
