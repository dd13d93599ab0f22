"""The list of the report's sections, by anchor and in reading order; the page and the model card take them from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

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
from auscult.engine.release.report_parts import Block, Section, Source
from auscult.engine.release.report_results import (
    choice_section,
    gates_section,
    pictures_section,
    results_section,
)
from auscult.engine.release.report_summary import intent_section, summary_section

SECTIONS: Mapping[str, Callable[[Source], Section | None]] = MappingProxyType(
    {
        "summary": summary_section,
        "intent": intent_section,
        "results": results_section,
        "gates": gates_section,
        "choice": choice_section,
        "pictures": pictures_section,
        "subgroups": subgroups_section,
        "by-subject": by_subject_section,
        "leaks": leaks_section,
        "faults": faults_section,
        "study": study_section,
        "data": data_section,
        "split": split_section,
        "calibration": calibration_section,
        "latency": latency_section,
        "provenance": provenance_section,
    }
)


def sections_of(source: Source) -> tuple[Section, ...]:
    """Write every section of the report, in reading order; those that the recipe does not ask for are left out."""
    found = (write(source) for write in SECTIONS.values())
    return tuple(section for section in found if section is not None)


def blocks_of(source: Source, anchor: str) -> tuple[Block, ...]:
    """Write what stands below one heading; nothing where the recipe does not ask for that section."""
    section = SECTIONS[anchor](source)
    return () if section is None else section.blocks
