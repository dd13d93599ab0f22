"""Build one recipe on the real data and keep its figures: ``python benchmarks/run.py RECIPE.toml [--set key=value]``.

The run goes to ``runs/<recipe>``, each opening of the test split to ``benchmarks/test-openings.jsonl``, and what may be
published of the evidence to ``benchmarks/results/<recipe>.json``.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from measure import AUSCULT, LEDGER, RESULTS, ROOT, RUNS, Spent, machine, spend

from auscult.base.files import read_json, write_json

PER_RECORD = frozenset(("records",))
"""Keys whose values name or list single records; they stay in the run folder."""
GATE_FAILED = 3


def publishable(evidence: Any) -> Any:
    """Return evidence without the values that stand for single records."""
    if isinstance(evidence, dict):
        return {key: publishable(value) for key, value in evidence.items() if key not in PER_RECORD}
    return [publishable(value) for value in evidence] if isinstance(evidence, list) else evidence


def shown(path: Path) -> str:
    """Path of a recipe as others can use it: from the root of the project, or the bare name."""
    path = path.resolve()
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


def without_path(override: str) -> str:
    """Hide where a machine keeps its files: ``data.path=/mnt/x`` becomes ``data.path=FOLDER``."""
    key, equals, value = override.partition("=")
    return f"{key}=FOLDER" if equals and value.strip(" \"'").startswith(("/", "~")) else override


def committed(path: Path) -> bool:
    """Whether a file is the one of the last commit; true where there is no git to ask."""
    git = shutil.which("git")
    if git is None:
        return True
    asked = subprocess.run(
        [git, "status", "--porcelain", "--", str(path.resolve())], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return not asked.stdout.strip()


def record(run: Path, recipe: Path, spent: Spent, about: dict[str, Any]) -> dict[str, Any]:
    """Put evidence and cost of a run together."""
    released = run / "release" / "evidence" / "metrics.json"
    source = released if spent.status == 0 and released.exists() else run / "metrics.json"
    cost = {"seconds": round(spent.seconds, 1), "peak_memory_gib": round(spent.peak_memory_gib, 3)}
    return {**publishable(read_json(source)), **cost, "machine": machine(), "recipe_file": shown(recipe), **about}


def run(recipe: Path, *, overrides: Sequence[str] = (), out: Path | None = None) -> int:
    """Build a recipe and publish its figures; returns the exit status of the build.

    Parameters
    ----------
    recipe : Path
        The recipe.
    overrides : sequence of str
        ``table.key=value`` changes.
    out : Path, optional
        The run folder; ``runs/<recipe>`` by default.
    """
    out = out or RUNS / recipe.stem
    unchanged = committed(recipe)
    if not unchanged:
        print(f"warning: {recipe.name} differs from the last commit; commit it before its figures are", file=sys.stderr)
    resumed = (out / "recipe.resolved.toml").exists()
    options = [part for text in overrides for part in ("--set", text)]
    stated = [part for text in overrides for part in ("--set", without_path(text))]
    command = [*AUSCULT, "build", str(recipe.resolve()), "--out", str(out.resolve()), "--ledger", str(LEDGER), *options]
    # The cache lies in the run folder, so that a first run pays for preparing.
    spent = spend(command, env={"AUSCULT_CACHE": str(out.resolve() / "cache")})
    print(spent.output, end="")
    if spent.status not in (0, GATE_FAILED):
        return spent.status
    about = {
        "command": " ".join(["python benchmarks/run.py", shown(recipe), *stated]),
        "resumed": resumed,
        "recipe_committed": unchanged,
        "gates_passed": spent.status == 0,
    }
    write_json(RESULTS / f"{recipe.stem}.json", record(out, recipe, spent, about))
    return spent.status


def main() -> int:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path, help="the recipe, a TOML file")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change the recipe")
    parser.add_argument("--out", type=Path, help="run folder; runs/<recipe> by default")
    given = parser.parse_args()
    return run(given.recipe, overrides=given.set, out=given.out)


if __name__ == "__main__":
    sys.exit(main())
