"""Toxicity of a library, file to calibrated answers of twelve assays: our fast release against ``chemprop predict``.

Both sides are the command line, on the same file and on both cores; the time for a file of a few rows is taken off, so
that neither pays for its start. chemprop (a message passing network, Heid et al. 2024, J Chem Inf Model 64:9) runs with
the batch size swept and with worker processes, and with its defaults beside; its weights, from three epochs on a few
compounds, do not matter for the time. It lies in an environment of its own: ``--chemprop PATH`` or ``CHEMPROP``.

``--library`` also answers a large library, and says how long that takes and how much memory, against a quarter of it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from library import answer, answer_large, ended, structures, write_library
from measure import AUSCULT, ROOT, RUNS, Spent, comparison, publish, spend, typed

GOAL = 12.0
LIBRARY_GOAL_S = 120.0
FEW = 64
ASSAYS = 12
RECIPE = "recipes/molecules/tox21-fast.toml"
SIMULATED = "recipes/molecules/toxicity-simulated.toml"
DEFAULT = "default (batch size 64, no workers)"
SETTINGS: dict[str, tuple[str, ...]] = {
    DEFAULT: (),
    "batch size 512": ("--batch-size", "512"),
    "batch size 2048": ("--batch-size", "2048"),
    "batch size 512, 1 worker": ("--batch-size", "512", "--num-workers", "1"),
}


def release() -> Path:
    """Return the release of the fast recipe; built on simulated compounds where the recipe was not run."""
    made = RUNS / "tox21-fast" / "release"
    if made.exists():
        return made
    out = RUNS / "speed-toxicity"
    changes = ("task.descriptors=none", 'model.inputs=["ecfp4"]', "model.rounds=60", "model.leaves=15")
    options = [part for change in changes for part in ("--set", change)]
    spend([*AUSCULT, "build", str(ROOT / SIMULATED), "--out", str(out), "--model", "descriptor-trees", *options])
    return out / "release"


def valid_structures() -> tuple[list[str], str]:
    """Structures that RDKit can read: chemprop ends at the first other one."""
    from rdkit import Chem, rdBase

    smiles, what = structures()
    with rdBase.BlockLogs():
        return [s for s in smiles if Chem.MolFromSmiles(s) is not None], f"{what}, valid ones"


def chemprop_model(program: str, scratch: Path, smiles: Sequence[str]) -> Path:
    """Train chemprop's default network for a moment, on any labels."""
    table = scratch / "train.csv"
    names = [f"assay{k}" for k in range(ASSAYS)]
    rows = [f"{s},{','.join(str((k + j) % 2) for j in range(ASSAYS))}" for k, s in enumerate(smiles[:200])]
    table.write_text("\n".join([",".join(["smiles", *names]), *rows]) + "\n", encoding="utf-8")
    command = [program, "train", "-i", str(table), "--smiles-columns", "smiles", "--target-columns", *names]
    command += ["--task-type", "classification", "--epochs", "3", "-o", str(scratch / "model"), "--accelerator", "cpu"]
    subprocess.run(command, check=True, capture_output=True)
    return sorted((scratch / "model").rglob("*.pt"))[0]


def chemprop(program: str, model: Path, library: Path, options: Sequence[str]) -> Spent:
    """Answer a library with chemprop's command."""
    command = [program, "predict", "-i", str(library), "--smiles-columns", "smiles", "--model-paths", str(model)]
    command += ["--accelerator", "cpu", "-o", str(library.with_suffix(".chemprop.csv")), *options]
    return ended(spend(command))


def against_chemprop(program: str, scratch: Path, *, count: int, theirs: int) -> None:
    """Compare, and write the result."""
    smiles, what = valid_structures()
    files = {n: scratch / f"library-{n}.csv" for n in (FEW, count, theirs)}
    for n, path in files.items():
        write_library(path, smiles, n)
    folder = release()
    start, whole = (answer(folder, files[n], scratch / "out") for n in (FEW, count))
    ours = count / (whole.seconds - start.seconds)
    peers: list[dict[str, Any]] = []
    if program:
        model = chemprop_model(program, scratch, smiles)
        begin = chemprop(program, model, files[FEW], ()).seconds
        for setting, options in SETTINGS.items():
            spent = chemprop(program, model, files[theirs], options)
            rate = theirs / (spent.seconds - begin)
            note = f"peak memory {spent.peak_memory_gib:.2f} GiB for {theirs} compounds"
            version = _version(program)
            entry = {"name": "chemprop", "version": version, "setting": setting, "value": rate, "ratio": ours / rate}
            peers.append({**entry, "note": note})
            print(f"chemprop, {setting}: {rate:.0f}/s", flush=True)
    context = {
        "input": f"{what}; {count} rows for us, {theirs} for the peer", "release": folder.parent.name,
        "seconds_to_start": round(start.seconds, 2), "peak_memory_gib": round(whole.peak_memory_gib, 2),
        "peer_memory": peers[-1]["note"] if peers else "none",
    }  # fmt: skip
    made = comparison(
        "toxicity", ours=(ours, "compounds/s"), peers=peers, goal=GOAL, goal_of="ratio", higher_is_better=True,
        command=typed(), context=context,
    )  # fmt: skip
    publish(made)


def _version(program: str) -> str:
    """Version of the package beside the program."""
    python = Path(program).with_name("python")
    asked = "from importlib.metadata import version; print(version('chemprop'))"
    return subprocess.run([str(python), "-c", asked], capture_output=True, text=True, check=True).stdout.strip()


def large_library(scratch: Path, *, count: int) -> None:
    """Answer a large library and a quarter of it; the memory must be the same."""
    smiles, what = structures()
    seconds, read_with = answer_large(
        release(), lambda path, n: write_library(path, smiles, n), scratch / "library.csv", count=count
    )
    context = {"input": f"{what}, {len(smiles)} different ones", "compounds": count, **read_with}
    made = comparison(
        "library-million", ours=(seconds, "s"), goal=LIBRARY_GOAL_S, goal_of="value", command=typed(), context=context
    )
    publish(made)


def main() -> int:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chemprop", default=os.environ.get("CHEMPROP", ""), help="program of chemprop 2")
    parser.add_argument("--count", type=int, default=60_000, help="compounds for us")
    parser.add_argument("--theirs", type=int, default=6_000, help="compounds for the peer")
    parser.add_argument("--library", type=int, default=0, help="instead: answer so many, and a quarter of them")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.library:
            large_library(Path(folder), count=given.library)
        else:
            against_chemprop(given.chemprop, Path(folder), count=given.count, theirs=given.theirs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
