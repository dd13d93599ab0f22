"""What carried the answers about a compound, and what else is known of it: for reports on single compounds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import RecordBatch, Run, WriteContext
from auscult.base.errors import UsageError
from auscult.base.files import write_bytes
from auscult.domains.molecules.preprocess.alerts import alerts
from auscult.domains.molecules.preprocess.atoms import atom_weights
from auscult.domains.molecules.preprocess.compounds import CompoundConfig, compound_inputs
from auscult.domains.molecules.preprocess.draw import draw_weights
from auscult.domains.molecules.preprocess.molecule import read_again
from auscult.domains.molecules.preprocess.standardise import step_names

ABOUT_ATOMS = (
    "fall of the raw score when the fingerprints lose every environment that holds the atom, and a graph the atom; "
    "descriptors stay"
)


def explain_compounds(
    batch: RecordBatch, run: Run, config: CompoundConfig, *, output: str, labels: Sequence[str]
) -> list[dict[str, Any]]:
    """Say for each prepared compound which atoms carry the score of each label, its alerts and its standardisation.

    Parameters
    ----------
    batch : RecordBatch
        Prepared.
    run : Run
        The program.
    config : CompoundConfig
        Which inputs there are.
    output : str
        Output of the program, (N, K).
    labels : sequence of str
        Names of the last columns of the output.
    """
    told = []
    inputs = compound_inputs(batch, config)
    steps = np.asarray(batch.dense("steps"))
    for row, molecule in enumerate(_molecules(batch)):
        weights = atom_weights(molecule, {n: v[row : row + 1] for n, v in inputs.items()}, run, output)
        columns = weights[:, weights.shape[1] - len(labels) :]
        told.append(
            {
                "atoms": {name: np.round(columns[:, k], 4).tolist() for k, name in enumerate(labels)},
                "about_atoms": ABOUT_ATOMS,
                "alerts": [{"set": a.set, "name": a.name, "source": a.source} for a in alerts(molecule)],
                "standardised": step_names(int(steps[row])),
            }
        )
    return told


def write_drawings(
    batch: RecordBatch, score: Array, out: Path, *, labels: Sequence[str], context: WriteContext
) -> list[tuple[Path, ...]]:
    """Draw each compound by the label with the highest score, and return the files.

    Parameters
    ----------
    batch : RecordBatch
        Prepared.
    score : (N, K) array
        Calibrated, one column a label.
    out : Path
        Folder.
    labels : sequence of str
        Names of the columns.
    context : WriteContext
        What carried the answers.

    Raises
    ------
    UsageError
        If it was not asked what carried the answers, or a file is there already.
    """
    if not context.explained:
        raise UsageError("--out: expected --explain beside it: what is drawn of a compound is what carried its answer")
    written: list[tuple[Path, ...]] = []
    for row, (molecule, told) in enumerate(zip(_molecules(batch), context.explained, strict=True)):
        label = labels[int(score[row].argmax())]
        name = str(batch.record[row]).rpartition("/")[2]
        path = context.fresh(out, f"{file_name(name)}-{file_name(label)}.svg")
        write_bytes(path, draw_weights(molecule, np.asarray(told["atoms"][label])).encode())
        written.append((path,))
    return written


def file_name(text: str) -> str:
    """A text as a part of a file's name."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-.") or "record"


def _molecules(batch: RecordBatch) -> list[Any]:
    return [read_again(str(text)) for text in batch.dense("smiles")]
