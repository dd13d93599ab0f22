"""Every comparison of speed, or one recipe, and then the page of results: ``all.py [--recipe RECIPE.toml]``.

Without a recipe it ends within 30 minutes; a script that would not is stopped and counted as failed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIMIT_S = 30 * 60.0


def run_script(script: str, arguments: Sequence[str] = (), *, limit_s: float | None = None) -> bool:
    """Run one script of this folder and say whether it ended well."""
    print(f"== {script} {' '.join(arguments)}".rstrip(), flush=True)
    try:
        done = subprocess.run([sys.executable, str(HERE / script), *arguments], check=False, timeout=limit_s)
    except subprocess.TimeoutExpired:
        print(f"{script}: stopped, the 30 minutes are used up", file=sys.stderr)
        return False
    return done.returncode == 0


def speeds() -> list[str]:
    """Run every comparison that is here, one after the other; returns those that failed."""
    begin = time.monotonic()
    here = sorted(path.name for path in HERE.glob("speed_*.py"))
    return [s for s in here if not run_script(s, limit_s=max(1.0, LIMIT_S - (time.monotonic() - begin)))]


def main() -> int:
    """Run what was asked for, then make the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", default="", help="build this recipe and leave the comparisons of speed out")
    recipe = parser.parse_args().recipe
    failed = speeds() if not recipe else [] if run_script("run.py", [recipe]) else ["run.py"]
    if not run_script("table.py"):
        failed.append("table.py")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
