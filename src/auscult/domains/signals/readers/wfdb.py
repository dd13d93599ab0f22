"""WFDB records: header, signal files and beat annotations, decoded with numpy.

A record of several segments becomes one record; where a segment lacks a lead, or in a gap, it holds NaN.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from auscult.base.contracts import RecordBatch, SetAside, Source
from auscult.base.errors import ReadError
from auscult.domains.signals.readers.common import names_of
from auscult.domains.signals.readers.waveforms import Kind, Wave, factor_of, kind_of, waveform_batch
from auscult.domains.signals.readers.wfdb_annotations import beats_of, read_annotations
from auscult.domains.signals.readers.wfdb_flac import FLAC_BITS, INVALID_FLAC, read_flac
from auscult.domains.signals.readers.wfdb_formats import INVALID, Samples, bytes_needed, samples_in, unpack
from auscult.domains.signals.readers.wfdb_header import MAX_HEADER_BYTES, Header, Signal, parse_header
from auscult.engine.file_kinds import looks_like

NAME = "wfdb"
ANNOTATORS = ("atr", "qrs", "ecg")
# Gaps are memory that no file pays for: at most this many frames, or this many times the stored frames.
_FREE_GAP = 10_000_000
_GAP_FACTOR = 100
_BLOCK = 1 << 15
_INVALID = {**INVALID, **INVALID_FLAC}
Files = Mapping[str, Path]


class WfdbReader:
    """Finds and reads WFDB records (PhysioNet)."""

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield one source a record: its header first, then signal files, segments and annotations.

        Segments of a larger record are no sources of their own. Annotations and signal files that no header
        names are yielded too, so that the reader can say what is missing.
        """
        folders: dict[Path, dict[str, Path]] = {}
        for path in files:
            folders.setdefault(path.parent, {})[path.name] = path
        for folder in sorted(folders):
            yield from _detect_in(folders[folder])

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield the one record of a source.

        Raises
        ------
        ReadError
            If a file is missing, cut off or damaged.
        UnitError
            If an ECG lead has an unknown unit.
        """
        files = {path.name: path for path in source.files}
        first = source.files[0]
        if first.suffix != ".hea":
            raise ReadError(f"{first.name}: expected its header {first.stem}.hea beside it, got none; copy it too")
        header = _header(first)
        waves = _segments(header, files) if header.segments else _single(header, files)
        if not waves:
            raise ReadError(
                f"{header.file}: expected an ECG, ABP or PPG signal, got "
                f"{header.file}: expected an ECG, ABP or PPG signal, got "
                f"{names_of(header.channels, 'signal')} of other or unknown kind; "
                "write the lead as description of each signal line, for example II"
            )
        length = len(waves[0].values)
        if length < 2:
            raise ReadError(f"{header.file}: expected a record of at least 2 samples, got {length}")
        yield waveform_batch(
            source.name,
            waves,
            rate_hz=header.rate_hz,
            subject=source.name,
            groups=header.groups,
            beats=_beats(header, first, files, length),
        )


def _detect_in(files: dict[str, Path]) -> Iterator[Source]:
    """Yield the sources of one folder."""
    headers: dict[str, Header | None] = {}
    for path in files.values():
        if path.suffix == ".hea":
            try:
                headers[path.stem] = _header(path)
            except ReadError:
                headers[path.stem] = None
    inner = {segment for header in headers.values() if header for segment, _ in header.segments}
    used: set[str] = set()
    for stem in sorted(headers):
        wanted = [f"{stem}.hea", *_names(stem, headers), *(f"{stem}.{ending}" for ending in ANNOTATORS)]
        found = [name for name in dict.fromkeys(wanted) if name in files]
        used.update(found)
        if stem not in inner:
            yield Source(NAME, stem, tuple(files[name] for name in found))
    for name in sorted(set(files) - used):
        path = files[name]
        doubled = path.suffix == ".dat" and f"{path.stem}.atr" in files
        orphan = path.suffix == ".atr" or (path.suffix == ".dat" and _raw(path))
        if orphan and not doubled and path.stem not in headers:
            yield Source(NAME, path.stem, (path,))


def _names(stem: str, headers: Mapping[str, Header | None]) -> list[str]:
    """Return the names of the signal files and segment headers of a record."""
    header = headers.get(stem)
    if header is None:
        return [f"{stem}.dat"]
    names = [signal.file for signal in header.signals]
    for segment, _ in header.segments:
        inner = headers.get(segment)
        names.append(f"{segment}.hea")
        names.extend(signal.file for signal in (inner.signals if inner else ()))
    return names


def _raw(path: Path) -> bool:
    """Whether a file could be a signal file: it is not text and not of a known kind."""
    with path.open("rb") as stream:
        return looks_like(stream.read(1024)) in (
            "unknown binary data",
            "nothing but zero bytes",
            "empty file",
        )


def _header(path: Path) -> Header:
    with path.open("rb") as stream:
        return parse_header(stream.read(MAX_HEADER_BYTES + 1), path.name)


def _single(header: Header, files: Files) -> list[Wave]:
    """Return the waves of a record, or segment, that has its own signal files."""
    waves: list[Wave] = []
    for name in dict.fromkeys(signal.file for signal in header.signals if signal.code):
        group = [signal for signal in header.signals if signal.file == name and signal.code]
        wanted = [(signal, _kind(signal)) for signal in group]
        factors = [
            factor_of(kind, signal.unit, where=f"{header.file}, signal '{signal.name[:20]}'") if kind else None
            for signal, kind in wanted
        ]
        frames = _frames(name, group, header, files)
        for (signal, kind), factor, column in zip(wanted, factors, frames, strict=True):
            if kind and factor is not None:
                waves.append(Wave(kind, signal.name, _physical(column, signal, factor)))
    if len({len(wave.values) for wave in waves}) > 1:
        raise ReadError(
            f"{header.file}: expected signal files of one length, got different ones; write it in the header"
        )
    return waves


def _kind(signal: Signal) -> Kind | None:
    return kind_of(signal.name, signal.unit, unnamed_is_ecg=True)


def _frames(name: str, group: list[Signal], header: Header, files: Files) -> Iterator[Samples]:
    """Yield the ADC values of each signal of one file, one a frame, after checking size and checksums."""
    where, first = f"{name} (named by {header.file})", group[0]
    if name not in files:
        raise ReadError(f"{header.file}: expected the signal file {name[:64]} beside it, got none; copy it too")
    if any((signal.code, signal.offset) != (first.code, first.offset) for signal in group):
        raise ReadError(f"{header.file}: expected one storage format and byte offset for all signals of {name[:64]}")
    table = (
        _flac(files[name], group, header, where)
        if first.code in FLAC_BITS
        else _packed(files[name], group, header, where)
    )
    starts = np.cumsum([0, *(signal.frame for signal in group)])
    for place, signal in enumerate(group):
        part = table[:, starts[place] : starts[place + 1]]
        if signal.code == 8:
            part = (np.cumsum(part, dtype=np.int64) + signal.initial).reshape(part.shape)
        if header.length and signal.checksum is not None:
            _verify(part, signal, where)
        yield _shift(_smooth(part, _INVALID[signal.code]), signal)


def _flac(path: Path, group: list[Signal], header: Header, where: str) -> Samples:
    """Return the samples of a compressed file, (T, samples a frame)."""
    if group[0].offset:
        raise ReadError(f"{where}: expected no byte offset in a FLAC file, got {group[0].offset}")
    frame = tuple(signal.frame for signal in group)
    return read_flac(path, group[0].code, frame=frame, length=header.length or None, where=where)


def _packed(path: Path, group: list[Signal], header: Header, where: str) -> Samples:
    """Return the samples of an uncompressed file, (T, samples a frame), after checking its size."""
    first, width = group[0], sum(signal.frame for signal in group)
    size = path.stat().st_size - first.offset
    length = header.length or samples_in(first.code, size, where=where) // width
    needed = bytes_needed(first.code, length * width, where=where)
    if size < needed:
        raise ReadError(
            f"{where}: expected {needed + first.offset} bytes for {length} samples of "
            f"{names_of(len(group), 'signal')}, got {size + first.offset} bytes; the file is cut off, "
            "copy it again"
        )
    raw = np.fromfile(path, dtype=np.uint8, count=needed, offset=first.offset)
    return unpack(raw, first.code, length * width).reshape(length, width)


def _verify(part: Samples, signal: Signal, where: str) -> None:
    total = sum(int(part[:, place].sum(dtype=np.int64)) for place in range(signal.frame))
    got, expected = total & 0xFFFF, (signal.checksum or 0) & 0xFFFF
    if got != expected:
        raise ReadError(
            f"{where}: expected checksum {expected} of signal '{signal.name[:20]}' by its header, got {got}; "
            "the file is damaged or belongs to another header, copy both again"
        )


def _smooth(part: Samples, invalid: int | None) -> Samples:
    """Return one value a frame: the mean, cut to an integer as WFDB does; invalid if any sample is."""
    if part.shape[1] == 1:
        return part[:, 0]
    mean = np.trunc(part.sum(axis=1, dtype=np.int64) / part.shape[1]).astype(np.int64)
    return mean if invalid is None else np.where((part == invalid).any(axis=1), invalid, mean)


def _shift(column: Samples, signal: Signal) -> Samples:
    """Undo the skew: frames that the file does not hold are invalid."""
    if not signal.skew:
        return column
    invalid = _INVALID[signal.code]
    if invalid is None or signal.skew >= len(column):
        raise ReadError(f"signal file {signal.file[:64]}: a skew of {signal.skew} frames is not possible here")
    return np.concatenate([column[signal.skew :], np.full(signal.skew, invalid, dtype=column.dtype)])


def _physical(column: Samples, signal: Signal, factor: float) -> npt.NDArray[np.float32]:
    """Turn ADC values into the home unit, float32; the format's invalid value becomes NaN.

    Worked in float64, block by block, so that the intermediate stays in the processor's cache.
    """
    out = np.empty(len(column), dtype=np.float32)
    invalid = _INVALID[signal.code]
    for start in range(0, len(column), _BLOCK):
        part = column[start : start + _BLOCK]
        values = np.subtract(part, float(signal.baseline), dtype=np.float64)
        values /= signal.gain
        values *= factor
        if invalid is not None:
            values[part == invalid] = np.nan
        out[start : start + _BLOCK] = values
    return out


def _segments(header: Header, files: Files) -> list[Wave]:
    """Return the waves of a record of several segments, gaps as NaN."""
    lengths = [length for _, length in header.segments]
    total = sum(lengths)
    if header.length is not None and header.length != total:
        raise ReadError(f"{header.file}: expected {header.length} samples in all segments, got {total}")
    stored = sum(length for name, length in header.segments if name != "~")
    if total - stored > max(_FREE_GAP, _GAP_FACTOR * stored):
        raise ReadError(f"{header.file}: {total - stored} of {total} samples are gaps; split the record at its gaps")
    joined: dict[tuple[Kind, str], npt.NDArray[np.float32]] = {}
    start = 0
    for name, length in header.segments:
        if name != "~" and length:
            for wave in _segment(name, length, header, files):
                key = (wave.kind, wave.name)
                if key not in joined:
                    joined[key] = np.full(total, np.nan, dtype=np.float32)
                joined[key][start : start + length] = wave.values
        start += length
    return [Wave(kind, name, values) for (kind, name), values in joined.items()]


def _segment(name: str, length: int, master: Header, files: Files) -> list[Wave]:
    """Return the waves of one segment after checking that it fits its record."""
    path = files.get(f"{name}.hea")
    if path is None:
        raise ReadError(f"{master.file}: expected the segment header {name[:64]}.hea beside it, got none; copy it too")
    inner = _header(path)
    if inner.segments:
        raise ReadError(f"{inner.file}: expected a segment with signals, got a record of segments inside a record")
    if inner.rate_hz != master.rate_hz:
        raise ReadError(f"{inner.file}: expected {master.rate_hz:g} Hz as in {master.file}, got {inner.rate_hz:g} Hz")
    waves = _single(inner, files)
    got = {len(wave.values) for wave in waves} - {length}
    if got:
        raise ReadError(f"{inner.file}: expected {length} samples by {master.file}, got {got.pop()}")
    return waves


def _beats(
    header: Header, path: Path, files: Files, length: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]] | None:
    """Return the beats of the record's annotation file, None where it has none."""
    name = next((n for n in (f"{path.stem}.{ending}" for ending in ANNOTATORS) if n in files), None)
    if name is None:
        return None
    position, code, rate_hz = read_annotations(files[name].read_bytes(), name)
    if rate_hz is not None and rate_hz != header.rate_hz:
        raise ReadError(f"{name}: expected positions at {header.rate_hz:g} Hz as in {header.file}, got {rate_hz:g} Hz")
    beats = beats_of(position, code)
    if len(beats[0]) and int(beats[0][-1]) >= length:
        raise ReadError(
            f"{name}: expected beats within the {length} samples of the record, got one at "
            f"{int(beats[0][-1])}; do both files belong together?"
        )
    return beats
