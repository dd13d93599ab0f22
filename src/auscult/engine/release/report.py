"""The report of a release: one HTML file that can be read without a network, and a model card."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from auscult.base.files import read_json, write_bytes
from auscult.engine.release.card import model_card
from auscult.engine.release.evidence import Evidence
from auscult.engine.release.report_limits import (
    by_subject_section,
    faults_section,
    leaks_section,
    study_section,
    subgroups_section,
)
from auscult.engine.release.report_origin import (
    calibration_section,
    data_section,
    latency_section,
    provenance_section,
    split_section,
)
from auscult.engine.release.report_parts import Section, Source
from auscult.engine.release.report_results import (
    choice_section,
    gates_section,
    pictures_section,
    results_section,
)
from auscult.engine.release.report_summary import intent_section, summary_section, title_rows

TEMPLATE = "report.html.j2"


def write_report(folder: Path, evidence: Evidence, manifest: Mapping[str, Any]) -> None:
    """Write ``report.html`` and ``model-card.md``.

    Parameters
    ----------
    folder : Path
        The evidence folder of a release; ``calibration.json`` is read from the release where it lies there.
    evidence : Evidence
        What was measured.
    manifest : mapping
        The manifest; ``signed`` may be missing, because a release is signed last.

    Raises
    ------
    LimitError
        If the folder cannot be written.
    """
    fitted = folder.parent / "calibration.json"
    source = Source(evidence, manifest, read_json(fitted) if fitted.exists() else {})
    write_bytes(folder / "report.html", html_report(source).encode())
    write_bytes(folder / "model-card.md", model_card(source).encode())


def sections_of(source: Source) -> tuple[Section, ...]:
    """Every section of the report, in reading order; those that the recipe does not ask for are left out."""
    found = (
        summary_section(source),
        intent_section(source),
        results_section(source),
        gates_section(source),
        choice_section(source),
        pictures_section(source),
        subgroups_section(source),
        by_subject_section(source),
        leaks_section(source),
        faults_section(source),
        study_section(source),
        data_section(source),
        split_section(source),
        calibration_section(source),
        latency_section(source),
        provenance_section(source),
    )
    return tuple(section for section in found if section is not None)


def html_report(source: Source) -> str:
    """Return the report as one HTML page that loads nothing.

    Parameters
    ----------
    source : Source
        Evidence, manifest and calibration.

    Returns
    -------
    str
        The same text for the same source.
    """
    text = files("auscult.engine.release").joinpath(TEMPLATE).read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(text).render(
        name=source.evidence.recipe.name,
        task=source.spec.summary,
        title=title_rows(source),
        sections=sections_of(source),
    )
