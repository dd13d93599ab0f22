"""Libraries for the comparisons of speed: real structures, the public sets in turn, and how a large one is answered."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from measure import AUSCULT, DATA, Spent, spend

SETS = (
    "molecules/moleculenet_scaffold/tox21", "molecules/moleculenet_scaffold/bbbp",
    "molecules/moleculenet_scaffold/bace", "molecules/tdc_admet_group/ames",
    "molecules/tdc_admet_group/solubility_aqsoldb", "molecules/tdc_admet_group/lipophilicity_astrazeneca",
)  # fmt: skip
SIMULATED = 4000
SETTLED = 50_000
"""A worker reaches its working size with its fourth part: a quarter of a library is at least so large."""


def structures() -> tuple[list[str], str]:
    """SMILES of the public sets, each text once, and what they are; simulated ones where there are no sets."""
    root = os.environ.get(DATA, "")
    if not root or not all((Path(root) / name).exists() for name in SETS):
        import numpy as np

        from auscult.domains.molecules.simulate.compounds import make_compounds

        return [c.smiles for c in make_compounds(np.random.default_rng(0), SIMULATED)], "simulated compounds"
    found: dict[str, None] = {}
    for name in SETS:
        for path in sorted((Path(root) / name).glob("*.csv")):
            with path.open(encoding="utf-8", newline="") as stream:
                for row in csv.DictReader(stream):
                    found[row.get("smiles") or row["Drug"]] = None
    return list(found), "Tox21, BBBP, BACE, Ames, AqSolDB and AstraZeneca compounds, in turn"


def write_library(path: Path, smiles: list[str], count: int) -> None:
    """Write so many rows under a header ``smiles,name``; the structures come again from the start when they run out."""

    def lines() -> Iterator[str]:
        yield "smiles,name\n"
        for k in range(count):
            yield f"{smiles[k % len(smiles)]},C{k}\n"

    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(lines())


def ended(spent: Spent) -> Spent:
    """A measured command that did what it was asked for."""
    if spent.status:
        raise SystemExit(f"a measured command ended with status {spent.status}")
    return spent


def answer(folder: Path, library: Path, out: Path) -> Spent:
    """Answer a library with our command."""
    shutil.rmtree(out, ignore_errors=True)
    return ended(spend([*AUSCULT, "predict", str(folder), str(library), "--table", str(out)]))


def answer_large(
    folder: Path, write: Callable[[Path, int], None], library: Path, *, count: int
) -> tuple[float, dict[str, Any]]:
    """Answer a large library and a quarter of it: seconds for a million, and what the figure is read with.

    Parameters
    ----------
    folder : Path
        A release.
    write : callable
        Writes a library of so many records at a path.
    library : Path
        Where it is written; the answers come beside it.
    count : int
        Records.
    """
    spent = []
    out = library.with_name("out")
    for n in (max(count // 4, SETTLED), count):
        write(library, n)
        spent.append(answer(folder, library, out))
    quarter, whole = spent
    context = {
        "rows": sum(1 for _ in (out / "answers.csv").open(encoding="utf-8")) - 1,
        "release": folder.parent.name,
        "peak_memory_gib": round(whole.peak_memory_gib, 3),
        "peak_memory_gib_of_a_quarter": round(quarter.peak_memory_gib, 3),
        "seconds_of_a_quarter": round(quarter.seconds, 1),
    }
    return whole.seconds * 1_000_000 / count, context
