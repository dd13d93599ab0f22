"""Simulated exports of compound data: for golden inputs, tests and the first recipe. Nothing in them was measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from auscult.domains.molecules.simulate.compounds import make_compounds

EFFECTS = ("reactive", "narcotic", "receptor")
MISSING = 0.15
NOISE = 0.2
"""Spread of the simulated measurement."""


def write_assays_example(folder: Path, seed: int, *, small: bool) -> None:
    """Write a table of simulated compounds with three simulated effects: 24 compounds, or 480; some cells are empty."""
    rng = np.random.default_rng(seed)
    lines = [",".join(("compound_id", "smiles", *EFFECTS))]
    for k, compound in enumerate(make_compounds(rng, 24 if small else 480)):
        holds = rng.random(3) < compound.effects
        cells = ["" if rng.random() < MISSING else str(int(v)) for v in holds]
        lines.append(",".join((f"SIM-{k + 1:04d}", compound.smiles, *cells)))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "simulated_assays.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_properties_example(folder: Path, seed: int, *, small: bool) -> None:
    """Write simulated compounds with a simulated lipophilicity, 24 or 480: a table, and a quarter of them as SDF.

    Some have no measurement.
    """
    from rdkit import Chem

    rng = np.random.default_rng(seed)
    lines, blocks = ["compound_id,smiles,lipophilicity"], list[str]()
    for k, compound in enumerate(make_compounds(rng, 24 if small else 480)):
        cell = "" if rng.random() < MISSING else f"{compound.lipophilicity + rng.normal(0, NOISE):.2f}"
        if k % 4:
            lines.append(f"SIM-{k + 1:04d},{compound.smiles},{cell}")
        else:
            block = Chem.MolToMolBlock(Chem.MolFromSmiles(compound.smiles))
            blocks.append(f"SIM-{k + 1:04d}{block}>  <lipophilicity>\n{cell}\n\n$$$$\n")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "simulated_properties.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "simulated_structures.sdf").write_text("".join(blocks), encoding="utf-8")


def write_screening_example(folder: Path, seed: int, *, small: bool) -> None:
    """Write lists of actives and decoys of three simulated effects, from 24 compounds or 480."""
    rng = np.random.default_rng(seed)
    made = make_compounds(rng, 24 if small else 480)
    folder.mkdir(parents=True, exist_ok=True)
    for k, effect in enumerate(EFFECTS):
        listed: dict[str, list[str]] = {"actives": [], "decoys": []}
        for number, compound in enumerate(made):
            if number % len(EFFECTS) == k:  # a compound stands in the lists of one effect
                kind = "actives" if compound.effects[k] > rng.random() else "decoys"
                listed[kind].append(f"SIM-{number + 1:04d}\t{compound.smiles}")
        for kind, lines in listed.items():
            if not lines:
                continue
            text = "\n".join(["# Mol_Title\tSMILES", *lines]) + "\n"
            (folder / f"simulated_{effect}_{kind}.tsv").write_text(text, encoding="utf-8")
