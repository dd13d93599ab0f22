"""Biosignals: ECG, photoplethysmogram and continuous glucose, from device files to answers."""

from __future__ import annotations

from auscult.base.contracts import Domain
from auscult.domains.signals.datasets import DATASETS
from auscult.domains.signals.fault_names import ECG_FAULTS

_HERE = "auscult.domains.signals"
CHECKS = (
    "lead-off",
    "flat-line",
    "saturation",
    "mains-hum",
    "baseline-wander",
    "gaps",
    "rate-change",
    "implausible",
    "signal-quality",
)

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
        "r-peaks": f"{_HERE}.tasks.r_peaks:RPeaks",
        "glucose-forecast": f"{_HERE}.tasks.glucose_forecast:GlucoseForecast",
        "blood-pressure": f"{_HERE}.tasks.blood_pressure:BloodPressure",
    },
    models={
        "boosted-trees": f"{_HERE}.models.boosted_trees:BoostedTrees",
        "rhythm-trees": f"{_HERE}.models.rhythm_trees:RhythmTrees",
        "accepted-peaks": f"{_HERE}.models.accepted_peaks:AcceptedPeaks",
        "persistence": f"{_HERE}.models.persistence:Persistence",
        "forecast-net": f"{_HERE}.models.forecast_net:ForecastNet",
        "ridge": f"{_HERE}.models.ridge:Ridge",
        "ridge-person": f"{_HERE}.models.ridge_person:RidgePerson",
        "cnn1d": f"{_HERE}.models.cnn1d:Cnn1d",
        "resnet1d": f"{_HERE}.models.resnet1d:Resnet1d",
        "tcn": f"{_HERE}.models.tcn:Tcn",
        "transformer": f"{_HERE}.models.transformer:Transformer",
    },
    checks={name: f"{_HERE}.checks:{name.replace('-', '_')}" for name in CHECKS},
    examples={
        "ecg": f"{_HERE}.examples:write_ecg_example",
        "cgm": f"{_HERE}.examples:write_cgm_example",
        "ppg-bp": f"{_HERE}.examples:write_ppg_example",
    },
    faults={name: f"{_HERE}.faults:{name.replace('-', '_')}" for name in ECG_FAULTS},
    datasets=DATASETS,
)
