"""Preparation: streamed, cached by content, in any number of processes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import auscult
from auscult.base.errors import AuscultError, DataError, LimitError
from auscult.base.files import files_under, read_json, sha256_file
from auscult.base.log import Silent
from auscult.base.recipe import DataTable
from auscult.engine import prepare as engine
from auscult.engine.dataset import Dataset, assemble
from auscult.engine.prepare import PrepareJob, prepare
from auscult.engine.pseudonym import pseudonym
from auscult.engine.sources import find_sources
from toys import DOMAIN
from toys.examples import ids, write_notes, write_points, write_toy
from toys.tasks.codes import Codes

KEY = "key of these tests"
Make = Callable[..., Dataset]


def _prepare(
    root: Path, cache: Path, *, task: str = "colour", key: str = KEY, workers: int = 1, **settings: float
) -> list[Path]:
    job = PrepareJob(DOMAIN, task, settings, {}, key)
    return prepare(find_sources(root, DOMAIN).sources, job, cache=cache, workers=workers, report=Silent())


def test_the_same_input_comes_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_points(tmp_path / "data", 0, small=False)
    first = _prepare(tmp_path / "data", tmp_path / "cache")
    monkeypatch.setattr(engine, "_make_shard", lambda *_: pytest.fail("prepared again"))
    assert _prepare(tmp_path / "data", tmp_path / "cache") == first


@pytest.mark.parametrize("what", ["content", "setting", "key", "task"])
def test_anything_that_matters_makes_another_shard(what: str, tmp_path: Path) -> None:
    write_points(tmp_path / "data", 0, small=True)
    first = _prepare(tmp_path / "data", tmp_path / "cache")
    if what == "content":
        write_points(tmp_path / "data", 1, small=True)
    changed = {
        "content": lambda: _prepare(tmp_path / "data", tmp_path / "cache"),
        "setting": lambda: _prepare(tmp_path / "data", tmp_path / "cache", scale=2.0),
        "key": lambda: _prepare(tmp_path / "data", tmp_path / "cache", key="another"),
        "task": lambda: _prepare(tmp_path / "data", tmp_path / "cache", task="ring"),
    }[what]()
    assert set(changed).isdisjoint(first)


def test_processes_and_chunks_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_notes(tmp_path / "data", 0, small=False)
    alone = _prepare(tmp_path / "data", tmp_path / "a", task="codes")
    monkeypatch.setattr(engine, "CHUNK_SOURCES", 4)
    monkeypatch.setattr(engine, "IN_PROCESS_BYTES", 0)
    many = _prepare(tmp_path / "data", tmp_path / "b", task="codes", workers=2)
    assert len(many) > len(alone) == 1
    sets = [assemble(s, tmp_path / f"set{k}", data=DataTable(), extra_aside=[]) for k, s in enumerate((alone, many))]
    assert sets[0].hash == sets[1].hash
    assert sets[0].names.tolist() == sets[1].names.tolist()
    for name, values in sets[0].items.inputs.items():
        np.testing.assert_array_equal(values, sets[1].items.inputs[name])
    np.testing.assert_array_equal(sets[0].items.record, sets[1].items.record)


def test_a_task_that_sifts_is_asked_once_and_loses_only_what_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = {"text": "leak at valve", "codes": [1, 0, 0]}
    heads = [{"name": "text", "kind": "text", "dtype": ""}, ids("codes", "C")]
    records = [{"record": f"r{k}", "values": {**note, "text": "" if k in (1, 4) else note["text"]}} for k in range(6)]
    write_toy(tmp_path / "data" / "a.toy", heads, records)
    calls: list[int] = []
    real = Codes.sift
    monkeypatch.setattr(Codes, "sift", lambda self, batch: calls.append(len(batch)) or real(self, batch))
    shards = _prepare(tmp_path / "data", tmp_path / "cache", task="codes")
    made = assemble(shards, tmp_path / "set", data=DataTable(), extra_aside=[])
    assert [n.rpartition("/")[2] for n in made.names] == ["r0", "r2", "r3", "r5"]
    assert [(a.source, a.reason.partition(",")[0]) for a in made.set_aside] == [
        (name, "text: expected at least one word") for name in ("r1", "r4")
    ]
    assert calls == [6]


def test_no_identifier_reaches_the_disk(dataset: Make, tmp_path: Path) -> None:
    points = dataset("colour", "points")
    assert points.subjects is not None
    assert points.subjects[0] == pseudonym("person-0", KEY)
    assert points.subjects[0] == points.subjects[1]
    for path in files_under(tmp_path / "colour-0" / "run"):
        assert b"person-" not in path.read_bytes(), path.name


def _write_persons(root: Path) -> None:
    """Records that are named by their persons, in two files; the second has a record that cannot be used."""
    note = {"text": "leak at valve", "codes": [1, 0, 0]}
    heads = [{"name": "text", "kind": "text", "dtype": ""}, ids("codes", "C")]
    people = [("zoe", "ada", "kim"), ("bob", "ada")]
    for number, names in enumerate(people):
        rows = [{"record": n, "subject": n, "values": {**note, "text": f"leak {number} {n[0]}"}} for n in names]
        rows += [{"record": "eve", "subject": "eve", "values": {**note, "text": ""}}] * number
        write_toy(root / "ward" / f"{number}.toy", heads, rows)


def test_a_record_that_is_a_person_has_a_number_for_a_name_and_the_key_changes_no_order(
    dataset: Make, tmp_path: Path
) -> None:
    first = dataset("codes", write=_write_persons)
    second = dataset("codes", write=_write_persons, key="another key")
    assert first.names.tolist() == ["ward/0/1", "ward/0/2", "ward/0/3", "ward/1/1", "ward/1/2"]
    assert first.subjects is not None
    assert first.subjects.tolist() == [pseudonym(n, KEY) for n in ("zoe", "ada", "kim", "bob", "ada")]
    assert [a.source for a in first.set_aside] == ["ward/1/3"]
    for made in (first, second):
        assert made.subject_order is not None
        assert made.subject_order.tolist() == [f"{k:09d}" for k in (0, 2, 3, 1, 2)]
    assert first.hash == second.hash
    for path in files_under(tmp_path / "codes-0" / "run"):
        assert not [n for n in (b"zoe", b"ada", b"kim", b"bob", b"eve") if n in path.read_bytes()], path.name


def test_two_names_of_one_person_become_one_subject(dataset: Make) -> None:
    plain = dataset("colour", "points")
    joined = dataset("colour", "points", same_subject={"r002": "person-0", "r003": "person-0"})
    assert plain.subjects is not None
    assert joined.subjects is not None
    assert joined.subjects[2] == joined.subjects[0] != plain.subjects[2]


def test_a_shard_is_complete_or_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from toys.tasks.colour import Colour

    write_points(tmp_path / "data", 0, small=True)

    def broken(self: Colour, batch: object) -> None:
        raise RuntimeError("a defect of the task")

    monkeypatch.setattr(Colour, "cut", broken)
    with pytest.raises(RuntimeError, match="a defect"):
        _prepare(tmp_path / "data", tmp_path / "cache")
    assert list((tmp_path / "cache" / "shards").iterdir()) == []


def test_a_worker_that_dies_is_an_error_with_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_points(tmp_path / "data", 0, small=True)
    monkeypatch.setattr(engine, "IN_PROCESS_BYTES", 0)
    monkeypatch.setenv("PYTHONPATH", str(Path(auscult.__file__).parents[1]))  # the worker then knows no toys
    with pytest.raises(AuscultError, match=r"preparing stopped with exit status 1: .*toys"):
        _prepare(tmp_path / "data", tmp_path / "cache", workers=2)


def test_a_full_disk_in_a_worker_is_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_points(tmp_path / "data", 0, small=True)
    monkeypatch.setattr(engine, "IN_PROCESS_BYTES", 0)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "shards").write_text("a file stands where the folder should be")
    with pytest.raises(LimitError, match=r"cannot write .*: a file stands where a folder is needed"):
        _prepare(tmp_path / "data", tmp_path / "cache", workers=2)


def test_the_key_is_in_no_repr() -> None:
    assert KEY not in repr(PrepareJob(DOMAIN, "colour", {}, {}, KEY))


def test_nothing_usable_is_said_with_the_first_reasons(tmp_path: Path) -> None:
    write_points(tmp_path / "data", 0, small=True)
    path = tmp_path / "data" / "device-0.toy"
    path.write_text(path.read_text().replace('"point": [', '"point": [NaN, NaN, NaN], "was": ['))
    shards = _prepare(tmp_path / "data", tmp_path / "cache")
    with pytest.raises(
        DataError, match=r"expected at least one usable record, got none of 4\. First reasons: point: expected finite"
    ):
        assemble(shards, tmp_path / "set", data=DataTable(), extra_aside=[])
    assert not (tmp_path / "set").exists()


def test_a_shard_never_changes(tmp_path: Path) -> None:
    """Assembling links the files of a shard; neither the cache nor the dataset is written to again."""
    write_points(tmp_path / "data", 0, small=True)
    shards = _prepare(tmp_path / "data", tmp_path / "cache")
    before = {p: sha256_file(p) for s in shards for p in files_under(s)}
    assemble(shards, tmp_path / "set", data=DataTable(leave_out=("r000",)), extra_aside=[])
    assert {p: sha256_file(p) for p in before} == before
    assert read_json(shards[0] / "shard.json")["n_records"] == 4
