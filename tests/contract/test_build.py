"""A build may be killed, starved or fed with leaks: it goes on, or says why not, and leaves nothing half-written."""

from __future__ import annotations

import errno
import io
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from auscult.base.errors import AuscultError, DataError, GateError, LimitError, RecipeError, UsageError
from auscult.base.files import read_json
from auscult.base.log import Silent
from auscult.engine.build import BuildOptions, build
from auscult.engine.dataset import Dataset
from auscult.engine.runtime import open_release
from auscult.service.verbs import predict
from toys import DOMAIN
from toys.examples import array, ids, write_points, write_toy
from toys.recipes import toy_recipe

FIXED = ["none", "step:2", "step:3", "step:4", "step:6"]


@pytest.mark.slow
def test_killed_anywhere_the_same_command_ends_with_the_same_release(tmp_path: Path) -> None:
    drawn = random.Random(20240229)  # noqa: S311
    points = [*FIXED, *(f"replace:{drawn.randint(2, 40)}" for _ in range(2)), f"ms:{drawn.randint(50, 1500)}"]
    done = subprocess.run(
        [sys.executable, "-m", "toys.killed", "ahead", str(tmp_path), *points],
        capture_output=True,
        check=True,
        timeout=580,
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [t["point"] for t in told] == points
    whole = told[0]["hash"]
    assert len(whole) == 64
    assert not told[0]["killed"]
    assert sum(t["killed"] for t in told) >= len(FIXED) - 1  # a random moment may lie after the end
    for line in told:
        assert line["half_written"] == [], line
        assert line["drafts"] == [], line
        assert line["hash"] == whole, line


def _build(folder: Path, recipe: Any, **more: Any) -> Any:
    return build(recipe, folder / "run", DOMAIN, options=BuildOptions(cache=folder / "cache", workers=1), **more)


class _StoppedError(Exception):
    pass


class _StopAt(Silent):
    def __init__(self, word: str) -> None:
        self.word, self.steps = word, list[str]()

    def step(self, message: str) -> None:
        self.steps.append(message)
        if self.word and self.word in message:
            raise _StoppedError


def test_resume_reads_what_was_trained(tmp_path: Path) -> None:
    recipe = toy_recipe("spikes", train={"epochs": 2})
    with pytest.raises(_StoppedError):
        _build(tmp_path, recipe, report=_StopAt("evaluate"))
    checkpoints = {p: p.stat().st_mtime_ns for p in (tmp_path / "run").rglob("*.safetensors")}
    assert any(p.name == "checkpoint.safetensors" for p in checkpoints)
    made = _build(tmp_path, recipe)
    assert {p: p.stat().st_mtime_ns for p in checkpoints} == checkpoints
    assert made.release is not None
    again = _build(tmp_path, recipe)
    assert again.content_hash == made.content_hash
    assert {p: p.stat().st_mtime_ns for p in checkpoints} == checkpoints


def test_another_folder_and_cache_give_the_same_release(tmp_path: Path) -> None:
    recipe = toy_recipe("codes")
    first, second = _build(tmp_path / "a", recipe), _build(tmp_path / "b", recipe)
    assert first.content_hash == second.content_hash
    for name in (
        "calibration.json",
        "gate.json",
        "program/program.json",
        "golden/answers.safetensors",
        "evidence/split.json",
    ):
        assert (first.release / name).read_bytes() == (second.release / name).read_bytes(), name


def test_worker_processes_give_the_same_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = toy_recipe("codes")
    alone = _build(tmp_path / "a", recipe)
    monkeypatch.setattr("auscult.engine.prepare.IN_PROCESS_BYTES", 0)
    monkeypatch.setattr("auscult.engine.prepare.CHUNK_SOURCES", 4)
    options = BuildOptions(cache=tmp_path / "b" / "cache", workers=2, until="prepare")
    build(recipe, tmp_path / "b" / "run", DOMAIN, options=options)
    made = _build(tmp_path / "b", recipe)
    assert made.content_hash == alone.content_hash


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
@pytest.mark.parametrize("call", [1, 2, 4, 7, 11, 16, 22])
def test_no_room_to_move_a_file_is_one_clear_error(
    call: int, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rename that puts a file or folder in place fails: nothing half-written is left, and a retry succeeds."""
    if number != errno.ENOSPC and call not in (1, 11):
        pytest.skip("the kinds of refusal differ in their words only; two places are enough")
    recipe = toy_recipe("codes")
    left = [call]
    real = os.replace

    def replace(*args: Any, **more: Any) -> None:
        left[0] -= 1
        if left[0] <= 0:
            raise OSError(number, os.strerror(number))
        real(*args, **more)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(LimitError, match=r"cannot write .*; free some room or choose another place") as caught:
        _build(tmp_path, recipe)
    monkeypatch.undo()
    assert caught.value.exit_code == 2
    assert _drafts(tmp_path) == []
    assert not (tmp_path / "run" / "release").exists()
    assert _build(tmp_path, recipe).release is not None


@pytest.mark.parametrize("call", [1, 3, 6, 12, 20, 28, 35])
def test_no_room_to_open_a_file_is_one_clear_error(call: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening a file for writing fails, as on a read-only or full disk."""
    recipe = toy_recipe("codes")
    write_points(tmp_path / "unused", 0, small=True)
    left = [call]
    real = io.open

    def opened(file: Any, mode: str = "r", *args: Any, **more: Any) -> Any:
        if set(mode) & set("wax+") and str(file).startswith(str(tmp_path)) and "/example/" not in str(file):
            left[0] -= 1
            if left[0] <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(file, mode, *args, **more)

    monkeypatch.setattr(io, "open", opened)
    monkeypatch.setattr("builtins.open", opened)
    with pytest.raises(LimitError, match="the disk is full"):
        _build(tmp_path, recipe)
    monkeypatch.undo()
    assert not (tmp_path / "run" / "release").exists()
    assert _drafts(tmp_path) == []
    assert _build(tmp_path, recipe).release is not None


def _drafts(folder: Path) -> list[str]:
    return [p.name for p in folder.rglob(".*") if p.name != ".whole"]


def test_an_unwritable_place_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file stands where the folder should be")
    with pytest.raises((LimitError, UsageError), match="run"):
        _build(tmp_path, toy_recipe("codes"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"task": {"scael": 2}}, r"unknown key 'scael' in \[task\] colour; did you mean 'scale'\?"),
        ({"model": {"name": "mlp", "hiden": 8}}, r"unknown key 'hiden' in \[model\] mlp; did you mean 'hidden'\?"),
        ({"model": {"name": "mpl"}}, r"unknown model 'mpl' in domain 'toys'; did you mean 'mlp'\?"),
        ({"task": {"name": "colours"}}, r"unknown task 'colours' in domain 'toys'; did you mean 'colour'\?"),
        (
            {"model": {"name": "mlp", "hidden": 0}},
            r"\[model\] mlp: 'hidden': input should be greater than or equal to 1, got 0",
        ),
        ({"data": {"example": "pionts"}}, r"unknown example 'pionts' in domain 'toys'; did you mean 'points'\?"),
        ({"data": {"readers": ("tyo",)}}, r"unknown reader 'tyo' in domain 'toys'; did you mean 'toy'\?"),
        ({"floor": {"k": 3}}, r"unknown key 'k'"),
        ({"study": {"models": ("nearst",)}}, r"unknown model 'nearst'.*did you mean 'nearest'\?"),
        ({"gates": {"acuracy": {"min": 0.5}}}, r"acuracy"),
        ({"split": {"policy": "group", "key": "sites"}}, r"unknown group key 'sites'.*did you mean 'site'\?"),
        ({"calibrate": {"threshold": "f1"}}, r"calibrate\.threshold: expected two classes, got 3"),
    ],
)
def test_a_recipe_that_nobody_reads_is_refused_with_the_nearest_name(
    changes: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=words):
        _build(tmp_path, toy_recipe("colour", train={"epochs": 1}, **changes))
    assert not (tmp_path / "run" / "release").exists()


def _points(folder: Path, *, same: Callable[[int], str]) -> None:
    """Points; ``same(k)`` names what record k holds, so that equal names are equal content."""
    records = []
    for k in range(40):
        draw = random.Random(same(k))  # noqa: S311
        values = {"point": [round(draw.gauss(0, 1), 4) for _ in range(3)], "colour": draw.randint(0, 2)}
        records.append({"record": f"r{k}", "subject": f"s{k}", "values": values})
    write_toy(folder / "a.toy", [array("point", "C"), ids("colour", "")], records)


def test_a_rule_for_a_threshold_is_refused_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="threshold: expected none for a task that answers with value, got 'f1'"):
        _build(tmp_path, toy_recipe("ahead", calibrate={"threshold": "f1"}))


def test_a_leak_fails_unless_it_is_to_be_reported(tmp_path: Path) -> None:
    _points(tmp_path / "data", same=lambda k: str(k // 2))
    data = {"path": str(tmp_path / "data"), "example": ""}
    with pytest.raises(
        DataError,
        match=r"(?s)\d+ have nearly the same content .*split by subject, leave them out, keep near-duplicates on one "
        r"side with split.duplicates_whole = true, or set split.on_leak = 'report'",
    ):
        _build(tmp_path, toy_recipe("colour", data=data))
    told = _build(tmp_path, toy_recipe("colour", data=data, split={"on_leak": "report"}, train={"epochs": 2}))
    leaks = told.metrics["leaks"]
    assert leaks["n_records"] > 0
    assert leaks["same_content"] == leaks["n_records"]
    assert "accuracy" in leaks["metrics_without"] or leaks["n_records"] == told.metrics["n_records"]


def test_what_the_release_would_not_answer_is_counted_as_it_answers(tmp_path: Path) -> None:
    recipe = toy_recipe("colour", calibrate={"gate_refusal": 0.3}, train={"epochs": 2})
    made = _build(tmp_path, recipe)
    assert made.release is not None
    dataset = Dataset(tmp_path / "run" / "dataset")
    (fold,) = read_json(made.release / "evidence" / "split.json")["seeds"][0]
    test = {row[0] for row in fold["rows"] if row[1] == "test"}
    names = {n for n, h in zip(dataset.names, dataset.hashes, strict=True) if h in test}
    release = open_release(made.release, lambda _: DOMAIN)
    answers = [a for a in predict(release, tmp_path / "run" / "example") if a.record in names]
    assert len(answers) == made.metrics["n_records"] == len(names)
    refused = sum(a.status == "refused" for a in answers)
    assert 0 < refused < len(answers)
    kept_back = made.metrics["kept_back"]
    assert (kept_back["n_refused"], kept_back["n_outside"]) == (refused, 0)
    assert kept_back["metrics_answered"]["accuracy"] != made.metrics["metrics"]["accuracy"]
    page = (made.release / "evidence" / "report.html").read_text()
    assert f"The release that ships would not answer {refused} records of the test" in page
    assert f"The release would not answer {refused} records of the test" in page


def test_the_same_subject_on_both_sides_is_a_leak(tmp_path: Path) -> None:
    write_points(tmp_path / "data", 0, small=False)
    names = tuple(f"r{k:03d}" for k in range(90))
    split = {"policy": "given", "train_records": names[:61], "test_records": names[61:]}
    with pytest.raises(DataError, match=r"split: 1 test records share a subject with training"):
        _build(tmp_path, toy_recipe("colour", data={"path": str(tmp_path / "data"), "example": ""}, split=split))


def test_a_gate_that_does_not_hold_leaves_the_run_and_no_release(tmp_path: Path) -> None:
    recipe = toy_recipe(
        "colour", train={"epochs": 2}, gates={"accuracy": {"min": 0.999, "on": "low"}, "ece": {"max": 1.0}}
    )
    with pytest.raises(GateError, match=r"accuracy = 0\.\d+, expected at least 0\.999, by its low") as caught:
        _build(tmp_path, recipe)
    assert caught.value.exit_code == 3
    assert "ece" not in str(caught.value)
    assert not (tmp_path / "run" / "release").exists()
    assert (tmp_path / "run" / "metrics.json").exists()


def test_a_gate_that_holds_is_in_the_evidence(tmp_path: Path) -> None:
    made = _build(tmp_path, toy_recipe("codes", gates={"micro_f1": {"min": 0.1}}))
    gates = read_json(made.release / "evidence" / "gates.json")
    assert [(g["metric"], g["passed"]) for g in gates] == [("micro_f1", True)]


def test_a_gate_that_fails_takes_no_older_release_for_its_own(tmp_path: Path) -> None:
    """A release of an earlier recipe must not stand in the run folder as if the gate had held."""
    _build(tmp_path, toy_recipe("codes"))
    with pytest.raises(GateError):
        _build(tmp_path, toy_recipe("codes", gates={"micro_f1": {"min": 1.1}}))
    assert not (tmp_path / "run" / "release").exists()


def test_one_bad_record_costs_one_record(tmp_path: Path) -> None:
    write_points(tmp_path / "data", 0, small=False)
    path = tmp_path / "data" / "device-0.toy"
    lines = path.read_text().splitlines()
    lines[1] = "{broken"
    lines[3] = lines[3].replace('"point": [', '"point": [7.5, ')
    lines[4] = json.dumps(
        {**(record := json.loads(lines[4])), "values": {**record["values"], "point": [float("nan")] * 3}}
    )
    path.write_text("\n".join(lines))
    (tmp_path / "data" / "photo.toy").write_bytes(b"\xff\xd8\xff\xe0 JFIF")
    data = {"path": str(tmp_path / "data"), "example": ""}
    made = _build(tmp_path, toy_recipe("colour", data=data, train={"epochs": 1}))
    assert (made.n_records, made.n_set_aside) == (87, 4)
    reasons = [a["reason"] for a in read_json(made.release / "evidence" / "quality.json")["set_aside"]]
    assert sum("expected" in r or "no reader knows" in r for r in reasons) == 4


def test_a_record_that_cannot_be_cut_costs_one_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from auscult.base.errors import ReadError
    from toys.tasks.colour import Colour

    cut = Colour.cut

    def picky(self: Colour, batch: Any) -> Any:
        if "r004" in batch.record:
            raise ReadError("point: expected one that can be cut, got another")
        return cut(self, batch)

    monkeypatch.setattr(Colour, "cut", picky)
    made = build(
        toy_recipe("colour"), tmp_path / "run", DOMAIN, options=BuildOptions(cache=tmp_path / "cache", until="prepare")
    )
    assert (made.n_records, made.n_set_aside) == (89, 1)


def test_too_little_is_left(tmp_path: Path) -> None:
    write_points(tmp_path / "data", 0, small=True)
    data = {"path": str(tmp_path / "data"), "example": ""}
    with pytest.raises(DataError, match=r"split 'subject': expected at least 3 different values of 'subject', got 2"):
        _build(tmp_path, toy_recipe("colour", data=data))
    with pytest.raises(DataError, match="expected a folder or file with device exports, got nothing at this path"):
        _build(tmp_path, toy_recipe("colour", data={"path": str(tmp_path / "absent"), "example": ""}))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="expected at least one file, got an empty folder"):
        _build(tmp_path, toy_recipe("colour", data={"path": str(tmp_path / "empty"), "example": ""}))
    (tmp_path / "empty" / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises((RecipeError, DataError), match="expected files of toy, got none in empty; toy: files that"):
        _build(tmp_path, toy_recipe("colour", data={"path": str(tmp_path / "empty"), "example": ""}))


def test_each_stage_can_be_the_last(tmp_path: Path) -> None:
    recipe = toy_recipe("codes")
    for until, there, absent in (
        ("prepare", "dataset", "arms"),
        ("train", "validation.json", "metrics.json"),
        ("evaluate", "metrics.json", "release"),
        ("release", "release", "nothing"),
    ):
        build(recipe, tmp_path / "run", DOMAIN, options=BuildOptions(cache=tmp_path / "cache", until=until))  # type: ignore[arg-type]
        assert (tmp_path / "run" / there).exists(), until
        assert not (tmp_path / "run" / absent).exists(), until


def test_every_opening_of_the_test_is_in_the_ledger(tmp_path: Path) -> None:
    options = BuildOptions(cache=tmp_path / "cache", until="evaluate", ledger=tmp_path / "openings.jsonl")
    for _ in range(2):
        build(toy_recipe("codes"), tmp_path / "run", DOMAIN, options=options)
    lines = [json.loads(line) for line in (tmp_path / "openings.jsonl").read_text().splitlines()]
    assert len(lines) == 2
    assert lines[0] == lines[1]
    assert lines[0]["recipe_hash"] == toy_recipe("codes").hash


@pytest.mark.parametrize("policy", ["subject", "group", "time-within-subject"])
def test_policies_reach_a_release(policy: str, tmp_path: Path) -> None:
    split = {"group": {"key": "site"}, "time-within-subject": {"segment": 24, "horizon": 3}, "subject": {}}[policy]
    task = "ahead" if policy == "time-within-subject" else "codes"
    recipe = toy_recipe(task, train={"epochs": 2}, split={"policy": policy, **split})
    if policy == "group":
        with pytest.raises(DataError, match="expected at least 3 different values of 'site', got 2"):
            _build(tmp_path, recipe)
    else:
        assert _build(tmp_path, recipe).release is not None


def test_folds_and_seeds_and_rows(tmp_path: Path) -> None:
    study = {"folds": 3, "models": ("nearest",), "train_fraction": (0.5,)}
    made = _build(tmp_path, toy_recipe("colour", model={"name": "mlp"}, train={"epochs": 2}, study=study))
    assert made.metrics["split"] == "cv3"
    assert made.metrics["n_records"] == 90  # out of fold: every record is tested once
    assert made.metrics["shipped_refit_untested"] is True
    assert [r["model"] for r in made.metrics["rows"]] == ["nearest", "mlp"]
    for row in made.metrics["rows"]:
        gap = row["ships_minus_row"]["accuracy"]
        assert gap["value"] == pytest.approx(
            made.metrics["metrics"]["accuracy"]["value"] - row["metrics"]["accuracy"]["value"]
        )
        assert gap["low"] <= gap["value"] <= gap["high"]
    seeds = _build(tmp_path / "s", toy_recipe("codes", study={"seeds": (1, 2)}))
    assert seeds.metrics["seeds"] == [1, 2]
    assert len(seeds.metrics["metrics"]["micro_f1"]["by_seed"]) == 2


def test_a_model_stands_in_a_study_under_names_of_its_own_each_with_the_shares(tmp_path: Path) -> None:
    study = {
        "models": ("narrow", "wide"),
        "settings": {"narrow": {"model": "mlp", "hidden": 3}, "wide": {"model": "mlp", "hidden": 9}},
        "train_fraction": (0.5,),
        "fractions_of_all": True,
    }
    made = _build(tmp_path, toy_recipe("colour", model={"name": "mlp"}, train={"epochs": 2}, study=study))
    rows = [r for r in made.metrics["rows"] if not (r["model"] == "mlp" and "train_fraction" not in r)]
    listed = [(r["model"], r.get("train_fraction", 1.0)) for r in rows]
    shares = [(name, 0.5) for name in ("mlp", "narrow", "wide", "constant")]
    assert listed == [("narrow", 1.0), ("wide", 1.0), *shares]
    assert all(0 <= r["validation"]["accuracy"]["value"] <= 1 for r in rows)
    assert len({r["metrics"]["accuracy"]["value"] for r in rows}) > 1
    study["settings"] = {"narrow": {"model": "mpl"}, "wide": {"model": "mlp"}}
    with pytest.raises(UsageError, match=r"unknown model 'mpl'.*did you mean 'mlp'\?"):
        _build(tmp_path, toy_recipe("colour", study=study))


def test_probes_are_judged_for_the_model_and_the_floor_and_can_be_gates(tmp_path: Path) -> None:
    made = _build(tmp_path, toy_recipe("ring"))
    name = "membership_auc_of_points"
    for side in ("metrics", "floor"):
        figure = made.metrics[side][name]
        assert 0 <= figure["low"] <= figure["value"] <= figure["high"] <= 1
        assert figure["higher_is_better"] is False
    report = (tmp_path / "run" / "release" / "evidence" / "report.html").read_text(encoding="utf-8")
    assert "Distance of real items to generated ones" in report
    with pytest.raises(GateError, match=rf"{name} = \S+, expected at most 0\.01, by its low"):
        _build(tmp_path, toy_recipe("ring", gates={name: {"max": 0.01, "on": "low"}}))


def test_refit_fits_what_ships_on_validation_too(tmp_path: Path) -> None:
    apart, refit = (
        _build(tmp_path / str(k), toy_recipe("next-devices", split={"valid": 0.4, "refit": bool(k)})) for k in (0, 1)
    )
    assert apart.validation == refit.validation
    assert apart.metrics["metrics"] != refit.metrics["metrics"]


def test_a_task_looks_at_the_split_and_divides_the_test(tmp_path: Path) -> None:
    made = _build(tmp_path, toy_recipe("next-devices"))
    groups = made.metrics["subgroups"]["history"]
    assert sum(g["n_answers"] for g in groups.values()) == made.metrics["n_answers"]
    told = max(groups.values(), key=lambda g: g["n_answers"])
    assert told["metrics"]["recall_at_20"]["low"] <= told["metrics"]["recall_at_20"]["value"]
    (found,) = read_json(tmp_path / "run" / "split-findings.json")
    assert found["check"] == "test-only"
    evidence = tmp_path / "run" / "release" / "evidence"
    assert found["message"] in {f["message"] for f in read_json(evidence / "quality.json")["findings"]}
    report = (evidence / "report.html").read_text()
    assert "history" in report
    assert found["message"] in report


def test_further_models_have_settings_of_their_own(tmp_path: Path) -> None:
    study = {"models": ("mlp",), "settings": {"mlp": {"hidden": 3}}}
    made = _build(tmp_path, toy_recipe("colour", train={"epochs": 1}, study=study))
    assert made.metrics["rows"][-1]["model"] == "mlp"
    small = sum(p.stat().st_size for p in (tmp_path / "run").glob("arms/mlp-*/program/*.onnx"))
    _build(tmp_path / "b", toy_recipe("colour", train={"epochs": 1}, study={"models": ("mlp",)}))
    assert 0 < small < sum(p.stat().st_size for p in (tmp_path / "b" / "run").glob("arms/mlp-*/program/*.onnx"))
    with pytest.raises(RecipeError, match="unknown key 'hiden'"):
        _build(tmp_path, toy_recipe("colour", study={"models": ("mlp",), "settings": {"mlp": {"hiden": 3}}}))


def test_forcing_a_model_is_in_the_evidence(tmp_path: Path) -> None:
    options = BuildOptions(cache=tmp_path / "cache", ship="no-words")
    made = build(toy_recipe("codes"), tmp_path / "run", DOMAIN, options=options)
    assert made.shipped == "no-words"
    assert made.metrics["choice"]["forced"] is True
    with pytest.raises(UsageError, match="unknown model to ship 'together'"):
        build(toy_recipe("codes"), tmp_path / "run", DOMAIN, options=BuildOptions(ship="together"))


def test_errors_of_a_build_carry_no_identifier(tmp_path: Path) -> None:
    write_points(tmp_path / "data", 0, small=True)
    with pytest.raises(AuscultError) as caught:
        _build(tmp_path, toy_recipe("colour", data={"path": str(tmp_path / "data"), "example": ""}))
    assert "person-" not in str(caught.value)
