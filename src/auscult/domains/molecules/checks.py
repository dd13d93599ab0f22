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
from auscult.domains.molecules.preprocess.molecule import has_syntax, read_again
from auscult.domains.molecules.preprocess.standardise import STEPS

MAX_NAMED = 20
FEWEST_ATOMS, MOST_ATOMS = 4, 100
FEW_LETTERS, MANY_LETTERS = 40, 100
"""A SMILES of a length between these has neither too few atoms nor too many: it need not be read."""
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


def broken_structures(batches: Iterable[RecordBatch]) -> list[Finding]:
    """Records as they come from files whose structure breaks the syntax of SMILES."""
    found = []
    for batch in batches:
        if batch.has("smiles") and not batch.has("steps"):  # those that were prepared have been read
            pairs = zip(batch.record.tolist(), batch.dense("smiles").tolist(), strict=True)
            found += [record for record, smiles in pairs if not has_syntax(smiles)]
    text = "structures that break the syntax of SMILES; a build sets them aside"
    return [_finding("broken-structures", text, found, "warning")] if found else []


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
            measured = _known(batch)
            for record, smiles, values in zip(batch.record.tolist(), batch.dense("smiles"), measured, strict=True):
                rows[str(smiles)].append((record, values))
    found = [record for same in rows.values() if _differ([v for _, v in same]) for record, _ in same]
    text = "records of one structure after standardisation that were measured differently"
    return [_finding("conflicting-measurements", text, found, "warning")] if found else []


def duplicates(batches: Iterable[RecordBatch]) -> list[Finding]:
    """Records of one structure after standardisation, however each was written."""
    rows: dict[str, list[str]] = defaultdict(list)
    for batch in batches:
        if batch.has("smiles") and batch.has("measured"):
            for record, smiles in zip(batch.record.tolist(), batch.dense("smiles").tolist(), strict=True):
                rows[smiles].append(record)
    found = [record for same in rows.values() if len(same) > 1 for record in same]
    return [_finding("duplicates", "records of one structure after standardisation", found, "warning")] if found else []


def scaffold_overlap(batches: Iterable[RecordBatch]) -> list[Finding]:
    """Test compounds whose scaffold is in training or validation too, where the files say what is for what."""
    known: set[str] = set()
    test: list[tuple[str, str]] = []
    for batch in batches:
        if "scaffold" in batch.groups and "role" in batch.groups:
            rows = zip(batch.record.tolist(), batch.groups["scaffold"].tolist(), batch.groups["role"], strict=True)
            for record, scaffold, role in rows:
                if role in ("train", "valid"):
                    known.add(scaffold)
                elif role == "test":
                    test.append((record, scaffold))
    found = [record for record, scaffold in test if scaffold in known]
    text = f"of {len(test)} test compounds whose scaffold is also in training or validation"
    return [_finding("scaffold-overlap", text, found, "info")] if found and known else []


def sizes(batches: Iterable[RecordBatch]) -> list[Finding]:
    """Compounds of fewer heavy atoms than a model can tell apart, or more than most drugs have."""
    small, large = list[str](), list[str]()
    for batch in batches:
        if batch.has("smiles"):
            for record, smiles in zip(batch.record.tolist(), batch.dense("smiles").tolist(), strict=True):
                if FEW_LETTERS < len(smiles) < MANY_LETTERS:
                    continue
                molecule = read_again(smiles)
                if molecule is None:
                    continue  # ``broken_structures`` counts it
                n_atoms = molecule.GetNumHeavyAtoms()
                small += [record] * (n_atoms < FEWEST_ATOMS)
                large += [record] * (n_atoms > MOST_ATOMS)
    texts = (
        (small, f"compounds of fewer than {FEWEST_ATOMS} heavy atoms, such as gases and ions"),
        (large, f"compounds of more than {MOST_ATOMS} heavy atoms, such as peptides and polymers"),
    )
    return [_finding("sizes", text, found, "info") for found, text in texts if found]


def missing_measurements(batches: Iterable[RecordBatch]) -> list[Finding]:
    """Targets that were not measured for a share of the compounds, each with the share."""
    missing: dict[str, int] = defaultdict(int)
    total = 0
    for batch in batches:
        if batch.has("measured"):
            total += len(batch)
            for name, column in zip(batch.field("measured").channels, _known(batch).T, strict=True):
                missing[name] += int(np.count_nonzero(np.isnan(column)))
    return [
        Finding(
            "missing-measurements",
            "warning" if 2 * count > total else "info",
            f"compounds without a measurement of '{name}': {100 * count / total:.0f} % of {total}",
            count,
        )
        for name, count in missing.items()
        if count
    ]


def _known(batch: RecordBatch) -> Array:
    """What was measured, (N, K), NaN where unknown; -1 is unknown where every value is yes or no."""
    given = np.asarray(batch.dense("measured"), dtype=np.float64)
    yes_or_no = np.isin(given, (UNKNOWN, 0.0, 1.0)) | np.isnan(given)
    return np.where((given == UNKNOWN) & yes_or_no.all(axis=0), np.nan, given)


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
