"""From named signals to one record batch: which is an ECG lead, an arterial pressure or a PPG, in which unit.

Every format that holds several signals in one file (WFDB, EDF, CSV) passes through here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Column, Ragged
from auscult.base.contracts import Field, RecordBatch
from auscult.base.errors import UnitError
from auscult.base.units import to_home
from auscult.domains.signals.readers.common import is_standard_lead, normal_lead

Kind = Literal["ecg", "abp", "ppg"]
HOME = {"ecg": "mV", "abp": "mmHg", "ppg": "1"}
QUANTITY = {"ecg": "voltage", "abp": "pressure", "ppg": "number"}
# A PPG has no absolute scale: these all say "no unit".
_NO_UNIT = frozenset({"", "1", "nu", "au", "a.u.", "a.u", "arb", "n.u.", "none", "norm"})
_ECG = re.compile(
    r"(?:ecg|ekg|mdc_ecg_lead|lead\b|mod\.).*"  # said in words
    r"|m?l(?:i{1,3})|mcl\d?|mv\d?|c[cms]\d?|d[1-9]|v\d{0,2}r?|v\d-v\d|a?v[rlf]|[as]vr"  # other leads
    r"|v?[xyz]|i{1,3}|e-?s|a-?s|a-?i",  # Frank and EASI leads
    re.IGNORECASE,
)
_ABP = re.compile(r"(?:abp|art|ibp|aobp|bp|p1?art)(?:[\s_.-].*|\d*)", re.IGNORECASE)
_PPG = re.compile(r"(?:ppg|pleth|plethysmogra\w*)(?:[\s_.-].*|\d*)|.*[\s_]pleth", re.IGNORECASE)
_UNNAMED = re.compile(r"(?:(?:signal|channel|chan|ch|sig)?[\s_.-]*\d*)", re.IGNORECASE)


@dataclass(frozen=True, repr=False)
class Wave:
    """One signal of a record in its home unit.

    Parameters
    ----------
    kind : str
        ``ecg``, ``abp`` or ``ppg``: the field it belongs to.
    name : str
        Lead or signal name.
    values : (T,) float32
        Values in mV, mmHg or 1; NaN where there is none.
    """

    kind: Kind
    name: str
    values: npt.NDArray[np.float32]


def kind_of(name: str, unit: str = "", *, unnamed_is_ecg: bool = False) -> Kind | None:
    """Tell what a signal is by its name; None where it is neither ECG, arterial pressure nor PPG.

    Parameters
    ----------
    name : str
        The signal's name as the file has it.
    unit : str
        Its unit, used for ``unnamed_is_ecg`` only.
    unnamed_is_ecg : bool
        Whether a signal without a telling name (``""``, ``"signal 0"``) in volts is an ECG.
    """
    plain = name.strip()
    if is_standard_lead(plain) or _ECG.fullmatch(plain):
        return "ecg"
    if _ABP.fullmatch(plain):
        return "abp"
    if _PPG.fullmatch(plain):
        return "ppg"
    if unnamed_is_ecg and _UNNAMED.fullmatch(plain) and unit.strip() in ("mV", "uV", "µV", "μV", "nV", "V"):
        return "ecg"
    return None


def factor_of(kind: Kind, unit: str, *, where: str) -> float | None:
    """Return what leads from a unit to the home unit of a kind.

    An ECG of unknown unit is refused; another waveform of unknown unit is left out (None).

    Raises
    ------
    UnitError
        If an ECG lead has an unknown unit or one of another quantity.
    """
    if kind == "ppg":
        return 1.0 if unit.strip().lower() in _NO_UNIT else None
    try:
        return to_home(unit, QUANTITY[kind], where=where)[1]
    except UnitError:
        if kind == "ecg":
            raise
        return None


def waveform_batch(
    record: str,
    waves: Sequence[Wave],
    *,
    rate_hz: float,
    subject: str | None,
    groups: Mapping[str, str],
    beats: tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]] | None = None,
) -> RecordBatch:
    """Put the signals of one record into a batch.

    Parameters
    ----------
    record : str
        Name of the record.
    waves : sequence of Wave
        At least one, all of one length.
    rate_hz : float
        Samples per second of all of them.
    subject : str, optional
        Whose record it is.
    groups : mapping of str to str
        Group keys of this record.
    beats : (positions (B,) int64, symbols (B,) uint8), optional
        Beat annotations in samples of ``rate_hz``.
    """
    columns: dict[Field, Column] = {}
    for kind, unit in HOME.items():
        chosen = [w for w in waves if w.kind == kind]
        if not chosen:
            continue
        values = np.empty((len(chosen[0].values), len(chosen)), dtype=np.float32)  # (T, C)
        for place, wave in enumerate(chosen):
            values[:, place] = wave.values
        names = tuple(normal_lead(w.name) if kind == "ecg" else w.name for w in chosen)
        missing = any(bool(np.isnan(w.values).any()) for w in chosen)
        columns[Field(kind, "array", "TC", unit, rate_hz, channels=names, ragged=True, missing=missing)] = one(values)
    if beats is not None:
        columns[Field("beat_position", "ids", "T", ragged=True)] = one(beats[0])
        columns[Field("beat_symbol", "category", "T", ragged=True)] = one(beats[1])
    return RecordBatch(
        tuple(columns),
        {field.name: column for field, column in columns.items()},
        np.array([record]),
        None if subject is None else np.array([subject]),
        {key: np.array([value]) for key, value in groups.items()},
    )


def one(values: npt.NDArray[np.generic]) -> Ragged:
    """Return a ragged column of one record."""
    return Ragged(values, np.array([0, len(values)], dtype=np.int64))
