"""PPG-BP: short finger pulses with a sheet of cuff pressures, in the layout of Liang et al. 2018.

Source: Liang, Chen, Liu, Elgendi, "A new, short-recorded photoplethysmogram dataset for blood pressure
monitoring in China", Sci Data 5:180020 (2018): each segment is 2.1 s at 1 kHz, a line of numbers in
``<subject>_<k>.txt``; the sheet ``PPG-BP dataset`` (.xlsx, or the same table as .csv) has a row a subject and
writes each unit behind the name of its column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Column, Ragged
from auscult.base.contracts import Field, RecordBatch, SetAside, Source
from auscult.base.errors import ReadError
from auscult.domains.signals.readers.ppg_bp_sheet import SCALARS, Person, is_sheet, read_sheet
from auscult.engine.file_kinds import looks_like
from auscult.engine.people import age_band

NAME = "ppg_bp"
RATE_HZ = 1000.0
SEGMENT_SAMPLES = 2100
BATCH_SUBJECTS = 256

_TXT = re.compile(r"([^\W_]+)_(\d+)\.txt", re.IGNORECASE)
_NUMBERS = re.compile(rb"[\s\d.+\-eE]*")
_MAX_TXT_BYTES = 1 << 24
_LARGEST = 1e9
BOX_NUMBERS = 5
"""Numbers in a line of the YOLO layout: a class, a centre and a size."""


@dataclass(frozen=True, repr=False)
class _Subject:
    """One subject that can be used: name, row of the sheet, (C, T) pulses."""

    name: str
    person: Person
    pulses: npt.NDArray[np.float32]


class PpgBpReader:
    """Reads the PPG-BP layout: one source a folder, one record a subject.

    Fields: ``ppg`` (C, T), the subject's segments of 2.1 s; ``sbp`` and ``dbp`` in mmHg, ``age`` in years,
    ``bmi`` in kg/m2, ``heart_rate`` in 1/min, as the sheet has them. Groups: sex, age band, hypertension
    stage. Without a sheet the scalars are NaN and the groups ``unknown``, so that a new
    pulse can be answered.

    Of a longer segment (the published set has two) the first 2.1 s are used, and this is told.
    """

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield one source a sheet, with the segments below its folder, and one a folder without a sheet."""
        sheets: dict[Path, Path] = {}
        for path in sorted(files, key=lambda p: (p.suffix.lower() != ".xlsx", p)):
            if path.parent not in sheets and is_sheet(path):
                sheets[path.parent] = path
        layouts: dict[Path, list[Path]] = {folder: [sheet] for folder, sheet in sheets.items()}
        for path in sorted(files):
            if _TXT.fullmatch(path.name):
                home = next((folder for folder in path.parents if folder in sheets), None)
                if home is not None or _is_segment(path):
                    layouts.setdefault(home or path.parent, []).append(path)
        for folder, found in sorted(layouts.items()):
            name = found[0].stem if folder in sheets or len(found) == 1 else folder.name
            yield Source(NAME, name, tuple(found))

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield the subjects in batches; one whose segment is missing, cut off or no number is set aside.

        Raises
        ------
        ReadError
            If the sheet cannot be read, or no subject can be used.
        UnitError
            If the sheet has no unit or an unknown one for a column.
        """
        sheet = None if _TXT.fullmatch(source.files[0].name) else source.files[0]
        people = {} if sheet is None else read_sheet(sheet)
        known = [p.scalars for p in people.values() if not p.fault]
        missing = {n: sheet is None or any(np.isnan(s[n]) for s in known) for n in SCALARS}
        aside: list[SetAside] = []
        waiting: list[_Subject] = []
        n_batches = 0
        for found in _subjects(source, sheet, people):
            if isinstance(found, SetAside):
                aside.append(found)
                continue
            waiting.append(found)
            if len(waiting) == BATCH_SUBJECTS:
                yield _batch(waiting, missing)
                waiting, n_batches = [], n_batches + 1
        if waiting:
            yield _batch(waiting, missing)
        elif not n_batches:
            why = aside[0].reason if aside else f"{source.files[0].name}: expected subjects, got none"
            raise ReadError(f"{why}; no subject can be used")
        yield from aside


def _is_segment(path: Path) -> bool:
    """Whether a text file without a sheet is nothing but numbers; those in lines of five are boxes on a picture."""
    try:
        with path.open("rb") as stream:
            head = stream.read(256)
    except OSError:
        return False
    count = len(head.split(b"\n", 1)[0].split())
    return _NUMBERS.fullmatch(head) is not None and len(head.split()) > 1 and count != BOX_NUMBERS


def _subjects(source: Source, sheet: Path | None, people: Mapping[str, Person]) -> Iterator[_Subject | SetAside]:
    """Yield every subject of the sheet, then those that it does not know."""
    segments: dict[str, list[Path]] = {}
    for path in source.files[sheet is not None :]:
        match = _TXT.fullmatch(path.name)
        if match is not None:
            segments.setdefault(match.group(1), []).append(path)
    nobody = Person(dict.fromkeys(SCALARS, float("nan")))
    for name in [*people, *(s for s in segments if s not in people)]:
        files = segments.get(name, [])
        where = source.files[0].name
        if not files:
            row = people[name].row
            reason = f"{where}, row {row}: expected segments <subject>_<k>.txt, got none; copy them too"
            yield SetAside(source.name, reason, row)
            continue
        if sheet is not None and name not in people:
            yield SetAside(source.name, f"{files[0].name}: expected a row of its subject in {where}, got none")
            continue
        person = people.get(name, nobody)
        if person.fault:
            yield SetAside(source.name, person.fault, person.row)
            continue
        try:
            pulses, notes = _pulses(files)
        except ReadError as error:
            yield SetAside(source.name, str(error))
            continue
        yield _Subject(name, person, pulses)
        yield from (SetAside(source.name, note, note=True) for note in notes)


def _pulses(files: Sequence[Path]) -> tuple[npt.NDArray[np.float32], list[str]]:
    """Return the segments of a subject (C, T), and a note for each file that was longer."""
    pulses = np.empty((len(files), SEGMENT_SAMPLES), dtype=np.float32)
    notes = []
    for place, path in enumerate(files):
        samples = _samples(path)
        if len(samples) > SEGMENT_SAMPLES:
            notes.append(
                f"{path.name}: expected {SEGMENT_SAMPLES} samples, got {len(samples)}; the first "
                f"{SEGMENT_SAMPLES} are used, the others were left out"
            )
        pulses[place] = samples[:SEGMENT_SAMPLES]
    return pulses, notes


def _samples(path: Path) -> npt.NDArray[np.float64]:
    """Return the numbers of a segment: at least ``SEGMENT_SAMPLES``, all finite."""
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_TXT_BYTES)
        samples = np.array(data.split(), dtype=np.float64)
    except (OSError, ValueError) as error:
        kind = looks_like(data[:1024]) if isinstance(error, ValueError) else "a file that cannot be opened"
        got = "other text" if kind == "text" else kind
        raise ReadError(f"{path.name}: expected numbers, got {got}; copy or export it again") from error
    if len(samples) < SEGMENT_SAMPLES:
        raise ReadError(
            f"{path.name}: expected {SEGMENT_SAMPLES} samples (2.1 s at 1 kHz), got {len(samples)}; "
            "the file is cut off, copy it again"
        )
    n_bad = int(np.count_nonzero(~(np.abs(samples) < _LARGEST)))
    if n_bad:
        raise ReadError(f"{path.name}: expected finite numbers, got {n_bad} of {len(samples)} that are not")
    return samples


def _batch(subjects: Sequence[_Subject], missing: Mapping[str, bool]) -> RecordBatch:
    scalars = {n: np.array([s.person.scalars[n] for s in subjects]) for n in SCALARS}
    columns: dict[Field, Column] = {
        Field("ppg", "array", "CT", unit="1", rate_hz=RATE_HZ, ragged=True): Ragged.of(
            [s.pulses for s in subjects], ragged_axes=2
        ),
        **{Field(n, "scalar", unit=u, missing=missing[n]): scalars[n] for n, u in SCALARS.items()},
    }
    names = np.array([s.name for s in subjects])
    ages = (None if np.isnan(age) else float(age) for age in scalars["age"])
    groups = {
        "sex": np.array([s.person.sex for s in subjects]),
        "age_band": np.array([age_band(age) for age in ages]),
        "hypertension_stage": np.array([s.person.stage for s in subjects]),
    }
    named = {f.name: c for f, c in columns.items()}
    return RecordBatch(tuple(columns), named, names, names, groups, named_by_subject=True)
