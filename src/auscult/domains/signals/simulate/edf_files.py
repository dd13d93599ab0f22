"""Write a simulated ECG as EDF+ with its beats as annotations.

Source of the layout: Kemp and Olivan 2003, Clin Neurophysiol 114:1755, and the EDF+ specification at
edfplus.info.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auscult.base.errors import ShapeError
from auscult.domains.signals.simulate.ecg import SimulatedEcg
from auscult.domains.signals.simulate.person import FIRST_DAY, SimulatedPerson

_DIGITAL = 32767
_NOBODY = SimulatedPerson()


def write_edf(path: Path, ecg: SimulatedEcg, *, person: SimulatedPerson = _NOBODY) -> Path:
    """Write an EDF+C file.

    EDF holds whole data records of one second (or as many seconds as make a whole number of samples), so the
    last one is filled up with the last sample.

    Parameters
    ----------
    path : Path
        File to write.
    ecg : SimulatedEcg
        Signal without NaN.
    person : SimulatedPerson
        Whose code, sex and year of birth the header carries.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    ShapeError
        The signal holds NaN, which EDF cannot store.
    """
    if not np.isfinite(ecg.signal_mv).all():
        raise ShapeError(
            "write_edf: expected a signal without NaN, got one with NaN; EDF has no missing value: fill the "
            "gaps or write WFDB."
        )
    rate = Fraction(ecg.rate_hz).limit_denominator(1000)
    per_record, record_s = rate.numerator, rate.denominator
    n_records = -(-len(ecg.signal_mv) // per_record)
    limit_mv = np.ceil(max(float(np.abs(ecg.signal_mv).max()), 5.0) * 10) / 10
    digital = np.round(ecg.signal_mv.astype(np.float64) / limit_mv * _DIGITAL).astype("<i2")
    filled = np.concatenate([digital, np.repeat(digital[-1:], n_records * per_record - len(digital), axis=0)])
    blocks = filled.reshape(n_records, per_record, -1).transpose(0, 2, 1)  # (T, C) -> (records, C, samples)
    notes = _notes(ecg, n_records, record_s)
    n_leads = len(ecg.leads)
    head = _head(person, n_records, record_s, n_leads + 1)
    fields = _fields(ecg.leads, f"{limit_mv:g}", per_record, notes.shape[1] // 2)
    with path.open("wb") as file:
        file.write((head + fields).encode("ascii"))
        for block, note in zip(blocks, notes, strict=True):
            file.write(block.tobytes())
            file.write(note.tobytes())
    return path


def _head(person: SimulatedPerson, n_records: int, record_s: int, n_signals: int) -> str:
    """First 256 bytes of the file."""
    birth = person.birth.strftime("%d-%b-%Y").upper()
    day = FIRST_DAY.strftime("%d-%b-%Y").upper()
    parts = [
        ("0", 8),
        (f"{person.code} {person.sex} {birth} Simulated_Person", 80),
        (f"Startdate {day} X X Simulated", 80),
        (FIRST_DAY.strftime("%d.%m.%y"), 8),
        ("09.00.00", 8),
        (str(256 * (n_signals + 1)), 8),
        ("EDF+C", 44),
        (str(n_records), 8),
        (str(record_s), 8),
        (str(n_signals), 4),
    ]
    return "".join(text.ljust(width) for text, width in parts)


def _fields(leads: tuple[str, ...], limit_mv: str, per_record: int, note_words: int) -> str:
    """Describe each signal and the annotations: field by field, 256 bytes a signal."""
    n_leads = len(leads)
    columns: list[tuple[list[str], int]] = [
        ([f"ECG {lead}" for lead in leads] + ["EDF Annotations"], 16),
        (["AgAgCl electrodes"] * n_leads + [""], 80),
        (["mV"] * n_leads + [""], 8),
        ([f"-{limit_mv}"] * n_leads + ["-1"], 8),
        ([limit_mv] * n_leads + ["1"], 8),
        ([str(-_DIGITAL)] * n_leads + ["-32768"], 8),
        ([str(_DIGITAL)] * (n_leads + 1), 8),
        (["HP:0.05Hz LP:100Hz"] * n_leads + [""], 80),
        ([str(per_record)] * n_leads + [str(note_words)], 8),
        ([""] * (n_leads + 1), 32),
    ]
    return "".join(value.ljust(width) for values, width in columns for value in values)


def _notes(ecg: SimulatedEcg, n_records: int, record_s: int) -> NDArray[np.uint8]:
    """Annotation bytes (records, B): the record's start, then each beat as ``+onset, code``; B is even."""
    texts = [f"+{number * record_s}\x14\x14\x00" for number in range(n_records)]
    for peak, symbol in zip(ecg.peaks.tolist(), ecg.symbols.tolist(), strict=True):
        onset_s = peak / ecg.rate_hz
        texts[int(onset_s // record_s)] += f"+{onset_s:.4f}\x14{symbol}\x14\x00"
    width = max(len(text) for text in texts)
    width += width % 2
    content = b"".join(text.encode("ascii").ljust(width, b"\0") for text in texts)
    return np.frombuffer(content, np.uint8).reshape(n_records, width)
