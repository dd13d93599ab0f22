"""Raw rows of molecules → standardised molecules with their features; the same code in training and serving.

One pass over a batch: each structure is parsed once, standardised, and turned into fingerprints and descriptors. A
structure that is none is named with its reason and costs nothing but itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field as Setting
from pydantic import model_validator

from auscult.base.arrays import Array, Column
from auscult.base.contracts import Config, Field, Items, RecordBatch
from auscult.base.errors import ReadError, unknown
from auscult.domains.molecules.preprocess.descriptors import DescriptorSet, descriptor_names, descriptors
from auscult.domains.molecules.preprocess.fingerprints import FingerprintName, fingerprints
from auscult.domains.molecules.preprocess.graph import GRAPH, check_graph, graphs
from auscult.domains.molecules.preprocess.molecule import MAX_ATOMS, read_again, read_molecule
from auscult.domains.molecules.preprocess.scaffold import scaffold_key
from auscult.domains.molecules.preprocess.standardise import DEFAULT, Step, standardise


class CompoundConfig(Config):
    """What every task on molecules can be told about them."""

    fingerprints: tuple[FingerprintName | Literal["graph"], ...] = Setting(
        ("ecfp4", "graph"),
        min_length=1,
        description="Fingerprints that models may use, each an input of its name; compounds are alike by the first. "
        "'graph' is the atoms and bonds themselves, for 'dmpnn'.",
    )
    descriptors: DescriptorSet = Setting(
        "rdkit", description="RDKit's 2D descriptors as the input 'descriptors': all, the quick ones, or none."
    )
    standardise: tuple[Step, ...] = Setting(
        DEFAULT, description="Steps of standardisation; each runs where a structure asks for it."
    )
    max_atoms: int = Setting(MAX_ATOMS, ge=1, description="Heavy atoms at the most; a larger structure is set aside.")

    @model_validator(mode="after")
    def _alike_by_the_first(self) -> Self:
        if self.fingerprints[0] == GRAPH:
            raise ValueError("fingerprints: expected one by which compounds are alike first, such as ecfp4; got graph")
        return self


@dataclass(frozen=True, repr=False)
class Parsed:
    """The rows of a batch whose structure could be read.

    Parameters
    ----------
    rows : list of int
        Which rows.
    molecules : list of rdkit.Chem.Mol
        Standardised.
    steps : list of int
        Which steps changed each, as bits of ``standardise.STEPS``.
    texts : list of str
        Canonical SMILES of those that a step wrote, else empty.
    reasons : dict of int to str
        Why the other rows cannot be used.
    """

    rows: list[int]
    molecules: list[Any]
    steps: list[int]
    texts: list[str]
    reasons: dict[int, str]


def parse(smiles: Iterable[str], config: CompoundConfig) -> Parsed:
    """Read and standardise structures."""
    from rdkit import rdBase

    made = Parsed([], [], [], [], {})
    with rdBase.BlockLogs():
        for row, text in enumerate(smiles):
            try:
                molecule, steps, written = standardise(
                    read_molecule(text, max_atoms=config.max_atoms), text, config.standardise
                )
                if GRAPH in config.fingerprints:
                    check_graph(molecule, config.max_atoms)
            except ReadError as error:
                made.reasons[row] = str(error)
                continue
            made.rows.append(row)
            made.molecules.append(molecule)
            made.steps.append(steps)
            made.texts.append(written)
    return made


def sift_compounds(
    batch: RecordBatch, config: CompoundConfig, columns: Sequence[str]
) -> tuple[RecordBatch | None, Mapping[int, str]]:
    """Prepare the compounds of a batch, and say which rows cannot be used.

    Parameters
    ----------
    batch : RecordBatch
        With the field ``smiles``, and ``values`` where something was measured.
    config : CompoundConfig
        Features and standardisation.
    columns : sequence of str
        Columns of ``values`` that are the target, K of them.

    Returns
    -------
    (RecordBatch or None, dict)
        ``smiles`` standardised, ``steps``, one field a fingerprint, ``descriptors``, and ``measured`` (K,), NaN where
        missing, if the batch has all the columns. Compounds that were measured get the groups ``scaffold`` and
        ``role``.

    Raises
    ------
    ReadError
        If the batch has no structures, or only some of the target's columns.
    """
    if not batch.has("smiles"):
        raise ReadError(f"expected molecules as SMILES, got {', '.join(batch.columns) or 'nothing'}")
    measured = _measured(batch, columns)
    made = parse(batch.dense("smiles").tolist(), config)
    if not made.rows:
        return None, made.reasons
    kept = np.array(made.rows, dtype=np.int64)
    chosen: dict[Field, Column] = {
        Field("smiles", "text"): _texts(batch.dense("smiles")[kept], made, canonical=measured is not None),
        Field("steps", "scalar"): np.array(made.steps, dtype=np.uint8),
    }
    for name in config.fingerprints:
        chosen[Field(name, "array", "F")] = _feature(made.molecules, name, config)
    if config.descriptors != "none":
        chosen[Field("descriptors", "array", "F")] = descriptors(made.molecules, config.descriptors)
    if measured is not None:
        chosen[Field("measured", "array", "K", channels=tuple(columns), missing=True)] = measured[kept]
    prepared = RecordBatch(tuple(chosen), {f.name: c for f, c in chosen.items()}, batch.record[kept], None)
    return replace(prepared, groups=_groups(batch, kept, made, measured is not None)), made.reasons


def _feature(molecules: Sequence[Any], name: FingerprintName | Literal["graph"], config: CompoundConfig) -> Array:
    return graphs(molecules, config.max_atoms) if name == "graph" else fingerprints(molecules, name)


def prepare_compounds(batch: RecordBatch, config: CompoundConfig, columns: Sequence[str]) -> RecordBatch:
    """Prepare the compounds of a batch, all of them.

    Raises
    ------
    ReadError
        If a structure cannot be used, or ``sift_compounds`` refuses the batch.
    """
    prepared, reasons = sift_compounds(batch, config, columns)
    if prepared is None or reasons:
        raise ReadError(next(iter(reasons.values())))
    return prepared


def measured_items(batch: RecordBatch, config: CompoundConfig) -> tuple[Items, Array | None]:
    """Items of the compounds that were measured, to learn from, and what was measured, (N,).

    A batch without any measurement gives an item for every compound, and nothing measured.
    """
    items = compound_items(batch, config, None)
    if not batch.has("measured"):
        return items, None
    measured = np.asarray(batch.dense("measured"), dtype=np.float64)[:, 0]
    rows = np.flatnonzero(np.isfinite(measured))
    inputs = {name: values[rows] for name, values in items.inputs.items()}
    return Items(inputs, rows.astype(np.int64), np.zeros(len(rows), dtype=np.int64)), measured[rows]


def compound_inputs(batch: RecordBatch, config: CompoundConfig) -> dict[str, Array]:
    """Inputs of models: fingerprints (N, F) uint8, ``graph`` (N, L) int64, ``descriptors`` (N, F) float32."""
    inputs: dict[str, Array] = {name: np.asarray(batch.dense(name)) for name in config.fingerprints}
    if config.descriptors != "none":
        inputs["descriptors"] = np.asarray(batch.dense("descriptors"))
    return inputs


def compound_bits(items: Items, config: CompoundConfig) -> Array:
    """Bits by which compounds are alike, (N, F) uint8: the first fingerprint, also where it counts."""
    return (items.inputs[config.fingerprints[0]] > 0).astype(np.uint8)


def compound_identity(batch: RecordBatch) -> npt.NDArray[np.str_]:
    """Canonical SMILES of prepared compounds: the same for one structure however it was written."""
    from rdkit import Chem

    return np.array([Chem.MolToSmiles(read_again(str(text))) for text in batch.dense("smiles")], dtype=np.str_)


def compound_items(batch: RecordBatch, config: CompoundConfig, target: Array | None) -> Items:
    """One item a compound."""
    rows = np.arange(len(batch), dtype=np.int64)
    return Items(compound_inputs(batch, config), rows, np.zeros_like(rows), target)


def _measured(batch: RecordBatch, columns: Sequence[str]) -> Array | None:
    """Return the target's columns (N, K), or nothing where none of them is there."""
    if not batch.has("values"):
        return None
    there = batch.field("values").channels
    absent = [name for name in columns if name not in there]
    if len(absent) == len(columns):
        return None
    if absent:
        raise ReadError(unknown("column", absent[0], there, where="the measured values"))
    return np.asarray(batch.dense("values")[:, [there.index(name) for name in columns]], dtype=np.float64)


def _texts(given: Array, made: Parsed, *, canonical: bool) -> Array:
    """SMILES of the standardised molecules: canonical to learn from, as given where nothing changed otherwise."""
    from rdkit import Chem

    texts = [
        written or (Chem.MolToSmiles(m) if canonical or steps else str(text))
        for text, m, steps, written in zip(given, made.molecules, made.steps, made.texts, strict=True)
    ]
    return np.array(texts, dtype=np.str_)


def _groups(batch: RecordBatch, kept: Array, made: Parsed, measured: bool) -> dict[str, Array]:
    groups = {key: values[kept] for key, values in batch.groups.items()}
    if measured:
        groups["scaffold"] = np.array([scaffold_key(m) for m in made.molecules], dtype=np.str_)
    return groups


def feature_names(config: CompoundConfig) -> tuple[str, ...]:
    """Names of the descriptor columns."""
    return descriptor_names(config.descriptors)
