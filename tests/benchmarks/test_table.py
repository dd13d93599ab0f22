"""The page of results: what is printed, what is judged, and that the committed page is the one that is generated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cells import duration, figure, number
from table import HERE, PAGE, judged, page, read_goals, recipe_rows, speed_row

GOALS = {"beats": {"accuracy": {"goal": 0.9, "aim": 0.95}, "mae": {"beats_floor": True}}}


def _figure(value: float, low: float, high: float, *, up: bool = True) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "higher_is_better": up}


def _result(**changes: Any) -> dict[str, Any]:
    """Evidence of a made-up recipe, with every key that the page reads."""
    made = {
        "file": "beats",
        "name": "beats",
        "domain": "signals",
        "primary": "accuracy",
        "model": "trees",
        "choice": {"reason": "it is better"},
        "floor_model": "floor",
        "split": "test",
        "split_policy": "given",
        "seeds": [0],
        "n_records": 22,
        "n_answers": 900,
        "n_subjects": 21,
        "resampled_by": "subject",
        "metrics": {
            "accuracy": _figure(0.93, 0.91, 0.94),
            "mae": _figure(3.0, 2.5, 3.5, up=False),
            "ece": _figure(0.02, 0.01, 0.03, up=False),
        },
        "floor": {"accuracy": _figure(0.89, 0.86, 0.91)},
        "difference_from_floor": {"accuracy": _figure(0.04, 0.01, 0.06), "mae": _figure(-0.5, -0.9, -0.1, up=False)},
        "validation": {"accuracy": _figure(0.95, 0.94, 0.96)},
        "published": [
            {"source": "A paper", "metric": "accuracy", "value": 0.945, "status": "read"},
            {"source": "From memory", "metric": "accuracy", "value": 0.987, "status": "recalled"},
        ],
        "leaks": {
            "n_records": 1,
            "same_subject": 1,
            "same_content": 0,
            "metrics_without": {"accuracy": _figure(0.92, 0.9, 0.93)},
        },
        "faults": {"mains-hum": {"accuracy": _figure(0.8, 0.7, 0.9)}},
        "subgroups": {
            "sex": {
                "F": {"n_units": 9, "n_answers": 300, "metrics": {"accuracy": _figure(0.94, 0.9, 0.95)}},
                "M": {"n_units": 1, "n_answers": 2},
            }
        },
        "rows": [
            {"model": "other", "train_fraction": 0.5, "metrics": {"accuracy": _figure(0.7, 0.6, 0.8)}},
            {
                "model": "line",
                "metrics": {"accuracy": _figure(0.9, 0.8, 0.95)},
                "ships_minus_row": {"accuracy": _figure(0.03, -0.01, 0.07)},
            },
        ],
        "by_subject": {"accuracy": [0.5, 1.0]},
        "summary": {"alarms_a_day": 2.5, "AGE n": 16.0, "AGE recall": 0.75, "AGE f1": 0.5},
        "apart": {},
        "shipped_refit_untested": False,
        "recipe_hash": "h1",
        "seconds": 150.0,
        "peak_memory_gib": 1.5,
        "machine": {"cores": 2},
        "command": "python benchmarks/run.py beats.toml",
        "resumed": False,
        "recipe_committed": True,
        "gates_passed": True,
    }
    return {**made, **changes}


def _page(folder: Path, *results: dict[str, Any], opened: tuple[dict[str, Any], ...] = ()) -> str:
    for result in results:
        (folder / f"{result['file']}.json").write_text(json.dumps(result))
    ledger = folder / "openings.jsonl"
    ledger.write_text("".join(json.dumps(line) + "\n" for line in opened))
    return page(folder, ledger, GOALS)


def test_committed_page_is_the_generated_one() -> None:
    if not list((HERE / "results").glob("*.json")):
        pytest.skip("no results are kept yet")
    expected = page(HERE / "results", HERE / "test-openings.jsonl", read_goals(HERE / "goals.toml"))
    assert (HERE / PAGE).read_text(encoding="utf-8") == expected, "run: python benchmarks/table.py"


def test_no_result_names_a_path_or_a_host() -> None:
    """Absolute paths and per-record values stay in the run folder."""
    for path in (HERE / "results").glob("*.json"):
        text = path.read_text(encoding="utf-8")
        assert '"/' not in text, path.name
        assert " /" not in text.replace(" / ", ""), path.name
        assert '"records":' not in text, path.name


def test_row_has_value_floor_difference_and_published() -> None:
    row = recipe_rows(_result(), GOALS["beats"], [])[0]
    assert row[1:6] == [
        "accuracy",
        "0.9300 [0.9100, 0.9400]",
        "0.8900 [0.8600, 0.9100]",
        "+0.0400 [+0.0100, +0.0600]",
        "0.9450 (A paper; read)",
    ]
    assert row[6:10] == ["≥ 0.9000", "yes", "≥ 0.9500", "no"]  # 0.93 is above the goal and below the aim
    assert row[10:13] == ["22", "21", "subject"]
    assert row[14:] == ["2.5 min", "`python benchmarks/run.py beats.toml`"]


def test_recalled_figures_are_not_printed(tmp_path: Path) -> None:
    text = _page(tmp_path, _result())
    assert "0.987" not in text
    assert "From memory" not in text
    assert "only recalled and are not printed: 1" in text


def test_openings_are_counted_by_name_and_by_settings() -> None:
    opened = [{"recipe": "beats", "recipe_hash": h} for h in ("h1", "h2", "h1")] + [
        {"recipe": "x", "recipe_hash": "h1"}
    ]
    assert recipe_rows(_result(), {}, opened)[0][13] == "3 (2 with these settings)"


@pytest.mark.parametrize(
    ("gap", "word"),
    [
        (_figure(-0.5, -0.9, -0.1, up=False), "yes"),  # an error falls, and its whole interval with it
        (_figure(-0.5, -0.9, 0.1, up=False), "no"),
        (_figure(0.5, 0.1, 0.9), "yes"),
        (_figure(0.5, -0.1, 0.9), "no"),
        (None, "not measured"),
    ],
)
def test_better_than_the_floor_needs_the_whole_interval(gap: dict[str, Any] | None, word: str) -> None:
    assert judged(_figure(1.0, 0.0, 2.0), gap, {"beats_floor": True}) == ("better than the floor", word)


def test_a_goal_of_an_error_is_an_upper_limit() -> None:
    assert judged(_figure(10.5, 9, 12, up=False), None, {"goal": 10.53}) == ("≤ 10.53", "yes")
    assert judged(_figure(10.6, 9, 12, up=False), None, {"goal": 10.53}) == ("≤ 10.53", "no")


def test_a_run_that_went_on_has_no_time(tmp_path: Path) -> None:
    assert recipe_rows(_result(resumed=True), {}, [])[0][14] == "–"
    assert "The run went on from an earlier one" in _page(tmp_path, _result(resumed=True))


def test_notes_have_all_that_the_table_has_not(tmp_path: Path) -> None:
    text = _page(tmp_path, _result(recipe_committed=False, gates_passed=False))
    for said in (
        "ece 0.0200 [0.0100, 0.0300]",
        "The split leaks: 1 test records (1 by subject, 0 by content). Without them: accuracy 0.9200 [0.9000, 0.9300].",
        "| mains-hum | accuracy 0.8000 [0.7000, 0.9000] |",
        "| sex | F | 9 | 300 | accuracy 0.9400 [0.9000, 0.9500] |",
        "| sex | M | 1 | 2 | too few units |",
        "| `other` | 0.5000 | accuracy 0.7000 [0.6000, 0.8000] | – |",
        "| `line` | 1.00 | accuracy 0.9000 [0.8000, 0.9500] | accuracy +0.0300 [-0.0100, +0.0700] |",
        "By subject, in rising order: accuracy 0.5000, 1.00.",
        "Of this task alone: alarms_a_day 2.50.",
        "| AGE | 16 | – | 0.7500 | 0.5000 |",
        "The recipe differed from the last commit",
        "A gate of the recipe did not hold",
    ):
        assert said in text, said


def test_page_is_the_same_each_time_and_sorted(tmp_path: Path) -> None:
    other = _result(file="abp", name="abp", domain="imaging")
    text = _page(tmp_path, _result(), other)
    assert text == page(tmp_path, tmp_path / "openings.jsonl", GOALS)
    assert text.index("## imaging") < text.index("## signals") < text.index("## Notes")


def test_speed_row_prints_the_best_set_peer_and_the_default_beside_it() -> None:
    row = speed_row(
        {
            "name": "qrs",
            "ours": {"value": 0.02, "unit": "s"},
            "ratio": 60.0,
            "goal": 50.0,
            "goal_of": "ratio",
            "met": True,
            "higher_is_better": False,
            "command": "c",
            "peers": [
                {"name": "wfdb", "version": "4.3", "setting": "default", "value": 2.4, "ratio": 120.0},
                {"name": "wfdb", "version": "4.3", "setting": "quiet", "value": 1.2, "ratio": 60.0},
            ],
        }
    )
    assert row == ["qrs", "0.02 s", "wfdb 4.3 (quiet)", "1.2 s", "60", "2.4 s", "120", "≥ 50 times", "yes", "`c`"]


def test_speed_row_without_a_peer() -> None:
    result = {
        "name": "x",
        "ours": {"value": 6.0, "unit": "ms"},
        "ratio": 5 / 6,
        "goal": 5.0,
        "goal_of": "value",
        "met": False,
        "higher_is_better": False,
        "command": "c",
        "peers": [],
    }
    assert speed_row(result) == ["x", "6 ms", "–", "–", "0.833 of the goal", "–", "–", "≤ 5 ms", "no", "`c`"]


def test_cells() -> None:
    assert [number(v) for v in (0.12345, 12.345, None, -0.5)] == ["0.1235", "12.35", "–", "-0.5000"]
    assert figure(None) == "–"
    assert [duration(s) for s in (119.4, 120.0)] == ["119 s", "2.0 min"]


def test_better_than_a_row_of_the_study_is_judged_in_pairs() -> None:
    rows = {"trees": _figure(0.01, 0.002, 0.02), "net": _figure(0.01, -0.002, 0.02)}
    value = _figure(0.85, 0.8, 0.9)
    assert judged(value, None, {"beats_row": "trees"}, rows) == ("better than `trees`", "yes")
    assert judged(value, None, {"beats_row": "net"}, rows) == ("better than `net`", "no")
    assert judged(value, None, {"beats_row": "absent"}, rows) == ("better than `absent`", "not measured")
    both = {"goal": 0.845, "beats_row": "net"}
    assert judged(value, None, both, rows) == ("≥ 0.8450, better than `net`", "no")
    assert judged(value, None, {"goal": 0.9, "beats_row": "trees"}, rows)[1] == "no"


def test_the_curve_of_a_training_is_told_at_about_ten_epochs(tmp_path: Path) -> None:
    losses = [1 / (k + 1) for k in range(25)]
    text = _page(tmp_path, _result(training={"best_epoch": 25, "validation_loss": losses}))
    assert "Validation loss by epoch: 1: 1, 3: 0.3333, 6: 0.1667," in text
    assert "24: 0.04167, 25: 0.04; best at 25." in text
    assert "Validation loss" not in _page(tmp_path, _result(training={}))
