"""Structured records of events: what is stated with its place, what is not stated is absent, whose pronoun it is."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from auscult.base.contracts import Field, FitContext, Items, ItemSet, RecordBatch
from auscult.base.errors import ReadError
from auscult.base.log import Silent
from auscult.base.recipe import TrainTable
from auscult.domains.text.models.sex_rule import SexRule, SexRuleConfig
from auscult.domains.text.preprocess.event_fields import event_type, stated_fields
from auscult.domains.text.preprocess.patient_sex import sex_evidence, sex_features
from auscult.domains.text.tasks.event_parse import EventParse, EventParseConfig, parsed
from auscult.engine.drivers import load_program

TEXT = np.dtypes.StringDType()


def _sex(text: str) -> str:
    task = EventParse(EventParseConfig())
    nothing = ItemSet(Items({}, np.zeros(0, np.int64), np.zeros(0, np.int64)), np.zeros(0, np.int64))
    context = FitContext(task.spec, 0, TrainTable(), Path(), Silent())
    run = load_program(SexRule(SexRuleConfig()).fit(nothing, nothing, context).export())
    probability = run({"evidence": sex_features([text])})["probability"][0]
    return task.spec.labels[int(probability.argmax())]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PT IS A 45 YR OLD FEMALE.", "F"),
        ("MALE PT WITH A STENT.", "M"),
        ("The male luer connector broke; no patient was involved.", "unknown"),
        ("The female connector was cracked.", "unknown"),
        ("A nurse called. She said that the pump stopped.", "unknown"),
        ("The surgeon removed the screw and he closed the wound.", "unknown"),
        ("The patient said that the nurse was late. The patient lost her pump.", "F"),
        ("The customer's mother stated that the customer was ill; the doctor had him change the set.", "unknown"),
        ("The patient's mother reported that the patient lost his pump.", "M"),
        ("The consumer reported that her husband used the wrap for six hours.", "M"),
        ("The mother called on behalf of her son.", "M"),
        ("Pt's husband stated that the meter read high.", "F"),
        ("Breast implants were explanted.", "F"),
        ("Bleeding after a prostate resection.", "M"),
        ("I had lasik. I told my doctor and he said my eyes and my lens were fine.", "unknown"),
        ("The pump alarmed and was replaced.", "unknown"),
        ("The pulse width was 0.4 ms. The lead was replaced.", "unknown"),
        ("The patient had severe MR. The valve was replaced.", "unknown"),
        ("A PATIENT WITH SEVERE MR. VALVE REPLACED.", "unknown"),
        ("The pump of Ms. Ahorn stopped.", "F"),
        ("The pump of Mr. Ahorn stopped.", "M"),
        ("The patient\u2019s husband called.", "F"),
    ],
)
def test_sex_of_the_patient(text: str, expected: str) -> None:
    assert _sex(text) == expected


def test_evidence_has_the_places_of_the_text() -> None:
    text = "İlk. The PATIENT lost HER pump; she is a Woman."
    assert [text[e.begin : e.end] for e in sorted(sex_evidence(text), key=lambda e: e.begin)] == ["HER", "she", "Woman"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The patient died later.", "death"),
        ("The patient did not die and no injury was reported; the screen was blank.", "malfunction"),
        ("He was hospitalized for a day.", "injury"),
        ("The device was past its expired date.", "malfunction"),
        ("The patient wasn\u2019t injured.", "malfunction"),
    ],
)
def test_type_of_event(text: str, expected: str) -> None:
    kind, at = event_type(text)
    assert kind == expected
    assert (at is None) == (kind == "malfunction")
    assert at is None or re.search("died|hospitalized", text[slice(*at)])


def test_record_by_hand() -> None:
    text = "On 01/02/2008 the pt, a 45-yr-old female, used the pump. The pump leaked. She recovered."
    record = parsed(text, "F")

    def words(field: object) -> object:
        if isinstance(field, list):
            return [words(f) for f in field]
        return (field["value"], [text[a:b] for a, b in field["at"]])  # type: ignore[index]

    assert words(record["sex"]) == ("F", ["female", "She"])
    assert words(record["age"]) == ("45 year", ["45-yr-old"])
    assert words(record["date"]) == [("01/02/2008", ["01/02/2008"])]
    assert words(record["device"]) == [("pump", ["pump", "pump"])]
    assert words(record["problem"]) == [("leak", ["leaked"])]
    assert words(record["outcome"]) == [("recovered", ["recovered"])]
    assert record["event_type"] == {"value": "malfunction", "at": []}
    assert record["not_scored"] == ["age", "date", "device", "problem", "outcome"]


def test_what_a_text_does_not_say_is_absent() -> None:
    record = parsed("Nothing is known.", "unknown")
    assert (record["sex"], record["age"], record["device"]) == (None, None, [])


def test_ages_and_denials() -> None:
    ages = [
        s.value for s in stated_fields("Aged 7. A 3 month old, 80 years old, 12 days of therapy.") if s.field == "age"
    ]
    assert ages == ["7 year", "3 month", "80 year"]
    assert not [s for s in stated_fields("There was no leak.") if s.field == "problem"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("An infant aged 6 months was seen.", ["6 month"]),
        ("Age 18 months, 3 kg.", ["18 month"]),
        ("Aged 6 weeks; another 2 wks old.", ["6 week", "2 week"]),
        ("At the age of 61, 62 yrs old, 63 y/o.", ["61 year", "62 year", "63 year"]),
        ("Aged 5 daycare children.", ["5 year"]),
    ],
)
def test_ages_with_their_units(text: str, expected: list[str]) -> None:
    assert [s.value for s in stated_fields(text) if s.field == "age"] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The marquis 7274 decreased 2000 ml; code 1234-56-78, march 7274, 1/2/7274.", []),
        ("March 2008, 3 sept 2008, September 4, 2009, 2 May 1999.", ["march 2008", "3 sept 2008", "september 4, 2009",
                                                                    "2 may 1999"]),
        ("On 01/02/08 and 1/2/2008, in 2007, 2008-05-01.", ["01/02/08", "1/2/2008", "2007", "2008-05-01"]),
    ],
)  # fmt: skip
def test_dates_and_what_only_looks_like_one(text: str, expected: list[str]) -> None:
    assert [s.value for s in stated_fields(text) if s.field == "date"] == expected


def _batch(**columns: list[str]) -> RecordBatch:
    fields = tuple(Field(name, "text", missing=True) for name in columns)
    made = {name: np.array(values, dtype=TEXT) for name, values in columns.items()}
    return RecordBatch(fields, made, np.array([f"a.sample#{k}" for k in range(len(next(iter(columns.values()))))]))


def test_columns_roles_and_the_second_way_of_judging() -> None:
    config = EventParseConfig(text="foi", sex="G", sex_values=("FEMALE", "MALE", "UNKNOWN"), event="E",
                              event_values=("M", "IN", "D"), test_names="a.sample*")  # fmt: skip
    task = EventParse(config)
    batch = task.prepare(_batch(foi=["He died.", "A screw."], G=["MALE", "?"], E=["D", "O"]))
    assert batch.groups["role"].tolist() == ["test", "test"]
    items = task.cut(batch)
    assert items.target is not None
    assert (items.record.tolist(), items.target.tolist()) == ([0], [1])
    spec, outputs = task.further(batch, lambda _: task.join(batch, items, {}))["event_type"]
    assert spec.labels[int(outputs.array("probability")[0].argmax())] == "death"
    assert outputs.record.tolist() == [0]


def test_what_is_refused() -> None:
    task = EventParse(EventParseConfig())
    with pytest.raises(ReadError, match=r"expected the narrative in 'text' .*, got note; name the column"):
        task.prepare(_batch(note=["a"]))
    with pytest.raises(ReadError, match="text: expected at least one word, got none in 1 of 1 texts"):
        task.prepare(_batch(text=["..."]))
