"""Builds a toy release in child processes that are killed at chosen points, and prints what is left each time.

``python -m toys.killed TASK FOLDER POINT…`` where a point is ``step:K`` (at the K-th message of progress),
``replace:K`` (just before the K-th file is moved to its place), ``after:K`` (just after) or ``ms:T`` (after T
milliseconds). For each point there is one line of JSON: whether the child was killed, what is left of it, and the hash
of the build that the same command, given again, ends with. Children are forked, so that the libraries are loaded once.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import lightgbm  # noqa: F401
import matplotlib.pyplot as plt  # noqa: F401
import onnxruntime  # noqa: F401
import torch  # noqa: F401

import auscult.engine.train  # noqa: F401
from auscult.base.log import Silent
from auscult.engine.build import BuildOptions, build
from toys import DOMAIN
from toys.recipes import toy_recipe


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class _Steps(Silent):
    def __init__(self, last: int) -> None:
        self._left = last

    def step(self, message: str) -> None:
        """Count down, then die."""
        self._left -= 1
        if self._left == 0:
            _die()


def _arm(kind: str, count: int) -> Silent:
    if kind == "step":
        return _Steps(count)
    if kind in ("replace", "after"):
        real, left = os.replace, [count]

        def replace(*args: Any, **more: Any) -> None:
            left[0] -= 1
            if left[0] == 0 and kind == "replace":
                _die()
            real(*args, **more)
            if left[0] == 0:
                _die()

        os.replace = replace  # type: ignore[assignment]
    return Silent()


def run(task: str, folder: Path, point: str = "") -> tuple[bool, str]:
    """Build in a child; return whether it was killed, and the content hash where it was not."""
    kind, _, count = point.partition(":")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            recipe = toy_recipe(task, train={"epochs": 4})
            options = BuildOptions(cache=folder / "cache", workers=1)
            made = build(recipe, folder / "run", DOMAIN, options=options, report=_arm(kind, int(count or 0)))
            (folder / "hash").write_text(made.content_hash)
            status = 0
        finally:
            os._exit(status)
    if kind == "ms":
        time.sleep(int(count) / 1000)
        os.kill(child, signal.SIGKILL)
    _, state = os.waitpid(child, 0)
    if os.WIFSIGNALED(state):
        return True, ""
    if os.WEXITSTATUS(state):
        return False, f"failed with {os.WEXITSTATUS(state)}"
    return False, (folder / "hash").read_text()


def main(task: str, root: Path, points: list[str]) -> None:
    """Kill and resume at each point."""
    for number, point in enumerate(points):
        folder = root / str(number)
        folder.mkdir(parents=True)
        killed, _ = run(task, folder, point)
        whole = _half_written(folder)
        _, content = run(task, folder)
        drafts = [p.name for p in folder.rglob(".*") if p.name != ".whole"]
        told = {"point": point, "killed": killed, "half_written": whole, "drafts": drafts, "hash": content}
        print(json.dumps(told), flush=True)  # noqa: T201


def _half_written(folder: Path) -> list[str]:
    """Folders that stand in their final place without their last file."""
    marks = {
        "cache/shards/*": "shard.json",
        "run/dataset": "dataset.json",
        "run/release": "release.json",
        "run/arms/*": "calibration.json",
    }
    return [
        str(path.relative_to(folder))
        for pattern, mark in marks.items()
        for path in folder.glob(pattern)
        if not path.name.startswith(".") and not (path / mark).exists()
    ]


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
