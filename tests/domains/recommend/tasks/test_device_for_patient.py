"""Devices for patients: lists under rules, whatever the model, for known and new patients and devices."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import auscult
from auscult.base.arrays import Array
from auscult.base.errors import ReadError, RecipeError
from auscult.domains.recommend.examples import hospital_devices, write_hospital
from auscult.domains.recommend.preprocess import advice
from auscult.domains.recommend.preprocess.advice import list_of
from auscult.domains.recommend.preprocess.names import as_names
from auscult.domains.recommend.preprocess.rules import REMOVE, read_rules
from auscult.domains.recommend.readers.patients import Request, batch_of
from auscult.domains.recommend.simulate.hospital import write_rows
from auscult.domains.recommend.tasks import device_for_patient
from auscult.domains.recommend.tasks.device_for_patient import (
    SIMULATED,
    DeviceForPatient,
    DeviceForPatientConfig,
    read_shelf,
)

CATALOGUE = "device,mri,recall,material\nA,safe,none,titanium\nB,unsafe,none,titanium\nC,safe,class-2,nickel\n"
RULES = """
[patient]
mri = { kind = "category", values = ["yes", "no"] }
allergy = { kind = "list", values = ["nickel", "titanium"] }
[device]
mri = { kind = "category", values = ["safe", "unsafe"] }
recall = { kind = "category", values = ["none", "class-2"] }
material = { kind = "list", values = ["nickel", "titanium"] }
[[rule]]
name = "mri"
kind = "compatibility"
patient = { mri = ["yes"] }
device = { mri = ["unsafe"] }
effect = "remove"
says = "Unsafe in a scanner."
[[rule]]
name = "recalled"
kind = "recall"
device = { recall = ["class-2"] }
effect = "down"
says = "Recalled."
[[rule]]
name = "material"
kind = "allergy"
compare = { patient = "allergy", device = "material", relation = "shared" }
effect = "remove"
unknown = "pass"
says = "Allergic to it."
"""


@pytest.fixture
def task(tmp_path: Path) -> DeviceForPatient:
    (tmp_path / "devices.csv").write_text(CATALOGUE)
    (tmp_path / "rules.toml").write_text(RULES)
    return DeviceForPatient(
        DeviceForPatientConfig(catalogue=str(tmp_path / "devices.csv"), rules=str(tmp_path / "rules.toml"))
    )


def _asked(task: DeviceForPatient, attributes: Mapping[str, Any], given: list[str], fresh: list[dict[str, str]]) -> Any:
    batch = task.prepare(batch_of([Request("p", attributes, list(as_names(given)), fresh)]))
    return batch, task.ask(batch, task.cut(batch), None)


def _score(inputs: Mapping[str, Array]) -> dict[str, Array]:
    """The later in the catalogue the better; a new device is best; a patient with a known attribute adds a little."""
    mark = inputs["patient"].astype(float).sum(axis=1, keepdims=True) / 1000
    return {"score": np.where(inputs["index"] == 0, 9.0, inputs["index"]) + mark}


def _listed(task: DeviceForPatient, batch: Any, items: Any) -> Any:
    return task.join(batch, items, _score(items.inputs))


def test_a_rule_removes_and_another_ranks_down_and_both_say_so(task: DeviceForPatient) -> None:
    batch, items = _asked(task, {"mri": "yes"}, [], [])
    made = _listed(task, batch, items)
    assert made.array("item")[0, :3].tolist() == [b"A", b"C", b""]
    assert made.array("note")[0].decode() == (
        "1 of 3 devices removed by rules (mri 1); 1 of 3 devices ranked below the others by rules (recalled 1)"
    )
    assert made.array("violations").tolist() == [0]
    assert made.array("forbidden").tolist() == [1]
    (told,) = task.explain(batch, made, _score)
    assert told["items"][1]["ranked_down"] == ["Recalled."]
    assert told["items"][0]["because"] == [{"attribute": "mri", "adds": 0.1}]
    assert told["removed"] == [{"rule": "mri", "kind": "compatibility", "says": "Unsafe in a scanner.", "items": ["B"]}]


def test_rules_that_remove_everything_are_an_answer_that_says_so(task: DeviceForPatient) -> None:
    batch, items = _asked(task, {"allergy": ["nickel", "titanium"]}, [], [])
    made = _listed(task, batch, items)
    assert made.array("item")[0].tolist() == [b""] * 20
    assert made.array("note")[0].startswith(
        b"no device is left to propose; 3 of 3 devices removed by rules (material 3)"
    )


def test_where_the_model_names_no_allowed_device_that_is_said(task: DeviceForPatient) -> None:
    batch, items = _asked(task, {"mri": "yes"}, [], [])
    made = task.join(batch, items, {"item": as_names(["B"])[None], "score": np.array([[3.0]])})
    assert made.array("note")[0].startswith(b"none of the devices that the model names is allowed; 1 of 3")


@pytest.mark.parametrize("blank", [[], [""], " ", "|", None])
def test_a_blank_attribute_is_not_known_to_be_none(task: DeviceForPatient, blank: Any) -> None:
    """An export writes an empty list where nothing was recorded; a rule must not take that for 'no allergy'."""
    Path(task._config.rules).write_text(RULES.replace('unknown = "pass"', 'unknown = "down"'))
    without = DeviceForPatient(task._config)
    told = []
    for attributes in ({"allergy": blank}, {}):
        batch, items = _asked(without, attributes, [], [])
        told.append(_listed(without, batch, items).array("note")[0])
    assert told[0] == told[1]
    assert b"3 of 3 devices ranked below the others by rules (material 3" in told[0]


def test_a_forbidden_device_in_a_list_is_counted(task: DeviceForPatient, monkeypatch: pytest.MonkeyPatch) -> None:
    batch, items = _asked(task, {"mri": "yes"}, [], [{"device": "N", "mri": "unsafe", "recall": "none"}])
    assert _listed(task, batch, items).array("violations").tolist() == [0]

    def unruled(advice: Any, made: Any) -> Any:
        return {**list_of(advice, made), "item": as_names(["A", "B", "N", ""])}

    monkeypatch.setattr(device_for_patient, "list_of", unruled)
    assert _listed(task, batch, items).array("violations").tolist() == [2]


def test_devices_given_before_that_the_catalogue_has_not_are_said(task: DeviceForPatient) -> None:
    batch, items = _asked(task, {}, ["a", "C"], [])
    note = _listed(task, batch, items).array("note")[0]
    assert note.startswith(b"1 devices given before are none of the catalogue and were not looked at")


def test_a_note_that_is_too_long_ends_at_a_word() -> None:
    assert advice._cut("short") == b"short"
    made = advice._cut("wörd " * 400)
    assert len(made) <= advice.NOTE_BYTES
    assert made.decode().endswith("wörd … and more")


def test_a_new_device_is_listed_under_the_same_rules(task: DeviceForPatient) -> None:
    fresh = [{"device": "N1", "mri": "safe", "recall": "none"}, {"device": "N2", "mri": "unsafe", "recall": "none"}]
    batch, items = _asked(task, {"mri": "yes"}, ["A"], fresh)
    made = _listed(task, batch, items)
    assert made.array("item")[0, :3].tolist() == [b"N1", b"C", b""]
    (told,) = task.explain(batch, made, _score)
    assert told["items"][0]["new"] is True
    assert {"N2"} <= set(told["removed"][0]["items"])


def test_a_list_of_names_is_ruled_as_scores_are(task: DeviceForPatient) -> None:
    batch, items = _asked(task, {"mri": "yes"}, [], [])
    arrays = {"item": as_names(["B", "C", "A", ""])[None], "score": np.array([[3.0, 2.0, 1.0, 0.0]])}
    assert task.join(batch, items, arrays).array("item")[0, :3].tolist() == [b"A", b"C", b""]


def test_an_unknown_device_and_an_empty_patient_are_the_cold_path(task: DeviceForPatient) -> None:
    batch, items = _asked(task, {}, ["not-in-the-catalogue"], [])
    assert items.inputs["patient"].sum() == 0
    assert items.inputs["history"].shape == (1, 0)
    assert _listed(task, batch, items).array("item")[0, :3].tolist() == [b"A", b"C", b"B"]


@pytest.mark.parametrize(
    ("attributes", "fresh", "message"),
    [
        ({"weight": 3}, [], "unknown attribute 'weight'"),
        ({}, [{"device": "A"}], "new devices: expected at most 8, none of the catalogue, got one of the catalogue"),
        ({}, [{"device": f"N{k}"} for k in range(9)], "expected at most 8, none of the catalogue, got 9"),
        ({}, [{"device": "N", "recall": "class-2"}, {"device": "N"}], "new devices: expected names .* each once, got"),
        ({}, [{"device": "N" * 33}], "expected names of at most 32 bytes"),
        ({}, [{"device": "N", "mri": "maybe"}], "mri of a device: expected one of safe, unsafe, got another value"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    task: DeviceForPatient, attributes: dict[str, Any], fresh: list[dict[str, str]], message: str
) -> None:
    with pytest.raises(ReadError, match=message):
        _asked(task, attributes, [], fresh)


def test_a_catalogue_with_a_foreign_attribute_is_refused(tmp_path: Path) -> None:
    for text, message in (
        (CATALOGUE.replace("recall", "colour"), "unknown attribute 'colour'"),
        ("device,mri\nA,safe\nA,safe\n", "each once, got another table"),
        ("name,mri\nA,safe\n", "expected a column 'device'"),
        ("device,mri\nA,safe,more\n", r"devices\.csv, row 2: expected as many cells as the header has"),
        ("device,mri\nA,safe\nB\n", r"devices\.csv, row 3: expected as many cells as the header has"),
        ("device,mri\nÄ,safe\n".encode("latin-1"), r"devices\.csv: expected a CSV table in UTF-8"),
    ):
        (tmp_path / "devices.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        (tmp_path / "rules.toml").write_text(RULES)
        broken = DeviceForPatient(
            DeviceForPatientConfig(catalogue=str(tmp_path / "devices.csv"), rules=str(tmp_path / "rules.toml"))
        )
        with pytest.raises(RecipeError, match=message):
            _ = broken.shelf


def test_a_catalogue_may_be_parquet_with_lists(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(RULES)
    (tmp_path / "devices.csv").write_text(CATALOGUE.replace("A,safe,none,titanium", "A,safe,none,titanium|nickel"))
    rows = {
        "device": ["C", "B", "A"],
        "mri": ["safe", "unsafe", "safe"],
        "recall": ["class-2", "none", "none"],
        "material": [["nickel"], ["titanium"], ["titanium", "nickel"]],
    }
    pq.write_table(pa.table(rows), tmp_path / "devices.parquet")
    rules = read_rules(str(tmp_path / "rules.toml"))
    shelves = [read_shelf(tmp_path / f"devices.{suffix}", rules) for suffix in ("csv", "parquet")]
    assert shelves[0].names.tolist() == shelves[1].names.tolist()
    assert shelves[0].marks.tolist() == shelves[1].marks.tolist()
    (tmp_path / "devices.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(RecipeError, match=r"catalogue devices\.parquet: expected a Parquet table, got a broken one"):
        read_shelf(tmp_path / "devices.parquet", rules)


@pytest.mark.parametrize(("cold", "roles"), [("none", {0}), ("patient", {0, 1, 2}), ("both", {-1, 0, 1, 2})])
def test_roles_are_by_patient_and_device(cold: Any, roles: set[int]) -> None:
    task = DeviceForPatient(DeviceForPatientConfig(cold=cold))
    given = [d["device"] for d in hospital_devices()]
    made = task.cut(
        task.prepare(batch_of([Request(f"p{k}", {}, list(as_names(given[k : k + 9])), []) for k in range(50)]))
    )
    part = made.inputs["part"]
    assert set(part.tolist()) == roles
    if cold == "patient":
        assert all(len(set(part[made.record == r].tolist())) == 1 for r in range(50))


def test_the_catalogue_is_what_the_simulation_draws(tmp_path: Path) -> None:
    write_rows(tmp_path / "d.csv", hospital_devices())
    assert (tmp_path / "d.csv").read_text() == (SIMULATED / "hospital_devices.csv").read_text()


def test_nobody_in_the_simulation_is_given_what_a_rule_removes(tmp_path: Path) -> None:
    rules = read_rules(str(SIMULATED / "hospital_rules.toml"))
    write_hospital(tmp_path, 0, small=True)
    task = DeviceForPatient(DeviceForPatientConfig())
    known = dict(zip(task.shelf.names.tolist(), task.shelf.known, strict=True))
    lines = [json.loads(line) for line in (tmp_path / "sim_questions.jsonl").read_text().splitlines()]
    first = lines[0]
    judged = rules.judge(
        rules.patients.read(first["attributes"]), rules.table([known[d.encode()] for d in first["devices"]])
    )
    assert not (judged == REMOVE).any()


def test_a_release_answers_known_and_new_patients_and_new_devices(tmp_path: Path) -> None:
    """The whole way: build on the simulated hospital, then questions as JSON Lines, each with reasons."""
    recipe = Path(auscult.__file__).parents[2] / "recipes" / "recommend" / "device-for-patient-warm.toml"
    changes = ("train.epochs=1", "evaluate.resamples=100", "study.models=[]", "study.settings={}", "data.example=''")
    write_rows_small(tmp_path / "data")
    made = auscult.build(recipe, tmp_path / "run", overrides=(*changes, f"data.path='{tmp_path / 'data'}'"))
    assert made.release is not None
    write_hospital(tmp_path / "asked", 1, small=True)
    answers = list(auscult.predict(made.release, tmp_path / "asked" / "sim_questions.jsonl", explain=True))
    assert [a.status for a in answers] == ["answered"] * 3
    for answer in answers:
        assert answer.explanation is not None
        assert len(answer.explanation["items"]) == len(answer.answers[0]["item"]) > 0
    assert "removed by rules" in answers[1].answers[0]["note"]
    broken = tmp_path / "asked" / "broken.jsonl"
    broken.write_text('{"patient": "p", "attributes": {"age_years": 400}}\n')
    (refused,) = auscult.predict(made.release, broken)
    assert refused.status == "refused"
    assert "age_years of a patient: expected a number from 0 to 120, got another" in refused.reason


def write_rows_small(folder: Path) -> None:
    """A hospital of 150 patients."""
    from auscult.domains.recommend.simulate.hospital import simulate_patients, simulate_use

    rules, rng = read_rules(str(SIMULATED / "hospital_rules.toml")), np.random.default_rng(0)
    patients = simulate_patients(rng, 150)
    folder.mkdir()
    write_rows(folder / "patients.csv", patients)
    write_rows(folder / "given.csv", simulate_use(rules, hospital_devices(), patients, rng))
