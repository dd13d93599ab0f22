"""EDF, EDF+ and BDF files: header and data records, decoded with numpy.

Annotations are not read, except for the start times of the data records of a file with gaps (EDF+D).
A gap is NaN.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from auscult.base.contracts import RecordBatch, SetAside, Source
from auscult.base.errors import ReadError
from auscult.domains.signals.readers.common import names_of
from auscult.domains.signals.readers.edf_header import ANNOTATIONS, EdfHeader, EdfSignal, is_edf, read_header
from auscult.domains.signals.readers.waveforms import Wave, factor_of, kind_of, waveform_batch
from auscult.domains.signals.readers.wfdb_formats import unpack

NAME = "edf"
_ENDINGS = (".edf", ".bdf")
_ONSET = re.compile(rb"([+-]\d{1,12}(?:\.\d{0,12})?)(?:\x15[\d.]*)?\x14")
# Gaps are memory that no file pays for: at most this many samples, or this many times the stored ones.
_FREE_GAP = 10_000_000
_GAP_FACTOR = 100
Starts = npt.NDArray[np.float64]


class EdfReader:
    """Finds and reads EDF, EDF+ and BDF files."""

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield every file that starts as EDF or BDF does, and every other file that is named so."""
        for path in files:
            with path.open("rb") as stream:
                head = stream.read(256)
            if is_edf(head) or path.suffix.lower() in _ENDINGS:
                yield Source(NAME, path.stem, (path,))

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield one batch for each sampling rate among the ECG, ABP and PPG signals, ECG first.

        Raises
        ------
        ReadError
            If the file is no EDF, is cut off or damaged, or holds no such signal.
        UnitError
            If an ECG has an unknown unit.
        """
        path = source.files[0]
        header = read_header(path)
        chosen = _choose(header, path.name)
        blocks = _blocks(header, path)
        starts = _starts(header, blocks, path.name) if header.discontinuous else None
        for samples in sorted({header.signals[i].samples for i, _ in chosen}, key=lambda s: _ecg_first(header, s)):
            rate_hz = samples / header.duration_s
            if samples * len(blocks) < 2:
                raise ReadError(f"{path.name}: expected a record of at least 2 samples, got {samples * len(blocks)}")
            layout = None if starts is None else _layout(starts, samples, rate_hz, path.name)
            waves = []
            for i, factor in chosen:
                signal = header.signals[i]
                kind = kind_of(signal.label)
                if kind and signal.samples == samples:
                    values = _physical(blocks, header, i, factor)
                    waves.append(
                        Wave(kind, signal.label, values if layout is None else _spread(values, layout, samples))
                    )
            yield waveform_batch(source.name, waves, rate_hz=rate_hz, subject=header.subject, groups=header.groups)


def _ecg_first(header: EdfHeader, samples: int) -> tuple[bool, int]:
    return not any(kind_of(s.label) == "ecg" for s in header.signals if s.samples == samples), -samples


def _choose(header: EdfHeader, name: str) -> list[tuple[int, float]]:
    """Return which signals are read, and the factor that leads to their home unit."""
    chosen = []
    for i, signal in enumerate(header.signals):
        kind = kind_of(signal.label)
        where = f"{name}, signal '{signal.label}'"
        factor = factor_of(kind, signal.unit, where=where) if kind else None
        if factor is None:
            continue
        if not np.isfinite(signal.scale):
            raise ReadError(
                f"{where}: expected physical and digital limits that differ and rise, got others; export it again"
            )
        chosen.append((i, factor))
    if not chosen:
        raise ReadError(
            f"{name}: expected an ECG, ABP or PPG signal, got {names_of(len(header.signals), 'signal')} "
            "of other kind; label the signals as EDF+ asks, for example 'ECG II'"
        )
    return chosen


def _blocks(header: EdfHeader, path: Path) -> npt.NDArray[np.uint8]:
    """Map the data records into memory as (records, bytes a record) after checking the size of the file."""
    width = header.sample_bytes * sum(signal.samples for signal in header.signals)
    size = path.stat().st_size
    records = (size - header.data_start) // width if header.records == -1 else header.records
    if records < 1:
        raise ReadError(f"{path.name}: expected at least 1 data record, got {max(records, 0)}; export it again")
    expected = header.data_start + records * width
    if size < expected:
        raise ReadError(
            f"{path.name}: expected {expected} bytes for {names_of(records, 'data record')}, "
            f"got {size} bytes; the file is cut off, copy it again"
        )
    return np.memmap(path, dtype=np.uint8, mode="r", offset=header.data_start, shape=(records, width))


def _bytes_of(blocks: npt.NDArray[np.uint8], header: EdfHeader, place: int) -> npt.NDArray[np.uint8]:
    """Return the bytes of one signal as (records, bytes)."""
    first = header.sample_bytes * sum(signal.samples for signal in header.signals[:place])
    return np.ascontiguousarray(blocks[:, first : first + header.sample_bytes * header.signals[place].samples])


def _physical(blocks: npt.NDArray[np.uint8], header: EdfHeader, place: int, factor: float) -> npt.NDArray[np.float32]:
    """Return the values of one signal in its home unit, (T,) float32."""
    signal: EdfSignal = header.signals[place]
    raw = _bytes_of(blocks, header, place).reshape(-1)
    digital = unpack(raw, 24 if header.sample_bytes == 3 else 16, len(raw) // header.sample_bytes)
    return ((digital * signal.scale + signal.zero) * factor).astype(np.float32)


def _starts(header: EdfHeader, blocks: npt.NDArray[np.uint8], name: str) -> Starts:
    """Return the start of each data record in seconds, as its time-keeping annotation says."""
    place = next((i for i, signal in enumerate(header.signals) if signal.label in ANNOTATIONS), None)
    if place is None:
        raise ReadError(f"{name}: expected an 'EDF Annotations' signal in a file with gaps (EDF+D), got none")
    found = [_ONSET.match(block.tobytes()) for block in _bytes_of(blocks, header, place)]
    if not all(found):
        raise ReadError(f"{name}: expected the start time of each data record (EDF+D), got {found.count(None)} without")
    return np.array([float(match[1]) for match in found if match])


def _layout(starts: Starts, samples: int, rate_hz: float, name: str) -> npt.NDArray[np.int64]:
    """Return the first sample of each data record, counted from the first."""
    seconds = starts - starts[0]
    if np.abs(seconds).max() * rate_hz > max(_FREE_GAP, _GAP_FACTOR * samples * len(starts)):
        raise ReadError(f"{name}: the gaps between its data records are far longer than the records; split the file")
    first = np.rint(seconds * rate_hz).astype(np.int64)
    stored = np.arange(len(first)) * samples
    placed = np.maximum.accumulate(first - stored) + stored
    if (placed - first).max() > 1:  # one sample is what rounding of the start may cost
        raise ReadError(f"{name}: expected data records in order of time, got some that overlap; export it again")
    return np.asarray(placed)


def _spread(values: npt.NDArray[np.float32], first: npt.NDArray[np.int64], samples: int) -> npt.NDArray[np.float32]:
    """Put the data records where they belong, NaN between them."""
    out = np.full(int(first[-1]) + samples, np.nan, dtype=np.float32)
    out[(first[:, None] + np.arange(samples)).reshape(-1)] = values
    return out
