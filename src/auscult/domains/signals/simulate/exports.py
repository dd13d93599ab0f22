"""Simulated export folders: what a device department finds on its share, in every format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from auscult.base.errors import UsageError, unknown
from auscult.domains.signals.simulate.aecg_files import write_hl7_aecg
from auscult.domains.signals.simulate.cgm import simulate_cgm
from auscult.domains.signals.simulate.ecg import simulate_ecg
from auscult.domains.signals.simulate.edf_files import write_edf
from auscult.domains.signals.simulate.person import SimulatedPerson, simulate_person
from auscult.domains.signals.simulate.ppg_files import write_ppg_bp
from auscult.domains.signals.simulate.table_files import write_cgm_csv, write_csv_with_sidecar
from auscult.domains.signals.simulate.wfdb_files import write_wfdb

__all__ = [
    "ECG_FORMATS",
    "simulate_folder",
    "write_cgm_csv",
    "write_csv_with_sidecar",
    "write_edf",
    "write_hl7_aecg",
    "write_ppg_bp",
    "write_wfdb",
]

_HOLTER = ("MLII", "V1")
_TWELVE = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
# Leads and sampling rate of the device that writes each format.
_DEVICES: dict[str, tuple[tuple[str, ...], float]] = {
    "wfdb212": (_HOLTER, 360.0),
    "wfdb16": (_HOLTER, 360.0),
    "edf": (("II", "V1", "V5"), 250.0),
    "csv": (_HOLTER, 360.0),
    "aecg": (_TWELVE, 500.0),
}
ECG_FORMATS = ("wfdb212", "wfdb212", "edf", "wfdb212", "csv", "wfdb16", "aecg")
_CGM_FLAVOURS = ("dexcom", "libreview", "glucobench")
_CONTROLS = ("type1", "type2", "healthy", "type1")
# The start of a JPEG file (JFIF marker) and its end.
_JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + bytes(64) + b"\xff\xd9"


def simulate_folder(
    folder: Path,
    seed: int,
    *,
    n_ecg: int = 12,
    ecg_minutes: float = 2.0,
    n_cgm: int = 4,
    n_days: float = 10.0,
    broken: bool = False,
    ecg_formats: tuple[str, ...] = ECG_FORMATS,
) -> tuple[Path, ...]:
    """Write a folder of simulated exports, in ``ecg`` and ``cgm``.

    Parameters
    ----------
    folder : Path
        Created where absent; files of the same names are overwritten.
    seed : int
        The same seed writes the same bytes.
    n_ecg, n_cgm : int
        Number of records; each is another simulated person.
    ecg_minutes, n_days : float
        Length of the records.
    broken : bool
        Add three that cannot be read: a signal file cut in half, a header without its signal file, and a JPEG
        named ``.edf``.
    ecg_formats : tuple of str
        Formats that the ECG records take in turn: ``wfdb212``, ``wfdb16``, ``edf``, ``csv``, ``aecg``. Beats
        are labelled in WFDB and EDF.

    Returns
    -------
    tuple of Path
        The main file of each record, in the order of writing.

    Raises
    ------
    UsageError
        A format is unknown.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     len(simulate_folder(Path(place), 1, n_ecg=2, n_cgm=1, ecg_minutes=0.2, n_days=1))
    3
    """
    for name in ecg_formats:
        if name not in _DEVICES:
            raise UsageError(unknown("ECG format", name, _DEVICES, where="simulate_folder"))
    ecg_folder, cgm_folder = folder / "ecg", folder / "cgm"
    ecg_folder.mkdir(parents=True, exist_ok=True)
    cgm_folder.mkdir(parents=True, exist_ok=True)
    written = []
    for number in range(n_ecg):
        rng = np.random.default_rng([seed, 0, number])
        kind = ecg_formats[number % len(ecg_formats)]
        written.append(_write_ecg(ecg_folder, rng, (number + 1, kind), ecg_minutes * 60.0))
    for number in range(n_cgm):
        rng = np.random.default_rng([seed, 1, number])
        cgm = simulate_cgm(rng, n_days=n_days, control=_CONTROLS[number % len(_CONTROLS)])
        flavour = _CGM_FLAVOURS[number % len(_CGM_FLAVOURS)]
        path = cgm_folder / f"sim_{flavour}_{number + 1:02d}.csv"
        written.append(write_cgm_csv(path, cgm, flavour=flavour, subject=f"SIM-{1001 + number:04d}"))
    if broken:
        written += _write_broken(ecg_folder, np.random.default_rng([seed, 2]))
    return tuple(written)


def _write_ecg(folder: Path, rng: np.random.Generator, number_kind: tuple[int, str], duration_s: float) -> Path:
    """Simulate one person's ECG and write it in the format of the device."""
    number, kind = number_kind
    leads, rate_hz = _DEVICES[kind]
    person = simulate_person(rng, number)
    ecg = simulate_ecg(
        rng,
        duration_s=duration_s,
        rate_hz=rate_hz,
        leads=leads,
        premature_ventricular=float(rng.choice([0.0, 0.03, 0.08, 0.15])),
        premature_supraventricular=float(rng.choice([0.0, 0.02, 0.06])),
        fusion=float(rng.choice([0.0, 0.01, 0.03])),
    )
    stem = f"sim{number:03d}"
    writers: dict[str, Callable[[], Path]] = {
        "wfdb212": lambda: write_wfdb(folder, stem, ecg, comments=_comments(person)),
        "wfdb16": lambda: write_wfdb(folder, stem, ecg, comments=_comments(person), storage="16"),
        "edf": lambda: write_edf(folder / f"{stem}.edf", ecg, person=person),
        "csv": lambda: write_csv_with_sidecar(folder / f"{stem}.csv", ecg, person=person),
        "aecg": lambda: write_hl7_aecg(folder / f"{stem}.xml", ecg, person=person),
    }
    return writers[kind]()


def _comments(person: SimulatedPerson) -> tuple[str, ...]:
    """Comment lines of a WFDB header."""
    return (f"{person.age_years} {person.sex} simulated",)


def _write_broken(folder: Path, rng: np.random.Generator) -> list[Path]:
    """Write three records that cannot be read."""
    ecg = simulate_ecg(rng, duration_s=30.0)
    cut = write_wfdb(folder, "broken_cut", ecg)
    signal = cut.with_suffix(".dat")
    signal.write_bytes(signal.read_bytes()[: signal.stat().st_size // 2])
    lost = write_wfdb(folder, "broken_lost", ecg, annotations=False)
    lost.with_suffix(".dat").unlink()
    picture = folder / "broken_picture.edf"
    picture.write_bytes(_JPEG)
    return [cut, lost, picture]
