"""Pictures: counts by hand, text that stays text, nothing loaded, the same bytes twice, small files."""

from __future__ import annotations

import re

import numpy as np
import pytest

from auscult.base.arrays import Ragged
from auscult.base.contracts import Outputs, TaskSpec
from auscult.engine.release.figures import (
    Figure,
    class_figures,
    event_figures,
    label_figures,
    sample_figures,
    value_figures,
)
from auscult.engine.release.figures_base import MAX_DOTS, MAX_POINTS, counts_by_score, thinned

LARGEST_BYTES = 300_000


def spec_of(kind: str, labels: tuple[str, ...], **more: object) -> TaskSpec:
    return TaskSpec("toy", kind, "A toy.", labels, "accuracy", ("accuracy",), "floor", "toy", **more)  # type: ignore[arg-type]


def classes(n: int = 300, labels: tuple[str, ...] = ("no", "yes")) -> tuple[TaskSpec, Outputs]:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, len(labels), n)
    score = rng.random((n, len(labels))) + 2.0 * np.eye(len(labels))[truth]
    probability = score / score.sum(axis=1, keepdims=True)
    arrays = {
        "probability": probability,
        "label": probability.argmax(axis=1),
        "answered": rng.random(n) > 0.1,
    }
    return spec_of("class", labels), Outputs(arrays, np.arange(n), None, {"label": truth})


def values(n: int, labels: tuple[str, ...]) -> tuple[TaskSpec, Outputs]:
    rng = np.random.default_rng(1)
    truth = 120 + 30 * rng.normal(size=(n, len(labels)))
    value = truth + 5 * rng.normal(size=truth.shape)
    arrays = {"value": value, "interval": np.stack([value - 8, value + 8], axis=-1)}
    return spec_of("value", labels, unit="mg/dL"), Outputs(arrays, np.arange(n), None, {"value": truth})


def events() -> tuple[TaskSpec, Outputs]:
    truth = Ragged.of([np.array([100, 500, 900])])
    arrays = {
        "position": Ragged.of([np.array([101, 700])]),
        "score": Ragged.of([np.array([0.9, 0.6])]),
        "label": Ragged.of([np.array([0, 0])]),
    }
    more = {"position_rate_hz": 250.0, "parameters": {"tolerance_s": 0.15}}
    return spec_of("events", ("R",), **more), Outputs(arrays, np.array([0]), None, {"position": truth})


def labels() -> tuple[TaskSpec, Outputs]:
    rng = np.random.default_rng(2)
    truth = rng.integers(-1, 2, (200, 3))
    truth[:, 2] = 0
    arrays = {"probability": rng.random((200, 3))}
    return spec_of("labels", ("a", "b", "never")), Outputs(arrays, np.arange(200), None, {"label": truth})


@pytest.fixture(scope="module")
def drawn() -> list[list[Figure]]:
    return [
        class_figures(*classes()),
        class_figures(*classes(labels=("N", "S", "V", "F"))),
        label_figures(*labels()),
        value_figures(*values(60, ("sbp", "dbp"))),
        value_figures(*values(60, tuple(f"{5 * k} min" for k in range(1, 13)))),
        event_figures(*events()),
    ]


def texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def test_the_pictures_of_each_kind(drawn: list[list[Figure]]) -> None:
    names = [[figure.name for figure in made] for made in drawn]
    assert names == [
        ["ranking", "reliability", "confusion", "decision", "abstention"],
        ["ranking", "reliability", "confusion", "abstention"],
        ["areas", "reliability"],
        ["agreement", "bland-altman", "intervals"],
        ["agreement", "by-column", "intervals"],
        ["scores", "timing"],
    ]


def test_an_svg_loads_nothing_and_its_ids_are_its_own(drawn: list[list[Figure]]) -> None:
    for made in drawn:
        page = "".join(figure.svg for figure in made)
        assert "http" not in page
        assert "<style" not in page
        assert all(figure.svg.startswith("<svg role=") for figure in made)
        found = re.findall(r'\bid="([^"]*)"', page)
        assert len(found) == len(set(found))
        # Every reference inside the page finds its place.
        assert set(re.findall(r'href="#([^"]*)"', page) + re.findall(r"url\(#([^)]*)\)", page)) <= set(found)


def test_the_same_answers_give_the_same_bytes(drawn: list[list[Figure]]) -> None:
    again = [label_figures(*labels()), value_figures(*values(60, ("sbp", "dbp")))]
    assert [[f.svg for f in made] for made in again] == [[f.svg for f in made] for made in drawn[2:4]]


def test_many_answers_do_not_make_a_large_picture() -> None:
    # Beyond MAX_DOTS points become hexagons; just below it every point is drawn.
    made = class_figures(*classes(20_000, ("N", "S", "V", "F")))
    made += value_figures(*values(20_000, ("a", "b", "c", "d")))
    made += value_figures(*values(MAX_DOTS, ("sbp", "dbp", "map")))
    assert max(len(figure.svg) for figure in made) < LARGEST_BYTES


def test_axes_carry_units(drawn: list[list[Figure]]) -> None:
    _, by_column, _ = drawn[4]
    assert "error (mg/dL)" in texts(by_column.svg)
    _, timing = drawn[5]
    assert any("found − reference (ms)" in text for text in texts(timing.svg))


def test_the_confusion_matrix_by_hand() -> None:
    probability = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.4, 0.6], [0.2, 0.8]])
    # Truth 0 0 0 0 1, decided 0 0 0 1 1; the last answer has no known truth.
    outputs = Outputs(
        {"probability": np.vstack([probability, [[0.5, 0.5]]])},
        np.arange(6),
        None,
        {"label": np.array([0, 0, 0, 0, 1, -1])},
    )
    confusion = class_figures(spec_of("class", ("no", "yes")), outputs)[2]
    shown = texts(confusion.svg)
    assert {"75.0 %", "25.0 %", "0.0 %", "100.0 %", "no (4)", "yes (1)"} <= set(shown)


def test_no_known_truth_gives_no_picture() -> None:
    spec, outputs = classes(5)
    unknown = Outputs(outputs.arrays, outputs.record, None, {"label": np.full(5, -1)})
    assert class_figures(spec, unknown) == []


def test_a_class_that_never_occurs_is_not_defined() -> None:
    spec, outputs = classes(40, ("a", "b", "c"))
    truth = np.minimum(np.asarray(outputs.truth("label")), 1)
    ranking = class_figures(spec, Outputs(outputs.arrays, outputs.record, None, {"label": truth}))[0]
    assert "c: not defined" in texts(ranking.svg)


def test_a_label_that_never_holds_is_not_defined(drawn: list[list[Figure]]) -> None:
    areas, _ = drawn[2]
    assert "hence not defined: 1." in areas.caption


def test_names_are_text_and_never_markup() -> None:
    spec, outputs = classes(60, ("<script>alert(1)</script>", "$\\frac{1}$"))
    made = class_figures(spec, outputs)
    assert all("<script" not in figure.svg for figure in made)
    assert any("&lt;script&gt;" in figure.svg for figure in made)
    assert any("$\\frac{1}$" in figure.svg for figure in made)


def test_event_counts_and_timing_by_hand(drawn: list[list[Figure]]) -> None:
    scores, timing = drawn[5]
    assert "match a reference event: 1; false ones: 1; missed reference events: 2." in scores.caption
    # One sample late at 250 Hz.
    assert "Median 4.0 ms" in timing.caption
    assert "tolerance of a match is 150 ms" in timing.caption


def test_without_a_matched_event_there_is_no_timing() -> None:
    spec, outputs = events()
    far = {**outputs.arrays, "position": Ragged.of([np.array([300, 700])])}
    assert [f.name for f in event_figures(spec, Outputs(far, outputs.record, None, outputs.target))] == ["scores"]


def test_limits_of_agreement_by_hand() -> None:
    truth = np.array([[10.0], [20.0], [30.0], [40.0]])
    value = truth + np.array([[1.0], [-1.0], [1.0], [-1.0]])
    # Bland and Altman 1986: 1.96 * sqrt(4 / 3) = 2.263.
    spec = spec_of("value", ("x",), unit="mm")
    made = value_figures(spec, Outputs({"value": value}, np.arange(4), None, {"value": truth}))
    assert "x: bias 0.00, limits −2.26 to 2.26 mm." in made[1].caption


def test_unbounded_intervals_are_said() -> None:
    spec, outputs = values(20, ("a", "b"))
    interval = outputs.array("interval").copy()
    interval[:, 1] = -np.inf, np.inf
    wide = Outputs({**outputs.arrays, "interval": interval}, outputs.record, None, outputs.target)
    assert "unbounded" in value_figures(spec, wide)[-1].caption


def test_counts_by_score_with_a_tie_by_hand() -> None:
    true, false = counts_by_score(np.array([True, False, True, False]), np.array([0.9, 0.5, 0.5, 0.1]))
    assert true.tolist() == [1, 2, 2]
    assert false.tolist() == [0, 1, 2]


def test_a_thinned_curve_keeps_its_ends() -> None:
    x = np.linspace(0.0, 1.0, 5000)
    short_x, short_y = thinned(x, x**2)
    assert len(short_x) <= MAX_POINTS + 2
    assert (short_x[0], short_x[-1], short_y[-1]) == (0.0, 1.0, 1.0)


def test_generated_pictures_are_drawn_and_real_ones_are_distances() -> None:
    rng = np.random.default_rng(4)
    arrays = {"sample": rng.random((30, 1, 8, 8)).astype(np.float32), "feature": rng.normal(size=(30, 3))}
    rows = np.arange(30)
    drawn = sample_figures(spec_of("sample", ("a",)), Outputs(arrays, rows, None, {"real": rng.normal(size=(30, 3))}))
    assert [f.name for f in drawn] == ["best", "worst"]
    assert all(f.svg.count("<image") == 24 and "No real image is shown" in f.caption for f in drawn)
    near = {"to_train": np.linspace(3, 1, 30), "to_held_out": np.full(30, 2.0)}
    (nearest,) = sample_figures(spec_of("sample", ("a",)), Outputs({**arrays, **near}, rows))
    assert nearest.svg.count("<image") == 24
    assert nearest.svg.index("1.00 | 2.00") < nearest.svg.index("1.07 | 2.00")  # the nearest comes first
    away = {"distance": rng.random(30)}
    (histogram,) = sample_figures(spec_of("sample", ("a",)), Outputs(away, rows, None, {"member": rows < 20}))
    assert "held-out items" in histogram.svg
    tokens = {"sample": np.zeros((30, 5), np.int64), "feature": np.zeros((30, 5))}
    assert sample_figures(spec_of("sample", ("a",)), Outputs(tokens, rows)) == []
