"""ECG records for the speed benchmarks: real ones where they are, else simulated ones of the same length."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from measure import DATA

from auscult.base.contracts import RecordBatch
from auscult.base.errors import DataError
from auscult.base.registry import load_domain
from auscult.domains.signals.simulate.exports import simulate_folder
from auscult.engine.sources import find_sources, read_source

DS1 = ("101", "119", "208")
"""Records of DS1 of the MIT-BIH Arrhythmia Database, clean to noisy; DS2 stays closed."""
SIMULATED_MINUTES = 30.0


@dataclass(frozen=True, repr=False)
class Lead:
    """First lead of a record, (T,) float64 in mV, with the positions of its annotated beats."""

    ecg_mv: npt.NDArray[np.float64]
    rate_hz: float
    beats: npt.NDArray[np.int64]


def mitdb() -> Path | None:
    """Folder of the MIT-BIH Arrhythmia Database, where the data are."""
    folder = Path(os.environ.get(DATA, "")) / "signals" / "mitdb"
    return folder if os.environ.get(DATA) and folder.is_dir() else None


def headers(scratch: Path, *, count: int = len(DS1), minutes: float = SIMULATED_MINUTES) -> tuple[list[Path], str]:
    """Return header files of 30-minute records and what they are; simulated ones are written below ``scratch``."""
    folder = mitdb()
    if folder is not None:
        return [folder / f"{name}.hea" for name in DS1[:count]], f"mitdb {' '.join(DS1[:count])}"
    written = simulate_folder(scratch, 0, n_ecg=count, ecg_minutes=minutes, n_cgm=0, ecg_formats=("wfdb212",))
    return list(written), f"{count} simulated records of {minutes:g} min"


def without_annotations(header: Path, scratch: Path) -> Path:
    """Copy header and signal alone, as a device writes them, so that beats have to be found."""
    scratch.mkdir(parents=True, exist_ok=True)
    for path in (header, header.with_suffix(".dat")):
        shutil.copyfile(path, scratch / path.name)
    return scratch / header.name


def read_batch(header: Path) -> RecordBatch:
    """Read one record as a service does.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    domain = load_domain("signals")
    for source in find_sources(header, domain, readers=("wfdb",)).sources:
        for part in read_source(source, domain):
            if isinstance(part, RecordBatch):
                return part
    raise DataError(f"{header.name}: expected a readable record, got none")


def read_lead(header: Path) -> Lead:
    """Read the first lead of a record and its beats."""
    batch = read_batch(header)
    rate_hz = batch.field("ecg").rate_hz or 0.0
    ecg_mv = np.ascontiguousarray(batch.ragged("ecg")[0][:, 0], dtype=np.float64)
    return Lead(ecg_mv, rate_hz, np.unique(batch.ragged("beat_position")[0]).astype(np.int64))
