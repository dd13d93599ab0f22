"""Facts of a device event: read from texts, asked for in columns, and held against each other."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.base.errors import ReadError
from auscult.domains.text.preprocess.facts import (
    NAMES,
    asked_facts,
    facts_of_columns,
    facts_of_request,
    facts_of_text,
    request_of,
    stated_facts,
)

TEXT = "The pt, a 45 yr old woman, was treated on 03/12/2024 as the pump leaked. The patient died."


def named(row: np.ndarray) -> set[str]:  # type: ignore[type-arg]
    return {name for name, there in zip(NAMES, row, strict=True) if there}


def test_what_a_text_states() -> None:
    found = facts_of_text(TEXT)
    assert found["sex"] == ("F",)
    assert found["age"] == ("45 year",)
    assert found["date"] == ("03/12/2024",)
    assert found["event"] == ("death",)
    assert found["device"] == ("pump",)
    assert found["problem"] == ("leak",)
    assert set(found["outcome"]) == {"death", "treated"}


def test_a_malfunction_is_no_fact_as_it_is_what_a_text_leaves_unsaid() -> None:
    assert facts_of_text("The pump leaked.")["event"] == ()
    assert facts_of_columns({"event": "malfunction", "sex": "unknown"})["event"] == ()


def test_a_request_is_read_as_it_was_written() -> None:
    facts = facts_of_text(TEXT)
    request = request_of(facts, {"Brand": "X  one", "Model": " "})
    assert request.startswith("Brand: X one\nsex: F\nage: 45 year\n")
    assert facts_of_request(request) == facts


def test_a_text_states_what_it_was_asked_for() -> None:
    request = request_of(facts_of_text(TEXT), {})
    asked, stated = asked_facts([request])[0], stated_facts([request], [TEXT])[0]
    np.testing.assert_array_equal(asked, stated)
    assert len(named(asked)) == 8


def test_missing_and_made_up_facts_are_told_apart() -> None:
    request = "age: 45 year\ndate: 03/12/2024\ndevice: pump\nproblem: leak"
    text = "The 60 year old user of the pump had an alarm on 01/02/2020 and on 03/12/2024."
    asked, stated = asked_facts([request])[0], stated_facts([request], [text])[0]
    assert named(asked & ~stated & 1) == {"age", "problem: leak"}
    assert named(stated & ~asked & 1) == {"another age", "another date", "problem: alarm"}


def test_columns_are_read_and_refused_without_their_value() -> None:
    found = facts_of_columns({"device": "pump; stent ;pump", "age": "3 months", "date": "12 March 2024"})
    assert found["device"] == ("pump", "stent")
    assert found["age"] == ("3 month",)
    assert found["date"] == ("12 march 2024",)
    assert facts_of_columns({"age": "45"})["age"] == ("45 year",)
    for column, value, words in (
        ("device", "gizmo", r"'device': expected pump, catheter, .*, separated by semicolons, got another value"),
        ("age", "old", r"'age': expected one age such as '45' or '3 month', got another value"),
        ("age", "4; 5", r"'age': expected one age"),
        ("date", "soon", r"'date': expected dates such as '03/12/2024' or '12 March 2024', got another value"),
    ):
        with pytest.raises(ReadError, match=words) as caught:
            facts_of_columns({column: value})
        assert value not in str(caught.value)
