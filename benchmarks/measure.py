"""What every benchmark shares: places, commands, time and memory of a process tree, the file of a comparison."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from auscult.base.files import write_json

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
LEDGER = ROOT / "benchmarks" / "test-openings.jsonl"
RUNS = ROOT / "runs"
DATA = "AUSCULT_DATA"
SAMPLE_S = 0.05
GIB = float(1 << 30)
AUSCULT = (sys.executable, "-c", "from auscult.cli import main; main()")
"""The command line of this installation, whatever is on the path."""
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"), "1")


@dataclass(frozen=True)
class Spent:
    """What a finished command took.

    Parameters
    ----------
    status : int
        Exit status.
    seconds : float
        From its start to its end.
    peak_memory_gib : float
        Largest resident memory of the process and all its descendants together, sampled every 50 ms.
    output : str
        What it wrote to standard output.
    """

    status: int
    seconds: float
    peak_memory_gib: float
    output: str


def typed() -> str:
    """The command that is running, as it can be typed again from the project's folder; no path of a machine."""
    script, *arguments = sys.argv
    inside = [a.replace(f"{ROOT}/", "") for a in arguments]
    shown = [f"benchmarks/{Path(script).name}", *("PATH" if a.startswith(("/", "~")) else a for a in inside)]
    return " ".join(["python", *shown])


def spend(command: Sequence[str], *, env: Mapping[str, str] | None = None) -> Spent:
    """Run a command and measure it; what it writes to standard error goes to ours."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, **(env or {})})
    done = threading.Event()
    peak = [0]
    watcher = threading.Thread(target=_watch, args=(process.pid, done, peak), daemon=True)
    watcher.start()
    output, _ = process.communicate()
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    largest = 0 if peak[0] else _largest_child()
    return Spent(process.returncode, seconds, max(peak[0], largest) / GIB, output)


def _watch(pid: int, done: threading.Event, peak: list[int]) -> None:
    """Keep the largest sum of resident bytes over a process tree."""
    while not done.wait(SAMPLE_S):
        peak[0] = max(peak[0], tree_memory(pid))


def tree_memory(pid: int) -> int:
    """Resident bytes of a process and all its descendants; 0 where the system has no ``/proc``."""
    folder = Path(f"/proc/{pid}")
    try:
        total = int((folder / "statm").read_text().split()[1]) * resource.getpagesize()
        children = [c for task in (folder / "task").iterdir() for c in (task / "children").read_text().split()]
    except (OSError, IndexError):
        return 0  # the process has just ended
    return total + sum(tree_memory(int(child)) for child in children)


def _largest_child() -> int:
    """Resident bytes of the largest process that was waited for."""
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024


def machine() -> dict[str, Any]:
    """What figures of time depend on, without a name of the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    return {"cores": len(os.sched_getaffinity(0)), "memory_gib": round(memory, 1), "load": round(os.getloadavg()[0], 1)}


def seconds_of(call: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def peer(name: str, *, setting: str, value: float, ratio: float, note: str = "") -> dict[str, Any]:
    """Return the entry of a peer; its version is that of the installed package."""
    entry = {"name": name, "version": version(name), "setting": setting, "value": value, "ratio": ratio}
    return {**entry, "note": note} if note else entry


def in_turn(
    ours: Callable[[], object],
    peers: Mapping[str, Callable[[], Callable[[], object]]],
    *,
    amount: float,
    unit: str,
    repeats: int,
    of: tuple[str, str],
) -> dict[str, Any]:
    """Time both sides in rounds: ours and every setting of the peer once, one after the other.

    Parameters
    ----------
    ours : callable
        Does the work.
    peers : mapping of str to callable
        By the name of a setting: makes what does the work; only the work is timed.
    amount : float
        How much work that is.
    unit : str
        Unit of the rate, such as ``images/s``.
    repeats : int
        Rounds.
    of : (str, str)
        Package of the peer, and what of it is called.

    Returns
    -------
    dict
        ``ours``, ``peers`` and ``higher_is_better`` as ``comparison`` takes them: median rates, and medians of the
        ratios of the rounds.
    """
    own: list[float] = []
    other: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(repeats):
        own.append(amount / seconds_of(ours))
        for name, make in peers.items():
            other[name].append(amount / seconds_of(make()))
    package, note = of
    return {
        "ours": (median(own), unit),
        "peers": [
            peer(
                package,
                setting=name,
                value=median(rates),
                ratio=median([o / t for o, t in zip(own, rates, strict=True)]),
                note=note,
            )
            for name, rates in other.items()
        ],
        "higher_is_better": True,
    }


def comparison(
    name: str,
    *,
    ours: tuple[float, str],
    goal: float,
    goal_of: str,
    command: str,
    peers: Sequence[Mapping[str, Any]] = (),
    higher_is_better: bool = False,
    context: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Put a comparison of speed together.

    Parameters
    ----------
    name : str
        Its file is ``speed-<name>.json``.
    ours : (float, str)
        Our figure and its unit.
    goal : float
        What must be reached.
    goal_of : str
        ``ratio``: at least so many times better than the best-set peer. ``value``: our figure at least, or at most.
    command : str
        What makes this file again.
    peers : sequence of mapping
        As `peer` gives; the best-set one is that with the smallest ratio.
    higher_is_better : bool
        Whether a larger value is better.
    context : mapping, optional
        Whatever the figure cannot be read without.

    Returns
    -------
    dict
        ``ratio`` says how many times better we are than the best-set peer or, without a peer, than the goal.
    """
    value, unit = ours
    best = min((p["ratio"] for p in peers), default=None)
    against_goal = value / goal if higher_is_better else goal / value
    reached = value >= goal if higher_is_better else value <= goal
    if goal_of == "ratio":
        reached = best is not None and best >= goal
    return {
        "name": name,
        "ours": {"value": value, "unit": unit},
        "peers": [dict(p) for p in peers],
        "ratio": against_goal if best is None else best,
        "goal": goal,
        "goal_of": goal_of,
        "met": bool(reached),
        "higher_is_better": higher_is_better,
        "command": command,
        "machine": machine(),
        "context": dict(context or {}),
    }


def publish(result: Mapping[str, Any]) -> Path:
    """Write a comparison to the results and say so."""
    path = RESULTS / f"speed-{result['name']}.json"
    write_json(path, dict(result))
    ours = result["ours"]
    print(f"{result['name']}: {ours['value']:.4g} {ours['unit']}, ratio {result['ratio']:.3g}, met {result['met']}")
    return path


def median(values: Sequence[float]) -> float:
    """Middle of some figures."""
    return float(np.median(values))
