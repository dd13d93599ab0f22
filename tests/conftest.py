"""Paths and settings that every test shares."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SOURCE = TESTS.parent / "src"
sys.path.insert(0, str(TESTS))

Make = Callable[[Path], object]


@pytest.fixture(scope="session", autouse=True)
def _own_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep caches and keys of the test run apart from the user's."""
    settings = {
        "AUSCULT_CACHE": str(tmp_path_factory.mktemp("cache")),
        "AUSCULT_PSEUDONYM_KEY": "key of the test run",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(SOURCE), str(TESTS)]),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        yield


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Make], Path]:
    """Return ``once(name, make)``: a folder that ``make(folder)`` fills one time for all test processes."""
    base = tmp_path_factory.getbasetemp()
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def made(name: str, make: Make) -> Path:
        folder = root / "once" / name
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder.with_suffix(".lock")):
            if not folder.with_suffix(".whole").exists():
                make(folder)
                folder.with_suffix(".whole").touch()
        return folder

    return made


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marks of this suite."""
    config.addinivalue_line("markers", "slow: starts processes or builds many times")
    config.addinivalue_line("markers", "removal: runs a part of the suite in a copy of the tree")
