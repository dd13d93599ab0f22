"""The table of calibration methods, and the reader of what they wrote."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from auscult.base.errors import DataError, unknown
from auscult.engine.calibration.abstain import Abstention
from auscult.engine.calibration.base import Calibrator
from auscult.engine.calibration.conformal import ConformalIntervals, ConformalSets
from auscult.engine.calibration.isotonic import Isotonic, IsotonicLabels
from auscult.engine.calibration.platt import PlattLabels
from auscult.engine.calibration.rates import LabelRates
from auscult.engine.calibration.temperature import Temperature
from auscult.engine.calibration.threshold import LabelThresholds, Threshold

CALIBRATORS: Mapping[str, type[Calibrator]] = MappingProxyType(
    {
        "temperature": Temperature,
        "isotonic": Isotonic,
        "isotonic_labels": IsotonicLabels,
        "platt_labels": PlattLabels,
        "conformal_sets": ConformalSets,
        "conformal_intervals": ConformalIntervals,
        "label_rates": LabelRates,
        "threshold": Threshold,
        "label_thresholds": LabelThresholds,
        "abstention": Abstention,
    }
)


def read_calibrator(document: Mapping[str, Any]) -> Calibrator:
    """Read any calibrator by the name of its method.

    Parameters
    ----------
    document : mapping
        What ``to_dict`` wrote.

    Returns
    -------
    Calibrator

    Raises
    ------
    DataError
        The method is unknown, or a field is not as it was written.
    """
    name = document.get("method")
    if not isinstance(name, str) or name not in CALIBRATORS:
        raise DataError(unknown("calibration method", name, CALIBRATORS))
    return CALIBRATORS[name].from_dict(document)
