"""Biosignals: ECG, photoplethysmogram and continuous glucose, from device files to answers."""

from __future__ import annotations

from auscult.base.contracts import Domain
from auscult.domains.signals.datasets import DATASETS

_HERE = "auscult.domains.signals"

DOMAIN = Domain(
    name="signals",
    summary="ECG, blood pressure, PPG and glucose: beats, R peaks, forecasts, pressure",
    readers={
        "wfdb": f"{_HERE}.readers.wfdb:WfdbReader",
        "edf": f"{_HERE}.readers.edf:EdfReader",
        "aecg": f"{_HERE}.readers.aecg:AecgReader",
        "dicom-ecg": f"{_HERE}.readers.dicom_ecg:DicomEcgReader",
        "ppg-bp": f"{_HERE}.readers.ppg_bp:PpgBpReader",
        "cgm-csv": f"{_HERE}.readers.cgm_csv:CgmCsvReader",
        "csv": f"{_HERE}.readers.csv_sidecar:CsvSidecarReader",
    },
    tasks={
        "ecg-beats": f"{_HERE}.tasks.ecg_beats:EcgBeats",
    },
    models={
        "boosted-trees": f"{_HERE}.models.boosted_trees:BoostedTrees",
        "cnn1d": f"{_HERE}.models.cnn1d:Cnn1d",
    },
    checks={},
    examples={
        "ecg": f"{_HERE}.examples:write_ecg_example",
    },
    faults={},
    datasets=DATASETS,
)
