"""A library that several processes answer is killed, a worker and then the whole; the same command goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import auscult
from auscult.domains.molecules.readers.smiles_table import BATCH_ROWS
from auscult.domains.molecules.simulate.compounds import make_compounds

PARTS = 11
"""More than three workers end in two runs, each finishing what it had begun when its scan was killed."""
WAIT_S = 60.0
COMMAND = [sys.executable, "-c", "from auscult.cli import main; main()", "predict"]


def _started(release: Path, library: Path, out: Path) -> subprocess.Popen[str]:
    command = [*COMMAND, str(release), str(library), "--table", str(out), "--workers", "3"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def _workers(pid: int) -> list[int]:
    """Processes that answer, by the list that Linux keeps."""
    lists = list(Path("/proc", str(pid), "task").glob("*/children"))
    if not lists:
        pytest.skip("the system does not list the children of a process")
    return [int(child) for children in lists for child in children.read_text().split()]


def _parts(out: Path) -> list[Path]:
    return sorted((out / "parts").glob("0*.csv"))


def _wait_for(out: Path, count: int, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + WAIT_S
    while len(_parts(out)) < count:
        assert process.poll() is None, "the scan ended before it could be killed"
        assert time.monotonic() < end, f"expected {count} parts in {WAIT_S:.0f} s"
        time.sleep(0.005)


def _mark(parts: list[Path], told: str) -> None:
    """Change a finished part: made anew, it would not have the mark."""
    for part in parts:
        if "kept" not in part.read_text():
            part.write_text(part.read_text().replace('"answered"', f'"answered {told}"', 1))


def _ended(workers: list[int]) -> None:
    """Workers whose scan was killed end by themselves; one that waits for nobody to ask may stay as a name."""
    end = time.monotonic() + WAIT_S
    for worker in workers:
        state = Path("/proc", str(worker), "stat")
        while state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z":
            assert time.monotonic() < end, "a worker outlived its scan"
            time.sleep(0.02)


def test_a_killed_scan_of_several_workers_loses_and_repeats_nothing(release: Path, tmp_path: Path) -> None:
    made = [c.smiles for c in make_compounds(np.random.default_rng(8), 60)]
    library, few, out = tmp_path / "lib.smi", tmp_path / "few.smi", tmp_path / "out"
    few.write_text("\n".join(made) + "\n")
    rows = BATCH_ROWS * (PARTS - 1) + 10
    library.write_text("\n".join(made[k % 60] for k in range(rows)) + "\n")

    first = _started(release, library, out)  # one of its workers is killed
    _wait_for(out, 1, first)
    os.kill(_workers(first.pid)[-1], signal.SIGKILL)
    told = first.communicate(timeout=WAIT_S)[1]
    assert first.returncode != 0
    assert "a worker stopped with exit status -9" in " ".join(told.split())
    after_first = _parts(out)
    assert 1 <= len(after_first) < PARTS - 1
    _mark(after_first, "kept1")

    second = _started(release, library, out)  # killed itself
    _wait_for(out, len(after_first) + 1, second)
    workers = _workers(second.pid)
    second.kill()
    second.communicate(timeout=WAIT_S)
    _ended(workers)
    after_second = _parts(out)
    assert len(after_first) < len(after_second) < PARTS
    _mark([p for p in after_second if p not in after_first], "kept2")

    scan = auscult.scan(release, library, out=out)
    answers = scan.answers.read_text()
    assert answers.count("kept1") == len(after_first)
    assert answers.count("kept2") == len(after_second) - len(after_first)

    expected = auscult.scan(release, few, out=tmp_path / "few").answers.read_text().splitlines()
    lines = answers.replace(" kept1", "").replace(" kept2", "").splitlines()
    assert len(lines) == rows + 1
    for k, line in enumerate(lines[1:]):
        record, _, answer = expected[1 + k % 60].partition(",")
        assert record == f'"few#{1 + k % 60}"'
        assert line == f'"lib#{1 + k}",{answer}'
