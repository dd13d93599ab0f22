from __future__ import annotations

import numpy as np
import pytest

from auscult.domains.text.preprocess.cues import FEATURES, cue_features, found


@pytest.mark.parametrize(
    ("text", "cue", "denied"),
    [
        ("the patient died at home", "death", False),
        ("no death was reported", "death", True),
        ("the device wasn't the cause of death", "death", True),
        ("no harm. the patient died", "death", False),
        ("the family denies any injury", "harm", True),
        ("cardiac arrest followed", "resuscitation", False),
    ],
)
def test_cues_and_whether_they_are_denied(text: str, cue: str, denied: bool) -> None:
    assert (cue, denied) in {(name, no) for name, _, _, no in found(text)}


@pytest.mark.parametrize("text", ["the strip had expired product code", "studied the case", "expired date on the box"])
def test_what_only_looks_like_a_death_is_none(text: str) -> None:
    assert "death" not in {name for name, *_ in found(text)}


def test_features_are_one_plus_the_log_of_the_count() -> None:
    made = cue_features(["Died. DIED. no death", "nothing to see"])
    at = {name: k for k, name in enumerate(FEATURES)}
    assert made[0, at["death-said"]] == pytest.approx(1 + np.log(2))
    assert made[0, at["death-denied"]] == pytest.approx(1.0)
    assert made[0].sum() == pytest.approx(2 + np.log(2))
    assert not made[1].any()


def test_an_apostrophe_of_either_form_denies() -> None:
    (curly, straight) = cue_features(["The patient wasn\u2019t INJURED", "The patient wasn't injured"])
    assert curly.tolist() == straight.tolist()


def test_a_cue_stands_where_it_says() -> None:
    text = "then the patient died"
    assert [text[a:b] for _, a, b, _ in found(text)] == ["died"]
