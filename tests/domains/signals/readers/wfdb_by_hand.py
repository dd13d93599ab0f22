"""WFDB records written by hand, for tests: packed from signal(5), apart from the reader."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import wfdb

from auscult.base.contracts import RecordBatch
from auscult.domains.signals.readers.wfdb import WfdbReader

Ints = npt.NDArray[np.int64]
BITS = {8: 8, 16: 16, 24: 24, 32: 32, 61: 16, 80: 8, 160: 16, 212: 12, 310: 10, 311: 10}
SYMBOLS = "NLRBAaJSVrFejnE/fQ?"


def pack(flat: Ints, code: int) -> bytes:
    """Pack samples bit by bit, as signal(5) describes each format; written apart from the reader."""
    if code in (16, 32):
        return flat.astype(f"<i{code // 8}").tobytes()
    if code == 61:
        return flat.astype(">i2").tobytes()
    if code == 8:
        return flat.astype("i1").tobytes()
    if code in (80, 160):
        return (flat + (128 if code == 80 else 32768)).astype(np.uint8 if code == 80 else "<u2").tobytes()
    if code == 24:
        return b"".join(int(v).to_bytes(3, "little", signed=True) for v in flat)
    per, bits = (2, 12) if code == 212 else (3, 10)
    out = bytearray()
    padded = [int(v) & ((1 << bits) - 1) for v in flat] + [0] * (-len(flat) % per)
    for i in range(0, len(padded), per):
        a, b, *rest = padded[i : i + per]
        if code == 212:
            out += bytes([a & 255, (a >> 8) | (b >> 8) << 4, b & 255])
        elif code == 310:
            c = rest[0]
            out += ((a << 1) | (c & 31) << 11).to_bytes(2, "little") + ((b << 1) | (c >> 5) << 11).to_bytes(2, "little")
        else:
            out += (a | b << 10 | rest[0] << 20).to_bytes(4, "little")
    return bytes(out)


def write(
    folder: Path,
    name: str,
    digital: Ints,
    *,
    code: int = 16,
    names: Sequence[str] = ("II", "V5"),
    gain: str = "200(11)/mV",
    rate: str = "250",
    frame: Sequence[int] | None = None,
    skew: Sequence[int] | None = None,
    offset: int = 0,
    comments: str = "",
    checksum: bool = True,
) -> Path:
    """Write a record by hand: digital is (T, samples a frame)."""
    frame, skew = frame or [1] * len(names), skew or [0] * len(names)
    flat = digital.copy()
    first = digital[0].copy()
    if code == 8:
        flat = np.diff(digital, axis=0, prepend=digital[:1] - 0)
    (folder / f"{name}.dat").write_bytes(b"\0" * offset + pack(flat.reshape(-1), code))
    lines, start = [f"{name} {len(names)} {rate} {len(digital)}"], 0
    for i, lead in enumerate(names):
        part = digital[:, start : start + frame[i]]
        form = f"{code}x{frame[i]}:{skew[i]}+{offset}"
        total = int(part.sum()) & 0xFFFF if checksum else 0
        lines.append(f"{name}.dat {form} {gain} {BITS[code]} 0 {first[start]} {total} 0 {lead}")
        start += frame[i]
    (folder / f"{name}.hea").write_text("\n".join(lines) + "\n" + comments)
    return folder / name


def signal(code: int, shape: tuple[int, int], seed: int = 3) -> Ints:
    """Random values over the whole range of a format, its smallest (NaN) among them."""
    rng = np.random.default_rng(seed)
    if code == 8:
        return rng.integers(-20, 20, size=shape).cumsum(axis=0)
    top = 1 << (BITS[code] - 1)
    out = rng.integers(-top + 1, top, size=shape)
    out[5, 0] = -top
    out[7] = top - 1
    return out


def read(folder: Path, name: str | None = None) -> RecordBatch:
    """Detect and read the one record (or the named one) of a folder."""
    reader = WfdbReader()
    sources = [s for s in reader.detect(sorted(folder.iterdir())) if name in (None, s.name)]
    assert len(sources) == 1
    (batch,) = reader.read(sources[0])
    assert isinstance(batch, RecordBatch)
    return batch


def assert_equal(batch: RecordBatch, path: Path) -> None:
    """Compare with wfdb.rdrecord, rounded to float32."""
    reference = wfdb.rdrecord(str(path))
    field = batch.field("ecg")
    assert field.rate_hz == reference.fs
    assert field.channels == tuple(reference.sig_name)
    np.testing.assert_array_equal(batch.ragged("ecg")[0], reference.p_signal.astype(np.float32))
