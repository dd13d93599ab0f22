"""A molecule as a picture (SVG): each atom on a disc whose colour and size say what it carries."""

from __future__ import annotations

from typing import Any

import numpy as np

from auscult.base.arrays import Array

FOR, AGAINST = (0.91, 0.49, 0.39), (0.42, 0.63, 0.85)
"""Colours that people with red-green blindness tell apart (as in ColorBrewer RdBu)."""
FAINT = 0.08
"""An atom with a smaller share of the largest weight is left without colour."""
WIDTH, HEIGHT = 460, 260


def draw_weights(molecule: Any, weights: Array) -> str:
    """Draw a molecule with its atoms coloured by weight.

    Parameters
    ----------
    molecule : rdkit.Chem.Mol
        With A atoms.
    weights : (A,) array
        Positive speaks for the score, negative against it.

    Returns
    -------
    str
        SVG.
    """
    from rdkit.Chem.Draw import rdMolDraw2D

    scale = max(float(np.abs(weights).max(initial=0.0)), 1e-12)
    share = np.abs(weights) / scale
    atoms = [int(a) for a in np.flatnonzero(share >= FAINT)] if scale > 1e-9 else []
    colours = {a: _shade(FOR if weights[a] > 0 else AGAINST, float(share[a])) for a in atoms}
    sizes = {a: 0.25 + 0.25 * float(share[a]) for a in atoms}
    drawer: Any = rdMolDraw2D.MolDraw2DSVG(WIDTH, HEIGHT)
    drawer.drawOptions().clearBackground = False
    ready = rdMolDraw2D.PrepareMolForDrawing(molecule, kekulize=True)
    drawer.DrawMolecule(
        ready, highlightAtoms=atoms, highlightAtomColors=colours, highlightAtomRadii=sizes, highlightBonds=[]
    )
    drawer.FinishDrawing()
    text: str = drawer.GetDrawingText()
    return text[text.index("<svg") :]


def _shade(colour: tuple[float, float, float], share: float) -> tuple[float, float, float]:
    """Mix with white: the less a share, the paler."""
    red, green, blue = (1 - (1 - part) * (0.35 + 0.65 * share) for part in colour)
    return red, green, blue
