"""Realistic faults on prepared ECGs, for the robustness part of the evidence: each ``(batch, rng) -> batch``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from auscult.base.arrays import Ragged
from auscult.base.contracts import RecordBatch
from auscult.domains.signals.simulate.faults import FAULTS

SEVERITY = 0.3
"""Clearly visible, and what a device sees on a bad day; 1 is the worst that a fault can do."""

Damage = Callable[[RecordBatch, np.random.Generator], RecordBatch]


def _on_ecg(name: str) -> Damage:
    fault = FAULTS[name]

    def damage(batch: RecordBatch, rng: np.random.Generator) -> RecordBatch:
        field = batch.field("ecg")
        rate = field.rate_hz or 1.0
        rows = [np.asarray(fault(row, rate, rng, SEVERITY), dtype=np.float32) for row in batch.ragged("ecg")]
        return batch.with_columns({field: Ragged.of(rows)})

    return damage


saturate = _on_ecg("saturate")
mains_hum = _on_ecg("mains_hum")
baseline_wander = _on_ecg("baseline_wander")
dropout = _on_ecg("dropout")
muscle_noise = _on_ecg("muscle_noise")
electrode_motion = _on_ecg("electrode_motion")
gain_error = _on_ecg("gain_error")
lead_reversal = _on_ecg("lead_reversal")
