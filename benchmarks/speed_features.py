"""A library scan against its bound: parsing, standardising and fingerprinting alone, on both cores, in the same run.

The bound is what no scan can beat with these features: two processes, each with half of the structures in memory, that
only call RDKit as our preparation does. The scan besides reads the file, runs the network, calibrates, looks for the
nearest training compounds and writes the table. What single features cost stands in the notes.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Literal

from library import structures, write_library
from measure import AUSCULT, comparison, median, peer, publish, spend, typed
from speed_toxicity import FEW, release

GOAL = 0.6
FINGERPRINT: Literal["ecfp4-count"] = "ecfp4-count"
WORKERS = 2
SETS = {"descriptors fast": "fast", "descriptors rdkit": "rdkit"}


def prepare(smiles: list[str]) -> None:
    """Parse, standardise and fingerprint, as the fast release does."""
    from auscult.domains.molecules.preprocess.compounds import CompoundConfig, parse
    from auscult.domains.molecules.preprocess.fingerprints import fingerprints

    for begin in range(0, len(smiles), 4096):
        fingerprints(parse(smiles[begin : begin + 4096], CompoundConfig()).molecules, FINGERPRINT)


def bound(count: int) -> float:
    """Compounds a second of two processes that only prepare; each warms up, then waits for the other."""
    command = [sys.executable, __file__, "--only", str(count // WORKERS)]
    running = [
        subprocess.Popen([*command, str(k)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) for k in range(WORKERS)
    ]
    for process in running:
        if process.stdout is not None:
            process.stdout.readline()
    begin = time.perf_counter()
    for process in running:  # all are told before the first is waited for
        if process.stdin is not None:
            process.stdin.write(b"go\n")
            process.stdin.close()
    for process in running:
        process.wait()
    return count / (time.perf_counter() - begin)


def alone(count: int, part: int) -> None:
    """One of the processes of the bound."""
    smiles, _ = structures()
    mine = [smiles[(part * count + k) % len(smiles)] for k in range(count)]
    prepare(mine[:FEW])
    print("ready", flush=True)
    sys.stdin.readline()
    prepare(mine)


def scanned(folder: Path, library: Path, out: Path) -> float:
    """Seconds of our command."""
    shutil.rmtree(out, ignore_errors=True)
    return spend([*AUSCULT, "predict", str(folder), str(library), "--table", str(out)]).seconds


def costs(smiles: list[str]) -> dict[str, float]:
    """Microseconds a compound of each feature, on one core."""
    from auscult.domains.molecules.preprocess.compounds import CompoundConfig, parse
    from auscult.domains.molecules.preprocess.descriptors import descriptors
    from auscult.domains.molecules.preprocess.fingerprints import fingerprints

    some = smiles[:: max(1, len(smiles) // 1000)][:1000]
    begin = time.perf_counter()
    molecules = parse(some, CompoundConfig()).molecules
    found = {"parse_and_standardise_us": time.perf_counter() - begin}
    for name in ("ecfp4", "ecfp4-count"):
        begin = time.perf_counter()
        fingerprints(molecules, name)  # type: ignore[arg-type]
        found[f"{name.replace('-', '_')}_us"] = time.perf_counter() - begin
    for name, chosen in SETS.items():
        begin = time.perf_counter()
        descriptors(molecules, chosen)  # type: ignore[arg-type]
        found[f"{name.replace(' ', '_')}_us"] = time.perf_counter() - begin
    return {name: round(1e6 * seconds / len(some), 1) for name, seconds in found.items()}


def measure(count: int, repeats: int) -> dict[str, Any]:
    """Time both in turn."""
    smiles, what = structures()
    folder = release()
    with tempfile.TemporaryDirectory() as scratch:
        few, library = Path(scratch) / "few.csv", Path(scratch) / "library.csv"
        write_library(few, smiles, FEW)
        write_library(library, smiles, count)
        start = scanned(folder, few, Path(scratch) / "out")
        rates = [
            (count / (scanned(folder, library, Path(scratch) / "out") - start), bound(count)) for _ in range(repeats)
        ]
    ours, most = median([a for a, _ in rates]), median([b for _, b in rates])
    entry = peer("rdkit", setting="parse, standardise and fingerprint alone, both cores", value=most, ratio=ours / most)
    context = {"input": what, "count": count, "repeats": repeats, "release": folder.parent.name, **costs(smiles)}
    return comparison(
        "features", ours=(ours, "compounds/s"), peers=[entry], goal=GOAL, goal_of="ratio", higher_is_better=True,
        command=typed(), context=context,
    )  # fmt: skip


def main() -> int:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=60_000, help="compounds")
    parser.add_argument("--repeats", type=int, default=3, help="rounds")
    parser.add_argument("--only", type=int, nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        alone(*given.only)
    else:
        publish(measure(given.count, given.repeats))
    return 0


if __name__ == "__main__":
    sys.exit(main())
