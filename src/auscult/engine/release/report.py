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
from auscult.engine.release.report_parts import Source
from auscult.engine.release.report_sections import sections_of
from auscult.engine.release.report_summary import title_rows

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
