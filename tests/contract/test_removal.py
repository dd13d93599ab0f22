"""A domain is a folder that can be deleted with its one line in the table, and everything else stays green."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import auscult
from auscult.base.registry import domain_table

TREE = Path(auscult.__file__).parents[2]
KEPT = ("test_tasks.py", "test_readers.py", "test_source.py", "test_imports.py")


@pytest.mark.removal
@pytest.mark.parametrize("domain", sorted(domain_table()))
def test_the_rest_stays_green_without(domain: str, tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(TREE / "src", tmp_path / "src", ignore=ignored)
    for name in ("toys", "contract"):
        shutil.copytree(TREE / "tests" / name, tmp_path / "tests" / name, ignore=ignored)
    shutil.copy(TREE / "tests" / "conftest.py", tmp_path / "tests")
    shutil.copy(TREE / "pyproject.toml", tmp_path)
    shutil.copytree(TREE / "recipes", tmp_path / "recipes")

    package = tmp_path / "src" / "auscult" / "domains" / domain
    shutil.rmtree(package)
    shutil.rmtree(tmp_path / "recipes" / domain, ignore_errors=True)
    table = tmp_path / "src" / "auscult" / "domains" / "__init__.py"
    text, count = re.subn(rf'^    "{domain}": .*\n', "", table.read_text(), flags=re.MULTILINE)
    assert count == 1, "a domain has one line in the table"
    table.write_text(text)

    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path / "src"), str(tmp_path / "tests")])}
    env = {k: v for k, v in env.items() if not k.startswith("PYTEST_")}
    tests = [str(tmp_path / "tests" / "contract" / name) for name in KEPT]
    run = [sys.executable, "-m", "pytest", *tests, "-m", "not removal and not slow", "-p", "no:xdist", "-x"]
    done = subprocess.run(run, cwd=tmp_path, env=env, capture_output=True, check=False, timeout=500)
    told = done.stdout.decode()
    assert done.returncode == 0, told[-3000:]
    assert domain not in re.findall(r"\[([a-z]+)-", told)
    assert re.search(r"\d+ passed|\[100%\]", told)
