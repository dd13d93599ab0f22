"""What to look for in signals before anything is learned from them.

Each check looks at every record once and returns a finding for each field in which it found something; a
finding names at most 20 records. A record that lacks the field, rate or length that a check needs is passed
over.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auscult.base.contracts import Field, Finding, RecordBatch, Severity
from auscult.domains.signals.preprocess.quality import (
    MIN_RATE_HZ,
    longest_flat_s,
    longest_gap_s,
    quality_index,
    saturated_share,
    silent_share,
    spectrum,
)

Floats = NDArray[np.floating]
Batches = Iterable[RecordBatch]

MAX_NAMED = 20
LEAD_OFF_MV = 0.05
"""A lead that moves by less for 2 s carries no beat: a tenth of what is called a low QRS voltage (0.5 mV)."""
LEAD_OFF_SHARE = 0.5
FLAT_S = 1.0
SATURATED_SHARE = 0.01
MAINS_HZ = (50.0, 60.0)
HUM_RATIO = 10.0
"""A line this far above its neighbourhood stands 10 dB out of it."""
HUM_SHARE = 0.01
BASELINE_HZ = 0.5
"""Lower cut-off of ECG monitors (Kligfield et al., Circulation 115:1306, 2007): wander lies below."""
BASELINE_SHARE = 0.5
LOW_QUALITY = 0.5


@dataclass(frozen=True)
class Limits:
    """Between which values a quantity is believed.

    Parameters
    ----------
    low, high : float
        In the home unit of the field, both ends included.
    unit : str
        That unit.
    severity : str
        What it means to be outside.
    source : str
        Where the limits are from.
    """

    low: float
    high: float
    unit: str
    severity: Severity
    source: str


_EXTREME = "beyond what is survived; own choice, wide on purpose"
PLAUSIBLE: dict[str, tuple[Limits, ...]] = {
    "ecg": (
        Limits(-20.0, 20.0, "mV", "error", "four times the input range of an electrocardiograph; own choice"),
        Limits(-5.0, 5.0, "mV", "warning", "input range of an electrocardiograph, IEC 60601-2-25:2011"),
    ),
    "glucose": (
        Limits(10.0, 1000.0, "mg/dL", "error", _EXTREME),
        Limits(40.0, 400.0, "mg/dL", "warning", "reading range of a sensor, Dexcom G6 user guide"),
    ),
    "abp": (Limits(-20.0, 320.0, "mmHg", "error", _EXTREME),),
    "sbp": (Limits(50.0, 300.0, "mmHg", "error", _EXTREME),),
    "dbp": (Limits(20.0, 200.0, "mmHg", "error", _EXTREME),),
    "heart_rate": (Limits(20.0, 300.0, "1/min", "error", _EXTREME),),
    "age": (Limits(0.0, 120.0, "year", "error", _EXTREME),),
    "bmi": (Limits(10.0, 80.0, "kg/m2", "error", _EXTREME),),
}
"""Limits by the name of the field. An ECG is judged by its distance from the median of the lead."""


def lead_off(batches: Batches) -> list[Finding]:
    """Find ECG with a lead that is missing or does not move for half of the time."""

    def off(values: Floats, field: Field, rate_hz: float) -> bool:
        return bool((silent_share(values, rate_hz, limit=LEAD_OFF_MV) >= LEAD_OFF_SHARE).any())

    text = f"have a lead that moves by less than {LEAD_OFF_MV:g} mV for half of the time or more: electrode off?"
    return _each(batches, off, check="lead_off", severity="warning", text=text, only="ecg")


def flat_line(batches: Batches) -> list[Finding]:
    """Find waveforms that do not change at all for 1 s or more."""

    def flat(values: Floats, field: Field, rate_hz: float) -> bool:
        return bool((longest_flat_s(values, rate_hz) >= FLAT_S).any())

    text = f"do not change at all for {FLAT_S:g} s or more: signal lost, or held by the device"
    return _each(batches, flat, check="flat_line", severity="warning", text=text)


def saturation(batches: Batches) -> list[Finding]:
    """Find waveforms that stay at their largest or smallest value: clipped by the converter."""

    def clipped(values: Floats, field: Field, rate_hz: float) -> bool:
        return bool((saturated_share(values) >= SATURATED_SHARE).any())

    text = f"stay at their largest or smallest value for {SATURATED_SHARE:.0%} of the time or more: clipped"
    return _each(batches, clipped, check="saturation", severity="warning", text=text)


def mains_hum(batches: Batches) -> list[Finding]:
    """Find ECG with a line of 50 or 60 Hz, 10 dB above its neighbourhood and with 1 % of the power."""

    def hums(values: Floats, field: Field, rate_hz: float) -> bool:
        frequency_hz, power = spectrum(values, rate_hz, segment_s=4.0)
        total = power[frequency_hz >= BASELINE_HZ].sum(axis=0)
        for mains_hz in MAINS_HZ:
            distance = np.abs(frequency_hz - mains_hz)
            line, near = power[distance <= 0.75], power[(distance >= 1.5) & (distance <= 5.0)]
            if frequency_hz[-1] < mains_hz + 5.0:
                continue
            level = near.mean(axis=0)
            stands_out = line.mean(axis=0) > HUM_RATIO * level
            if (stands_out & (line.sum(axis=0) - len(line) * level > HUM_SHARE * total)).any():
                return True
        return False

    text = "hum at 50 or 60 Hz, 10 dB above the neighbourhood: filter, or check the cable"
    return _each(batches, hums, check="mains_hum", severity="info", text=text, only="ecg")


def baseline_wander(batches: Batches) -> list[Finding]:
    """Find ECG whose power below 0.5 Hz is half of its power below 40 Hz or more."""

    def wanders(values: Floats, field: Field, rate_hz: float) -> bool:
        frequency_hz, power = spectrum(values, rate_hz, segment_s=10.0)
        below = power[frequency_hz < BASELINE_HZ].sum(axis=0)
        return bool((below > BASELINE_SHARE * power[frequency_hz < 40.0].sum(axis=0)).any())

    text = f"have half of their power below {BASELINE_HZ:g} Hz: the baseline wanders, filter it"
    return _each(batches, wanders, check="baseline_wander", severity="info", text=text, only="ecg")


def gaps(batches: Batches) -> list[Finding]:
    """Find waveforms with NaN; says which share is missing and how long the longest gap is."""
    n_missing, n_all, longest_s = Counter[str](), Counter[str](), defaultdict[str, float](float)

    def holed(values: Floats, field: Field, rate_hz: float) -> bool:
        n_bad = int(np.count_nonzero(np.isnan(values)))
        n_missing[field.name] += n_bad
        n_all[field.name] += values.size
        if n_bad:
            longest = float(longest_gap_s(values, rate_hz).max())
            longest_s[field.name] = max(longest_s[field.name], longest)
        return n_bad > 0

    def text(name: str) -> str:
        share = n_missing[name] / n_all[name]
        return f"hold gaps: {share:.2%} of all samples are missing, the longest gap is {longest_s[name]:.3g} s"

    return _each(batches, holed, check="gaps", severity="warning", text=text)


def rate_change(batches: Batches) -> list[Finding]:
    """Find fields that come at several rates; names the records that have not the most common one."""
    by_rate: dict[str, dict[float, list[str]]] = defaultdict(lambda: defaultdict(list))
    for record, field, _, rate_hz in _waves(batches):
        by_rate[field.name][rate_hz].append(record)
    found = []
    for name, rates in by_rate.items():
        if len(rates) > 1:
            usual = max(rates, key=lambda rate: len(rates[rate]))
            others = [record for rate, records in rates.items() if rate != usual for record in records]
            counts = ", ".join(f"{rate:g} Hz ({len(rates[rate])})" for rate in sorted(rates))
            text = f"{name}: recorded at {len(rates)} rates: {counts}; a task resamples them to one, or refuses"
            found.append(_finding("rate_change", "info", text, others))
    return found


def implausible(batches: Batches) -> list[Finding]:
    """Find values outside the limits of `PLAUSIBLE`; a record is reported once, at its worst severity."""
    found: dict[tuple[str, Limits], list[str]] = defaultdict(list)
    seen = Counter[str]()
    for batch in batches:
        for name in PLAUSIBLE.keys() & batch.columns.keys():
            seen[name] += len(batch)
            for record, values in zip(batch.record, batch.columns[name], strict=True):
                worst = next((limits for limits in PLAUSIBLE[name] if _outside(name, values, limits)), None)
                if worst is not None:
                    found[name, worst].append(str(record))
    findings = []
    for (name, limits), records in sorted(found.items(), key=lambda entry: (entry[0][0], -entry[0][1].high)):
        text = (
            f"{name}: {len(records)} of {seen[name]} records hold values outside {limits.low:g} to "
            f"{limits.high:g} {limits.unit} ({limits.source}); check unit and gain"
        )
        findings.append(_finding("implausible", limits.severity, text, records))
    return findings


def signal_quality(batches: Batches) -> list[Finding]:
    """Say which share of all 10-s windows of ECG has a quality below 0.5, and in which records most do."""
    n_low, n_all = 0, 0
    poor = []
    for record, field, values, rate_hz in _waves(batches):
        if field.name != "ecg" or rate_hz < MIN_RATE_HZ or len(values) < rate_hz:
            continue
        low = quality_index(values, rate_hz) < LOW_QUALITY
        n_low, n_all = n_low + int(low.sum()), n_all + low.size
        if 2 * int(low.sum()) > low.size:
            poor.append(record)
    if not n_low:
        return []
    text = (
        f"ecg: {n_low} of {n_all} windows of 10 s ({n_low / n_all:.1%}) have a quality index below "
        f"{LOW_QUALITY:g}; it is most of the windows in {len(poor)} records"
    )
    return [_finding("signal_quality", "warning" if poor else "info", text, poor)]


def _waves(batches: Batches) -> Iterator[tuple[str, Field, Floats, float]]:
    """Yield record, field, values (T, C) and rate in hertz of each waveform."""
    for batch in batches:
        for field in batch.fields:
            if field.kind == "array" and field.axes in ("TC", "CT") and field.rate_hz is not None:
                for record, values in zip(batch.record, batch.columns[field.name], strict=True):
                    yield str(record), field, values if field.axes == "TC" else values.T, field.rate_hz


def _each(
    batches: Batches,
    test: Callable[[Floats, Field, float], bool],
    *,
    check: str,
    severity: Severity,
    text: str | Callable[[str], str],
    only: str | None = None,
) -> list[Finding]:
    """Put every waveform of 1 s or more to a test, and tell for each field how many did not stand it."""
    seen = Counter[str]()
    found: dict[str, list[str]] = defaultdict(list)
    for record, field, values, rate_hz in _waves(batches):
        if only in (None, field.name) and len(values) >= rate_hz:
            seen[field.name] += 1
            if test(values, field, rate_hz):
                found[field.name].append(record)
    findings = []
    for name, records in found.items():
        said = text if isinstance(text, str) else text(name)
        message = f"{name}: {len(records)} of {seen[name]} records {said}"
        findings.append(_finding(check, severity, message, records))
    return findings


def _finding(check: str, severity: Severity, message: str, records: Sequence[str]) -> Finding:
    return Finding(check, severity, message, len(records), tuple(records[:MAX_NAMED]))


def _outside(name: str, values: Floats, limits: Limits) -> bool:
    """Whether a value is outside; NaN is not, that is a gap."""
    if values.size == 0 or np.isnan(values).all():
        return False
    centre = np.nanmedian(values, axis=0) if name == "ecg" else 0.0
    away = values - centre
    return bool((away < limits.low).any() or (away > limits.high).any())
