"""No identifier of a person in anything that a build leaves on the disk, nor in what it says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import auscult
from auscult.base.errors import DataError
from auscult.base.files import files_under, read_json
from auscult.base.recipe import load_recipe
from auscult.domains.recommend import DOMAIN
from auscult.domains.recommend.examples import hospital_devices
from auscult.domains.recommend.preprocess.rules import read_rules
from auscult.domains.recommend.simulate.hospital import simulate_patients, simulate_use, write_rows
from auscult.domains.recommend.simulate.usage import simulate_usage, write_clicks, write_usage
from auscult.domains.recommend.tasks.device_for_patient import SIMULATED
from auscult.engine.build import BuildOptions, build

RECIPES = Path(auscult.__file__).parents[2] / "recipes" / "recommend"
PERSON = "zq-person-"
QUICK = ("train.epochs=1", "evaluate.resamples=100", "study.models=[]", "study.settings={}")


def _write(folder: Path, kind: str) -> None:
    """Interactions, clicks or patients of about 60 persons whose names are told from everything else."""
    folder.mkdir()
    rng = np.random.default_rng(3)
    uses = simulate_usage(rng, n_users=60)
    if kind == "interactions":
        write_usage(folder / "pool.csv", uses)
    elif kind == "clicks":
        write_clicks(folder / "shown.csv", uses, rng)
    elif kind == "layout":
        wards = list(dict.fromkeys(u.ward for u in uses))
        lines = [" ".join([f"{776_000_000 + k}", *(f"{n}" for n in range(k % 7, 40, 3))]) for k in range(len(wards))]
        (folder / "users.txt").write_text("\n".join(lines) + "\n")
    else:
        rules = read_rules(str(SIMULATED / "hospital_rules.toml"))
        patients = simulate_patients(rng, 90)
        write_rows(folder / "patients.csv", patients)
        write_rows(folder / "given.csv", simulate_use(rules, hospital_devices(), patients, rng))
    for path in folder.glob("*.csv"):
        text = path.read_text()
        path.write_text(text.replace("sim-ward-", PERSON).replace("sim-patient-", PERSON))


def _texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Each file as text; the compressed columns of Parquet are read."""
    for path in files_under(folder):
        if path.suffix == ".parquet":
            yield path.name, str(pq.read_table(path).to_pydict())
        else:
            yield path.name, path.read_bytes().decode("latin-1")


def _built(tmp_path: Path, kind: str, recipe: str, **keys: Any) -> Path:
    _write(tmp_path / "data", kind)
    changes = (*QUICK, "data.example=''", f"data.path='{tmp_path / 'data'}'", *(f"{k}={v}" for k, v in keys.items()))
    loaded = load_recipe(RECIPES / f"{recipe}.toml", changes)
    options = BuildOptions(cache=tmp_path / "cache", workers=1)
    made = build(loaded, tmp_path / "run", DOMAIN, options=options)
    assert made.release is not None
    return made.release


@pytest.mark.parametrize(
    ("kind", "recipe", "keys"),
    [
        ("interactions", "ward-usage-simulated", {}),
        ("layout", "ward-usage-simulated", {}),
        (
            "clicks",
            "ward-usage-simulated",
            {"task.name": "click", "split.refit": "false", "model": "{name='item-popularity'}"},
        ),
        ("patients", "device-for-patient-cold-patient", {"model": "{name='item-knn', length=180}"}),
    ],
)
def test_no_name_of_a_person_is_in_a_run_or_a_release(
    kind: str, recipe: str, keys: dict[str, str], tmp_path: Path
) -> None:
    release = _built(tmp_path, kind, recipe, **keys)
    person = PERSON if kind != "layout" else "7760000"
    for folder in (tmp_path / "run", tmp_path / "cache"):
        named = [name for name, text in _texts(folder) if person in text]
        assert not named
    asked = next(p for p in files_under(tmp_path / "data") if p.name != "given.csv")
    answers = list(auscult.predict(release, asked))
    assert answers
    assert all(person in a.record for a in answers), "an answer names the person as the file does"


def test_a_leak_and_what_was_set_aside_name_nobody(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="share a subject with training") as raised:
        _leaking(tmp_path)
    assert PERSON not in str(raised.value)
    assert "(a/1, " in str(raised.value)
    _write(tmp_path / "bad", "patients")
    table = tmp_path / "bad" / "patients.csv"
    table.write_text(table.read_text() + f"{PERSON}wrong,400,F,cardiology,mild,18,no,none,none,low\n")
    recipe = load_recipe(
        RECIPES / "device-for-patient-warm.toml", (*QUICK, "data.example=''", f"data.path='{tmp_path / 'bad'}'")
    )
    build(recipe, tmp_path / "run", DOMAIN, options=BuildOptions(until="prepare", cache=tmp_path / "c", workers=1))
    aside = read_json(tmp_path / "run" / "quality.json")["set_aside"]
    assert [a["source"] for a in aside] == ["patients/91"]
    assert "age_years of a patient: expected a number from 0 to 120, got another" in aside[0]["reason"]


def _leaking(tmp_path: Path) -> None:
    """The same wards in two tables, of which one is the test by the recipe."""
    _write(tmp_path / "data", "interactions")
    text = (tmp_path / "data" / "pool.csv").read_text()
    for name in "abc":
        (tmp_path / "data" / f"{name}.csv").write_text(text)
    (tmp_path / "data" / "pool.csv").unlink()
    named = {"test": [f"a/{k}" for k in range(1, 61)], "valid": [f"b/{k}" for k in range(1, 61)]}
    named["train"] = [f"c/{k}" for k in range(1, 61)]
    keys = [f"split.{role}_records={names}" for role, names in named.items()]
    changes = (*QUICK, "data.example=''", f"data.path='{tmp_path / 'data'}'", "split.policy='given'")
    recipe = load_recipe(
        RECIPES / "ward-usage-simulated.toml", (*changes, *keys, "split.refit=false", "split.hold_out='random'")
    )
    build(recipe, tmp_path / "leak", DOMAIN, options=BuildOptions(cache=tmp_path / "c", workers=1))


def test_the_key_of_the_pseudonyms_changes_no_draw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tmp_path / "data", "patients")
    changes = (*QUICK, "data.example=''", f"data.path='{tmp_path / 'data'}'", "model={name='item-knn'}")
    recipe = load_recipe(RECIPES / "device-for-patient-cold-patient.toml", changes)
    figures = []
    for key in ("one", "two"):
        monkeypatch.setenv("AUSCULT_PSEUDONYM_KEY", key)
        options = BuildOptions(until="evaluate", cache=tmp_path / "c", workers=1)
        figures.append(build(recipe, tmp_path / key, DOMAIN, options=options).metrics)
    assert figures[0] == figures[1]
