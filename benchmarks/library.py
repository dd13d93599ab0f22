"""Libraries of real structures for the comparisons of speed: the public sets in turn, as often as it takes."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path

from measure import DATA

SETS = (
    "molecules/moleculenet_scaffold/tox21", "molecules/moleculenet_scaffold/bbbp",
    "molecules/moleculenet_scaffold/bace", "molecules/tdc_admet_group/ames",
    "molecules/tdc_admet_group/solubility_aqsoldb", "molecules/tdc_admet_group/lipophilicity_astrazeneca",
)  # fmt: skip
SIMULATED = 4000


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
