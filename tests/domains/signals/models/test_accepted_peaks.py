"""The floor of R peaks: by hand, the score is the detector's own verdict."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from auscult.domains.signals.models.accepted_peaks import AcceptedPeaks, AcceptedPeaksConfig
from auscult.domains.signals.preprocess.qrs_features import QRS_FEATURE_NAMES
from auscult.engine.drivers import load_program

from .problems import context_of, pair, spec_of


def test_scores_what_the_detector_accepts(tmp_path: Path) -> None:
    features = np.random.default_rng(0).normal(size=(8, len(QRS_FEATURE_NAMES))).astype(np.float32)
    accepted = np.array([1, 0, 0, 1, 1, 0, 1, 0])
    features[:, QRS_FEATURE_NAMES.index("accepted")] = accepted
    items = pair({"features": features}, accepted[:, None])
    fitted = AcceptedPeaks(AcceptedPeaksConfig()).fit(*items, context_of(spec_of("events", ("R",)), tmp_path))
    score = load_program(fitted.export())({"features": features})["score"]
    assert score.tolist() == [[a] for a in accepted]
