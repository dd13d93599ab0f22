"""Structural alerts: substructures that are known for misleading assays (PAINS) or for trouble in drugs (Brenk).

The patterns are RDKit's catalogues of Baell and Holloway 2010 (J Med Chem 53:2719) and Brenk et al. 2008 (ChemMedChem
3:435). An alert is a reason to look, not a finding: many drugs have one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

SETS = ("PAINS", "BRENK")


@dataclass(frozen=True)
class Alert:
    """One pattern that a molecule has.

    Parameters
    ----------
    set : str
        Catalogue, such as ``PAINS_A``.
    name : str
        Name of the pattern there.
    source : str
        The paper.
    atoms : tuple of int
        Atoms of the first place where it lies.
    """

    set: str
    name: str
    source: str
    atoms: tuple[int, ...]


def alerts(molecule: Any) -> list[Alert]:
    """Return every alert of a molecule (rdkit.Chem.Mol)."""
    found = []
    for entry in _catalogue().GetMatches(molecule):
        places = entry.GetFilterMatches(molecule)
        atoms = tuple(sorted(pair[1] for pair in places[0].atomPairs)) if places else ()
        source = entry.GetProp("Reference").strip()
        found.append(Alert(entry.GetProp("FilterSet"), entry.GetDescription(), source, atoms))
    return found


@cache
def _catalogue() -> Any:
    from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams

    chosen = FilterCatalogParams()
    for name in SETS:
        chosen.AddCatalog(getattr(FilterCatalogParams.FilterCatalogs, name))
    return FilterCatalog(chosen)
