"""Write a simulated ECG as WFDB files: header, signal in format 212 or 16, MIT annotations.

Source of the layouts: the WFDB manual pages header(5), signal(5) and annot(5), PhysioNet.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auscult.base.errors import UsageError, unknown
from auscult.domains.signals.simulate.ecg import SimulatedEcg

CODES = {"N": 1, "V": 5, "F": 6, "A": 8}  # ecgcodes.h
_RHYTHM, _SKIP, _AUX = 28, 59, 63
_LONGEST_INTERVAL = 1023


@dataclass(frozen=True)
class _Storage:
    """How millivolts become stored numbers."""

    gain: int
    zero: int
    bits: int
    low: int
    high: int
    missing: int


_STORAGES = {
    "212": _Storage(gain=200, zero=1024, bits=11, low=0, high=2047, missing=-2048),  # as MIT-BIH
    "16": _Storage(gain=1000, zero=0, bits=16, low=-32767, high=32767, missing=-32768),
}


def write_wfdb(
    folder: Path,
    name: str,
    ecg: SimulatedEcg,
    *,
    annotations: bool = True,
    comments: Iterable[str] = ("63 F simulated",),
    storage: str = "212",
) -> Path:
    """Write ``<name>.hea``, ``<name>.dat`` and ``<name>.atr``.

    Parameters
    ----------
    folder : Path
        Existing folder.
    name : str
        Record name: letters, digits, underscores and hyphens.
    ecg : SimulatedEcg
        What is written; NaN becomes the format's mark for a missing sample.
    annotations : bool
        Write the beats, after a rhythm annotation ``(N`` as MIT-BIH has it.
    comments : iterable of str
        Comment lines of the header; the first holds age and sex, as in MIT-BIH.
    storage : str
        ``212`` (12 bits, 5 µV a step) or ``16`` (16 bits, 1 µV a step).

    Returns
    -------
    Path
        The header.

    Raises
    ------
    UsageError
        The storage format is none of the two.
    """
    if storage not in _STORAGES:
        raise UsageError(unknown("storage format", storage, _STORAGES, where="write_wfdb"))
    how = _STORAGES[storage]
    scaled = np.clip(np.round(ecg.signal_mv.astype(np.float64) * how.gain) + how.zero, how.low, how.high)
    stored = np.where(np.isnan(scaled), how.missing, np.nan_to_num(scaled)).astype(np.int64)  # (T, C)
    content = _pack_212(stored.ravel()) if storage == "212" else stored.astype("<i2").tobytes()
    (folder / f"{name}.dat").write_bytes(content)
    lines = [f"{name} {len(ecg.leads)} {ecg.rate_hz:.12g} {len(stored)}"]
    for lead, column in zip(ecg.leads, stored.T, strict=True):
        checksum = (int(column.sum()) + 32768) % 65536 - 32768
        numbers = f"{how.gain}({how.zero})/mV {how.bits} {how.zero} {column[0]} {checksum} 0"
        lines.append(f"{name}.dat {storage} {numbers} {lead}")
    lines += [f"# {comment}" for comment in comments]
    header = folder / f"{name}.hea"
    header.write_text("\n".join(lines) + "\n", encoding="ascii")
    if annotations:
        (folder / f"{name}.atr").write_bytes(_annotations(ecg))
    return header


def _pack_212(stored: NDArray[np.int64]) -> bytes:
    """Two samples of 12 bits in three bytes; an odd last sample takes two."""
    even = np.append(stored, 0) if len(stored) % 2 else stored
    first, second = even[0::2] & 0xFFF, even[1::2] & 0xFFF
    packed = np.stack([first & 0xFF, first >> 8 | second >> 8 << 4, second & 0xFF], axis=1).astype(np.uint8)
    content = packed.tobytes()
    return content[:-1] if len(stored) % 2 else content


def _annotations(ecg: SimulatedEcg) -> bytes:
    """Annotation file: words of 6 bits code and 10 bits interval, with a skip before long intervals."""
    first = int(ecg.peaks[0]) if len(ecg.peaks) else 0
    rhythm_sample = max(first - 1, 0)
    rhythm_text = b"(N\0\0"  # a NUL ends it, another one pads it to whole words
    words = [_moved(rhythm_sample, _RHYTHM), struct.pack("<H", _AUX << 10 | 3), rhythm_text]
    intervals = np.diff(ecg.peaks, prepend=rhythm_sample)
    for interval, symbol in zip(intervals.tolist(), ecg.symbols.tolist(), strict=True):
        words.append(_moved(interval, CODES[symbol]))
    words.append(b"\0\0")
    return b"".join(words)


def _moved(interval: int, code: int) -> bytes:
    """One annotation, `interval` samples after the one before."""
    if interval <= _LONGEST_INTERVAL:
        return struct.pack("<H", code << 10 | interval)
    skip = struct.pack("<HHH", _SKIP << 10, interval >> 16, interval & 0xFFFF)  # PDP-11 order: high word first
    return skip + struct.pack("<H", code << 10)
