"""A table of several persons from end to end: who is named where, who is answered, and what is said of the others."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import auscult
from auscult.base.contracts import RecordBatch
from auscult.base.errors import DataError, ReadError
from auscult.base.files import files_under, read_json
from auscult.base.recipe import load_recipe
from auscult.base.registry import load_domain
from auscult.domains.signals import DOMAIN
from auscult.domains.signals.readers.cgm_csv import CgmCsvReader
from auscult.domains.signals.simulate.cgm import simulate_cgm
from auscult.domains.signals.tasks.glucose_forecast import GlucoseForecast, GlucoseForecastConfig
from auscult.engine.build import BuildOptions, BuildResult, build
from auscult.engine.dataset import Dataset
from auscult.engine.runtime import RecordAnswer, open_release
from auscult.engine.scan import ScanOptions
from auscult.service.bodies import from_file
from auscult.service.schema import response_schema

RECIPE = Path(auscult.__file__).parents[2] / "recipes" / "signals" / "glucose-simulated.toml"
PERSON = "zq-person-"
ORDER = (3, 1, 2, 8, 7, 6, 5, 4)
SHORT = "expected 24 readings without a gap above 45 min, got no such stretch"
MONDAY = datetime(2024, 5, 6)


def _rows(person: str, seed: int, *, n: int | None = None, gap_at: int | None = None) -> list[str]:
    """Readings of a simulated person; those after ``gap_at`` come two hours later."""
    made = simulate_cgm(np.random.default_rng(seed), n_days=4, gaps_per_day=0)
    rows = zip(made.time_s[:n], made.glucose_mgdl[:n], strict=True)
    late = [timedelta(hours=2 * (gap_at is not None and k >= gap_at)) for k in range(len(made.time_s))]
    return [
        f"{PERSON}{person},{MONDAY + timedelta(seconds=float(t)) + wait:%Y-%m-%d %H:%M:%S},{g:.0f}"
        for (t, g), wait in zip(rows, late, strict=False)
    ]


def _write(path: Path, *people: Sequence[str]) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(["id,time,gl", *(row for rows in people for row in rows), ""]))
    return path


def _built(folder: Path, **keys: object) -> BuildResult:
    changes = [
        "data.example=''",
        f"data.path='{folder / 'data'}'",
        "evaluate.resamples=100",
        "model.name='persistence'",
    ]
    recipe = load_recipe(RECIPE, [*changes, *(f"{k}={v}" for k, v in keys.items())])
    return build(recipe, folder / "run", DOMAIN, options=BuildOptions(cache=folder / "cache", workers=1))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, BuildResult]:
    """A folder with a release of eight persons; a ninth has two readings."""
    folder = tmp_path_factory.mktemp("glucose")
    _write(folder / "data" / "ward.csv", *(_rows(str(k), k) for k in ORDER), _rows("short", 9, n=2))
    return folder, _built(folder)


@pytest.fixture(scope="module")
def release(built: tuple[Path, BuildResult]) -> Path:
    made = built[1].release
    assert made is not None
    return made


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """Two persons, the first in two stretches, between them one with two readings; one reading is a word."""
    wrong = [f"{PERSON}b,2024-07-01 10:00:00,High"]
    return _write(
        tmp_path / "asked.csv", _rows("a", 1, n=200, gap_at=100), _rows("short", 2, n=2), _rows("b", 3, n=150), wrong
    )


def _texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Each file as text; the compressed columns of Parquet are read."""
    for path in files_under(folder):
        parquet = path.suffix == ".parquet"
        yield path.name, str(pq.read_table(path).to_pydict()) if parquet else path.read_bytes().decode("latin-1")


def test_no_name_of_a_person_is_in_a_run_or_the_cache(built: tuple[Path, BuildResult]) -> None:
    for name in ("run", "cache"):
        assert not [file for file, text in _texts(built[0] / name) if PERSON in text]


def test_records_stay_in_the_order_of_the_file_and_draws_go_by_the_ids(built: tuple[Path, BuildResult]) -> None:
    dataset = Dataset(built[0] / "run" / "dataset")
    assert dataset.names.tolist() == [f"ward/{k}#0" for k in ORDER]
    assert dataset.subject_order is not None
    assert dataset.subject_order.astype(int).tolist() == [k - 1 for k in ORDER]


def test_a_leak_names_nobody(tmp_path: Path) -> None:
    same = [row.replace(PERSON + "1", PERSON + "4") for row in _rows("1", 1)]
    _write(tmp_path / "data" / "ward.csv", _rows("1", 1), _rows("2", 2), _rows("3", 3), same)
    roles = {"train": ["1#0", "2#0"], "valid": ["3#0"], "test": ["4#0"]}
    stated = {f"split.{role}_records": names for role, names in roles.items()}
    with pytest.raises(DataError, match=r"1 have nearly the same content as a training record \(ward/4#0\)") as raised:
        _built(tmp_path, **{"split.policy": "'given'", **stated})
    assert PERSON not in str(raised.value)


def test_a_person_without_a_stretch_is_set_aside_by_number(built: tuple[Path, BuildResult]) -> None:
    assert (built[1].n_records, built[1].n_set_aside) == (8, 1)
    (aside,) = read_json(built[0] / "run" / "quality.json")["set_aside"]
    assert aside["source"] == "ward/9"
    assert SHORT in aside["reason"]


def test_sift_says_who_has_no_stretch_and_prepare_refuses_where_nobody_has(tmp_path: Path) -> None:
    twice = [row.replace(":00,", ":20,") for row in _rows("twice", 3, n=30)]
    path = _write(tmp_path / "t.csv", _rows("a", 1, n=2), _rows("b", 2, n=30), _rows("twice", 3, n=30), twice)
    batch = next(iter(CgmCsvReader().read(next(iter(CgmCsvReader().detect([path]))))))
    assert isinstance(batch, RecordBatch)
    task = GlucoseForecast(GlucoseForecastConfig())
    made, told = task.sift(batch)
    assert made is not None
    assert made.record.tolist() == [f"t/{PERSON}b#0"]
    assert SHORT in told[0]
    assert "got two with the same time" in told[2]
    with pytest.raises(ReadError, match=SHORT):
        task.prepare(batch.take(np.array([0])))


def test_every_person_is_answered_or_refused_and_a_note_is_no_refusal(release: Path, asked: Path) -> None:
    told = list(auscult.predict(release, asked))
    names = [f"asked/{PERSON}{part}" for part in ("a#0", "a#1", "short", "b#0")]
    assert [(a.record, a.status) for a in told] == [
        *zip(names, ("answered", "answered", "refused", "answered"), strict=True),
        ("asked", "note"),
    ]
    assert SHORT in told[2].reason
    assert "left out 1 of 353 readings that are the word 'High'" in told[-1].reason


def test_the_service_tells_a_note_too(release: Path, asked: Path) -> None:
    opened = open_release(release, load_domain)
    told = [p for p in from_file(opened, asked.read_bytes(), asked.name) if isinstance(p, RecordAnswer)]
    assert [(a.record, a.status) for a in told] == [("asked", "note")]
    record = response_schema(opened)["properties"]["records"]["items"]
    assert "note" in record["properties"]["status"]["enum"]


def test_a_table_has_a_row_for_each_stretch_and_each_person_without(release: Path, asked: Path, tmp_path: Path) -> None:
    made = auscult.scan(release, asked, out=tmp_path / "out", options=ScanOptions(workers=1))
    with made.answers.open() as stream:
        rows = list(csv.DictReader(stream))
    expected = list(auscult.predict(release, asked))
    assert [(r["record"], r["status"]) for r in rows] == [(a.record, a.status) for a in expected]
    assert made.counts == {"answered": 3, "refused": 1, "note": 1}
    assert not any(PERSON in reason for reason in made.reasons)
    first = expected[0].answers[0]["value"]["in_60_min"]
    assert float(rows[0]["in_60_min"]) == pytest.approx(first, abs=0.5)
    assert rows[2]["in_60_min"] == ""
