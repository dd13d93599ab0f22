"""Everything that a build measured, in one place: what the evidence files and the report are written from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auscult.base.contracts import Finding, Outputs, Probe, SetAside, TaskSpec
from auscult.base.recipe import Recipe
from auscult.engine.evaluate import GateResult


@dataclass(frozen=True, repr=False)
class Evidence:
    """What was measured.

    Parameters
    ----------
    recipe : Recipe
        What was asked for.
    spec : TaskSpec
        The task.
    metrics : mapping
        The content of ``metrics.json``.
    findings : sequence of Finding
        What the checks found.
    set_aside : sequence of SetAside
        What could not be used.
    split : mapping
        The frozen split.
    test, floor_test : Outputs
        Calibrated test answers of the model and of the floor, with their truth.
    gates : sequence of GateResult
        Limits and whether they hold.
    latency : mapping
        Measured times in ms.
    probes : sequence of Probe
        What else was judged, of the first seed; for the pictures.
    figures : sequence of Figure
        Pictures of golden records that the task draws itself.
    """

    recipe: Recipe
    spec: TaskSpec
    metrics: Mapping[str, Any]
    findings: Sequence[Finding]
    set_aside: Sequence[SetAside]
    split: Mapping[str, Any]
    test: Outputs
    floor_test: Outputs
    gates: Sequence[GateResult]
    latency: Mapping[str, Any]
    probes: Sequence[Probe] = ()
    figures: Sequence[Any] = ()
