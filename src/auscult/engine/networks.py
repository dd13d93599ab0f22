"""Networks to start from: where they lie, what they are, and which records they have seen.

A setting of a model is one by its type, ``Network``: a local folder with ``config.json`` and ``model.safetensors``, or
a run or release of this package whose program brings its network. Such a release says in ``seen.safetensors`` which
records it learned from, as hashes that give no record back, so that a test record that was among them is found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save

from auscult.base.contracts import Config, Domain, Index, NetworkMark, Sketches, Task
from auscult.base.errors import UsageError
from auscult.base.files import hash_of, sha256, sha256_file, write_bytes
from auscult.base.recipe import SplitTable
from auscult.base.registry import load_part
from auscult.engine.dataset import Dataset
from auscult.engine.program import NETWORK
from auscult.engine.quality.minhash import PLACES, alike_to_any
from auscult.engine.task_files import located_folder

SEEN = "seen.safetensors"
_RELEASE = "release.json"

Seen = Mapping[str, npt.NDArray[Any]]


def network_settings(config: type[Config]) -> list[str]:
    """Names of the settings that are networks."""
    return [name for name, f in config.model_fields.items() if any(isinstance(m, NetworkMark) for m in f.metadata)]


def located_network(what: str, stated: str) -> Path:
    """Return the folder of a network that a recipe names: itself, or that inside of a release or a run.

    Raises
    ------
    RecipeError
        If there is no such folder.
    UsageError
        If it is a release whose program has no network.
    """
    folder = located_folder(what, stated)
    release = _release_of(folder)
    if release is None:
        return folder
    if not (release / "program" / NETWORK).is_dir():
        raise UsageError(
            f"{what}: expected a release that brings its network, got {release.name} at {folder.name}, whose program "
            "has none; name one whose model can be trained further"
        )
    return release / "program" / NETWORK


def _release_of(folder: Path) -> Path | None:
    """Return the release that a folder is, or holds as a run."""
    return next((f for f in (folder, folder / "release") if (f / _RELEASE).is_file()), None)


def network_hashes(domain: Domain, model: str, settings: Mapping[str, Any]) -> dict[str, str]:
    """Hash of the files of each network that the settings of a model name, by setting."""
    config = load_part(domain, "models", model).Config
    found = {n: located_network(f"[model] {n}", settings[n]) for n in network_settings(config) if settings.get(n)}
    return {
        name: hash_of({p.name: sha256_file(p) for p in sorted(folder.iterdir()) if p.is_file()})
        for name, folder in found.items()
    }


def write_seen(dataset: Dataset, task: Task, split: SplitTable, *, records: Index, path: Path) -> None:
    """Say which records were learned from: hashes of their units, and their signatures where the task makes such.

    Parameters
    ----------
    dataset : Dataset
        The prepared records.
    task : Task
        One that sketches gives signatures.
    split : SplitTable
        By policy ``group`` its key names the units that stay whole.
    records : (R,) int64
        Those of training and validation.
    path : Path
        The file.
    """
    arrays = {"unit": np.unique(_units(dataset, split)[:, records])}
    if isinstance(task, Sketches):
        arrays["sketch"] = np.unique(_sketches(dataset, task)[records], axis=0)
    write_bytes(path, save({k: np.ascontiguousarray(v) for k, v in arrays.items()}))


def seen_by(folders: Iterable[Path]) -> list[Seen]:
    """What the releases among some folders say that they have seen."""
    releases = [_release_of(f) for f in folders]
    return [load_file(r / SEEN) for r in releases if r is not None and (r / SEEN).is_file()]


def seen_records(dataset: Dataset, task: Task, split: SplitTable, seen: Iterable[Seen]) -> Index:
    """Return which records of a dataset others have learned from, by a unit or by nearly the same content, (R,)."""
    found = np.zeros(len(dataset), dtype=np.bool_)
    for each in seen:
        found |= np.isin(_units(dataset, split), each["unit"]).any(axis=0)
        if "sketch" in each and isinstance(task, Sketches):
            found[alike_to_any(_sketches(dataset, task), each["sketch"])] = True
    return np.flatnonzero(found)


def _sketches(dataset: Dataset, task: Sketches) -> npt.NDArray[np.uint32]:
    parts = [task.sketch(batch) for batch in dataset.batches()]
    return np.concatenate([np.zeros((0, PLACES), np.uint32), *parts])


def _units(dataset: Dataset, split: SplitTable) -> npt.NDArray[np.uint64]:
    """Hashes of what a record belongs to, (U, R): its subject, and its value of the key that the split is by."""
    named: dict[str, npt.NDArray[np.str_]] = {}
    if dataset.subjects is not None:
        named["subject"] = dataset.subjects
    if split.policy == "group" and split.key in dataset.groups:
        named[split.key] = dataset.groups[split.key]
    rows = [[int(sha256(f"{name}\0{v}".encode())[:16], 16) for v in values] for name, values in named.items()]
    return np.array(rows, dtype=np.uint64).reshape(len(rows), len(dataset))
