"""What to look for in compounds before anything is learned from them; a finding names at most 20 records.

Each check sees prepared records: structures are standardised, and those to learn from are canonical. No message holds
a structure.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import Finding, RecordBatch, Severity
from auscult.domains.molecules.preprocess.standardise import STEPS

MAX_NAMED = 20
UNKNOWN = -1.0
"""What the files of MoleculeNet write where nothing was measured."""
_ATOM = re.compile(r"\[\d*([A-Za-z][a-z]?)")
ORGANIC = frozenset(
    (
        "H", "D", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "As", "Se", "Br", "Te", "I",
        "b", "c", "n", "o", "p", "s", "as", "se", "te", "si",
    )
)  # fmt: skip
"""Elements of organic chemistry in brackets; fingerprints and descriptors were made for these."""


def standardised(batches: Iterable[RecordBatch]) -> list[Finding]:
    """Compounds that a step of standardisation changed, step by step: salts, charges, isotopes, tautomers."""
    named: dict[str, list[str]] = {step: [] for step in STEPS}
    for batch in batches:
        if batch.has("steps"):
            done = np.asarray(batch.dense("steps")).astype(np.int64)
            for bit, step in enumerate(STEPS):
                named[step] += batch.record[(done >> bit & 1).astype(bool)].tolist()
    return [
        _finding("standardised", f"compounds that the step '{step}' changed", records, "info")
        for step, records in named.items()
        if records
    ]


def metals(batches: Iterable[RecordBatch]) -> list[Finding]:
    """Compounds with elements that fingerprints and descriptors were not made for."""
    found = []
    for batch in batches:
        if batch.has("smiles"):
            pairs = zip(batch.record.tolist(), batch.dense("smiles").tolist(), strict=True)
            found += [record for record, smiles in pairs if not _elements(smiles) <= ORGANIC]
    text = "compounds with a metal or another rare element, for which fingerprints and descriptors say little"
    return [_finding("metals", text, found, "warning")] if found else []


def conflicting_measurements(batches: Iterable[RecordBatch]) -> list[Finding]:
    """Records of one structure after standardisation whose measurements contradict each other."""
    rows: dict[str, list[tuple[str, Array]]] = defaultdict(list)
    for batch in batches:
        if batch.has("smiles") and batch.has("measured"):
            given = np.asarray(batch.dense("measured"), dtype=np.float64)
            measured = np.where(given == UNKNOWN, np.nan, given)
            for record, smiles, values in zip(batch.record.tolist(), batch.dense("smiles"), measured, strict=True):
                rows[str(smiles)].append((record, values))
    found = [record for same in rows.values() if _differ([v for _, v in same]) for record, _ in same]
    text = "records of one structure after standardisation that were measured differently"
    return [_finding("conflicting-measurements", text, found, "warning")] if found else []


def _differ(values: list[Array]) -> bool:
    """Whether a column has two different known values; NaN is unknown."""
    if len(values) < 2:
        return False
    table = np.stack(values)
    low, high = np.where(np.isnan(table), np.inf, table).min(0), np.where(np.isnan(table), -np.inf, table).max(0)
    return bool((high > low).any())


def _elements(smiles: str) -> set[str]:
    """Symbols in brackets; without brackets only organic elements can stand."""
    return set(_ATOM.findall(smiles)) if "[" in smiles else set()


def _finding(check: str, text: str, records: list[str], severity: Severity) -> Finding:
    return Finding(check, severity, text, len(records), tuple(records[:MAX_NAMED]))
