"""What an import brings: nothing heavy before it is needed, and no training library where answers are given."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from auscult.engine.build import BuildOptions, build
from toys import DOMAIN
from toys.battery import Once
from toys.recipes import toy_recipe

TRAINING = {"torch", "lightning_fabric", "sklearn", "lightgbm", "pandas", "onnx", "onnxmltools"}
HEAVY = TRAINING | {
    "matplotlib",
    "scipy",
    "numpy",
    "polars",
    "pyarrow",
    "onnxruntime",
    "rdkit",
    "pydicom",
    "pyedflib",
    "pydantic",
    "fastapi",
}


def _loaded(code: str) -> set[str]:
    """Top-level packages that a fresh interpreter holds after some code."""
    text = f"{code}\nimport sys, json\nprint('\\n' + json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return set(json.loads(done.stdout.decode().splitlines()[-1]))


def test_import_is_free() -> None:
    assert not _loaded("import auscult\ndir(auscult)") & HEAVY


def test_declarations_are_light() -> None:
    """Listing what there is loads no reader, task or model."""
    loaded = _loaded("from auscult.base.registry import *\nfor d in domain_table(): load_domain(d)")
    assert not loaded & (TRAINING | {"matplotlib", "onnxruntime", "pyarrow", "polars", "scipy"})


def test_command_line_is_light() -> None:
    loaded = _loaded("import auscult.cli")
    assert not loaded & (TRAINING | {"matplotlib", "onnxruntime", "scipy", "pyarrow"})


@pytest.mark.parametrize(
    "module", ["engine.runtime", "engine.release.verify", "engine.drivers", "engine.compare", "service.verbs"]
)
def test_serving_modules_bring_no_training_library(module: str) -> None:
    assert not _loaded(f"import auscult.{module}") & (TRAINING | {"matplotlib"})


def test_open_predict_and_verify_bring_no_training_library(once: Once, tmp_path: Path) -> None:
    release = (
        once("run-ahead", lambda f: build(toy_recipe("ahead"), f, DOMAIN, options=BuildOptions(workers=1))) / "release"
    )
    code = f"""
from pathlib import Path
from toys import DOMAIN
from auscult.engine.runtime import open_release
from auscult.engine.release.verify import verify_release
release = Path({str(release)!r})
find = lambda name: DOMAIN
assert list(open_release(release, find).answer_path(release / "golden" / "inputs"))
assert verify_release(release, find).passed
"""
    assert not _loaded(code) & (TRAINING | {"matplotlib"})


def test_every_task_and_reader_brings_no_training_library() -> None:
    code = """
from auscult.base.registry import domain_table, load_domain, load_part
from auscult.engine.answers import KINDS
from auscult.base.registry import resolve
from auscult.engine.drivers import DRIVERS
for address in [*KINDS.values(), *DRIVERS.values()]: resolve(address)
for name in domain_table():
    domain = load_domain(name)
    for table in ("readers", "tasks", "checks", "examples", "faults"):
        for part in getattr(domain, table): load_part(domain, table, part)
"""
    assert not _loaded(code) & (TRAINING | {"matplotlib"})
