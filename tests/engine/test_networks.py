"""A release that brings its network: where it is found, what it decides, and the test records that it has seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest
from pydantic import Field as Setting

from auscult.base.contracts import Config, Fitted, Network, Program, RecordBatch
from auscult.base.errors import DataError, UsageError
from auscult.base.files import write_bytes
from auscult.base.recipe import SplitTable
from auscult.base.registry import load_part
from auscult.engine.build import BuildOptions, build
from auscult.engine.dataset import Dataset
from auscult.engine.networks import SEEN, located_network, network_hashes, seen_by, seen_records
from auscult.engine.program import program_hash, read_program, save_program
from auscult.engine.quality.minhash import PLACES
from auscult.engine.release.verify import verify_release
from toys import DOMAIN
from toys.models.words import Words
from toys.recipes import toy_recipe
from toys.tasks.codes import Codes


class BringingConfig(Config):
    """Settings of the toy."""

    folder: Network = Setting("", description="Where to start.")


class Bringing(Words):
    """A toy that brings a file as its network."""

    Config: ClassVar[type[Config]] = BringingConfig

    def __init__(self, config: BringingConfig) -> None:
        super().__init__(Words.Config())

    def fit(self, *given: Any) -> Fitted:
        """Fit as the toy does."""
        return _Brought(super().fit(*given))


class _Brought:
    def __init__(self, fitted: Fitted) -> None:
        self._fitted = fitted

    def export(self) -> Program:
        return replace(self._fitted.export(), network={"weights": b"abc"})


class Sketched(Codes):
    """The toy task with signatures: two notes are alike where their first letters are the same."""

    def sketch(self, batch: RecordBatch) -> npt.NDArray[np.uint32]:
        """One number in all places."""
        first = np.array([ord(str(t)[0]) for t in batch.dense("text")], dtype=np.uint32)
        return np.repeat(first[:, None], PLACES, axis=1)


HERE = "engine.test_networks" if __name__.startswith("engine") else __name__
MINE = replace(
    DOMAIN,
    models={**DOMAIN.models, "bringing": f"{HERE}:Bringing"},
    tasks={**DOMAIN.tasks, "sketched": f"{HERE}:Sketched"},
)


def _build(folder: Path, **changes: Any) -> Any:
    recipe = toy_recipe("codes", **{"model": {"name": "bringing"}, **changes})
    options = BuildOptions(cache=folder / "cache", workers=1, ship="bringing")
    return build(recipe, folder, MINE, options=options)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose release brings a network."""
    folder = tmp_path_factory.mktemp("first")
    _build(folder)
    return folder


def test_a_program_keeps_the_files_of_its_network(tmp_path: Path) -> None:
    bare = Program("linear-sparse", ("ids",), {}, {"weight": np.ones((2, 1))})
    rich = replace(bare, network={"config.json": b"{}", "model.safetensors": b"xyz"})
    for name, program in (("bare", bare), ("rich", rich)):
        save_program(program, tmp_path / name)
        assert read_program(tmp_path / name).network == program.network
    assert (tmp_path / "rich" / "network" / "model.safetensors").read_bytes() == b"xyz"
    changed = replace(rich, network={**rich.network, "config.json": b"[]"})
    assert len({program_hash(p) for p in (bare, rich, changed)}) == 3


def test_a_run_and_its_release_are_where_the_network_is(run: Path, tmp_path: Path) -> None:
    inside = run / "release" / "program" / "network"
    assert located_network("[model] folder", str(run)) == inside
    assert located_network("[model] folder", str(run / "release")) == inside
    assert located_network("[model] folder", str(tmp_path)) == tmp_path
    assert verify_release(run / "release", lambda name: MINE).passed
    write_bytes(tmp_path / "release.json", b"{}")
    with pytest.raises(
        UsageError, match=r"\[model\] folder: expected a release that brings its network, got .* has none"
    ):
        located_network("[model] folder", str(tmp_path))


def test_the_content_of_a_network_decides_what_is_learned(tmp_path: Path) -> None:
    write_bytes(tmp_path / "weights", b"1")
    first = network_hashes(MINE, "bringing", {"folder": str(tmp_path)})
    write_bytes(tmp_path / "weights", b"2")
    assert first != network_hashes(MINE, "bringing", {"folder": str(tmp_path)})
    assert network_hashes(MINE, "bringing", {}) == {}


def test_test_records_that_a_network_has_seen_are_leaks(run: Path, tmp_path: Path) -> None:
    """The same notes and people again under another seed: most of the new test was in training before."""
    model = {"name": "bringing", "folder": str(run)}
    with pytest.raises(DataError, match=r"and \d+ are among the records that the network learned from"):
        _build(tmp_path, model=model, split={"seed": 1})
    made = _build(tmp_path / "told", model=model, split={"seed": 1, "on_leak": "report"})
    leaks = made.metrics["leaks"]
    assert leaks["seen_by_network"] == leaks["n_records"] > 0
    assert leaks["metrics_without"]
    report = (tmp_path / "told" / "release" / "evidence" / "report.html").read_text(encoding="utf-8")
    assert f"{leaks['seen_by_network']} that the network had learned from" in report


def test_signatures_find_what_has_no_unit_in_common(run: Path) -> None:
    task = load_part(MINE, "tasks", "sketched")(Codes.Config())
    dataset = Dataset(run / "dataset")
    first = next(dataset.batches())
    letters = np.array([str(t)[0] for b in dataset.batches() for t in b.dense("text")])
    known = {"unit": np.zeros(0, np.uint64), "sketch": task.sketch(first.take(np.array([0])))}
    found = seen_records(dataset, task, SplitTable(), [known])
    np.testing.assert_array_equal(found, np.flatnonzero(letters == letters[0]))
    assert len(seen_records(dataset, task, SplitTable(), [])) == 0


def test_what_was_seen_is_told_in_numbers_only(run: Path) -> None:
    (seen,) = seen_by([run])
    assert set(seen) == {"unit"}
    assert seen["unit"].dtype == np.uint64
    assert (run / "release" / SEEN).stat().st_size < 20_000
