"""Write simulated photoplethysmograms with cuff pressures in the layout of the PPG-BP set.

Source of the layout: Liang et al. 2018, Sci Data 5:180020. Its sheet is an Excel file; here it is a CSV
file with the same columns, because writing needs no further package.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

PPG_BP_COLUMNS = (
    "Num.",
    "subject_ID",
    "Sex(M/F)",
    "Age(year)",
    "Height(cm)",
    "Weight(kg)",
    "Systolic Blood Pressure(mmHg)",
    "Diastolic Blood Pressure(mmHg)",
    "Heart Rate(b/m)",
    "BMI(kg/m^2)",
    "Hypertension",
    "Diabetes",
    "cerebral infarction",
    "cerebrovascular disease",
)


class PpgRecords(Protocol):
    """What is written: one row (N) per segment, several segments per subject."""

    @property
    def segments(self) -> NDArray[np.float32]:
        """Photoplethysmogram (N, T) at 1000 Hz, no unit."""

    @property
    def subject(self) -> NDArray[np.int64]:
        """Number of the subject (N,)."""

    @property
    def sbp_mmhg(self) -> NDArray[np.float64]:
        """Systolic pressure (N,)."""

    @property
    def dbp_mmhg(self) -> NDArray[np.float64]:
        """Diastolic pressure (N,)."""

    @property
    def age_years(self) -> NDArray[np.float64]:
        """Age (N,)."""

    @property
    def bmi_kg_m2(self) -> NDArray[np.float64]:
        """Body mass index (N,)."""

    @property
    def heart_rate_bpm(self) -> NDArray[np.float64]:
        """Heart rate (N,)."""


def write_ppg_bp(folder: Path, ppg: PpgRecords) -> Path:
    """Write one text file per segment, ``<subject>_<number>.txt``, and the sheet of subjects.

    Sex alternates by subject and height follows it (162 or 172 cm), because the simulated records have
    neither; weight follows from height and body mass index. Stages: JNC 7 (Chobanian et al. 2003).

    Parameters
    ----------
    folder : Path
        Existing folder.
    ppg : PpgRecords
        Segments and, per segment, subject, pressures, age, body mass index and heart rate.

    Returns
    -------
    Path
        The sheet, ``PPG-BP dataset.csv``.
    """
    sheet = folder / "PPG-BP dataset.csv"
    with sheet.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(PPG_BP_COLUMNS)
        for number, subject in enumerate(np.unique(ppg.subject), 1):
            rows = np.flatnonzero(ppg.subject == subject)
            for count, row in enumerate(rows, 1):
                text = "".join(f"{value:.1f}\t" for value in ppg.segments[row].tolist())
                (folder / f"{subject}_{count}.txt").write_text(text, encoding="ascii")
            writer.writerow([number, subject, *_sheet_row(ppg, int(rows[0]), number)])
    return sheet


def _sheet_row(ppg: PpgRecords, row: int, number: int) -> list[str]:
    """Sheet fields from sex on, for the subject of this row."""
    sex, height_cm = ("Female", 162) if number % 2 else ("Male", 172)
    bmi = float(ppg.bmi_kg_m2[row])
    sbp, dbp = float(ppg.sbp_mmhg[row]), float(ppg.dbp_mmhg[row])
    numbers = [float(ppg.age_years[row]), height_cm, bmi * (height_cm / 100) ** 2, sbp, dbp]
    pulse = float(ppg.heart_rate_bpm[row])
    return [
        sex,
        *(f"{value:.0f}" for value in numbers),
        f"{pulse:.0f}",
        f"{bmi:.4f}",
        _stage(sbp, dbp),
        "",
        "",
        "",
    ]


def _stage(sbp_mmhg: float, dbp_mmhg: float) -> str:
    """Name the stage of blood pressure."""
    stages = (
        (160, 100, "Stage 2 hypertension"),
        (140, 90, "Stage 1 hypertension"),
        (120, 80, "Prehypertension"),
    )
    for systolic, diastolic, name in stages:
        if sbp_mmhg >= systolic or dbp_mmhg >= diastolic:
            return name
    return "Normal"
