"""Drafts: what is asked for, which draft is taken, how it is marked, and what it copies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from auscult.base.arrays import Array
from auscult.base.contracts import Field, FitContext, ItemSet, RecordBatch, Source, WriteContext
from auscult.base.errors import ReadError, UsageError
from auscult.base.log import Silent
from auscult.base.recipe import TrainTable
from auscult.domains.text.tasks.draft_probes import runs_of
from auscult.domains.text.tasks.report_generation import (
    MARK,
    ReportGeneration,
    ReportGenerationConfig,
    as_bytes,
    chosen,
    text_of,
)
from auscult.engine.answers import kind_of

TASK = ReportGeneration(ReportGenerationConfig(candidates=2, also=("brand",)))
TEXTS = ("The pump leaked. No harm was seen.", "The stent was broken and the patient died.")


def batch(**columns: tuple[str, ...]) -> RecordBatch:
    n = len(next(iter(columns.values())))
    fields = tuple(Field(name, "text") for name in columns)
    values = {name: np.array(v, dtype=np.dtypes.StringDType()) for name, v in columns.items()}
    return RecordBatch(fields, values, np.array([f"r{k}" for k in range(n)]))


def drafted(requests: list[str], drafts: list[str]) -> Array:
    return as_bytes([f"{r}\x02{d}" for r, d in zip(requests, drafts, strict=True)], 300)


def test_a_narrative_asks_for_what_it_states_and_the_brand_comes_first() -> None:
    made = TASK.prepare(batch(text=TEXTS, brand=("Ex\x02ample", "")))
    assert [str(r) for r in made.dense("request")] == [
        "brand: Ex ample\ndevice: pump\nproblem: leak\noutcome: no harm",
        "event: death\ndevice: stent\nproblem: break\noutcome: death",
    ]
    items = TASK.cut(made)
    assert items.record.tolist() == [0, 0, 1, 1]
    assert items.position.tolist() == [0, 1, 0, 1]
    assert len(set(items.inputs["seed"].tolist())) == 4
    assert items.target is not None
    assert [text_of(t) for t in items.target[::2]] == list(TEXTS)
    assert text_of(items.inputs["prompt"][0]).endswith("outcome: no harm\x02")
    again = TASK.cut(made.take(np.array([1])))
    np.testing.assert_array_equal(again.inputs["seed"], items.inputs["seed"][2:])


def test_columns_ask_where_there_is_no_narrative() -> None:
    made = TASK.prepare(batch(device=("pump; catheter",), problem=("leak",), sex=("F",)))
    assert str(made.dense("request")[0]) == "sex: F\ndevice: pump; catheter\nproblem: leak"
    assert len(TASK.cut(made)) == 0  # nothing to learn from
    assert len(TASK.cut_new(made)) == 2


def test_what_cannot_be_asked_for_is_refused_in_words() -> None:
    with pytest.raises(ReadError, match="text: expected at least one word, got an empty narrative; leave the record"):
        TASK.prepare(batch(text=(" . ",)))
    long = ReportGeneration(ReportGenerationConfig(request=32))
    with pytest.raises(
        ReadError, match=r"request: expected at most 31 bytes, got \d+; ask for less, or raise \[task\]"
    ):
        long.prepare(batch(device=("pump; catheter; stent; meter; monitor",)))


def test_of_the_drafts_the_most_faithful_is_taken_and_its_faults_are_told() -> None:
    made = TASK.prepare(batch(text=TEXTS))
    items = TASK.cut(made)
    requests = [text_of(p).rstrip("\x02") for p in items.inputs["prompt"]]
    drafts = ["The pump had an alarm.", "The pump leaked.", "", "The stent was broken. The stent alarmed."]
    outputs = TASK.join(made, items, {"tokens": drafted(requests, drafts)})
    kind = kind_of(TASK.spec)
    answers = [kind.present(TASK.spec, outputs, row) for row in range(2)]
    assert [a["draft"] for a in answers] == [drafts[1], drafts[3]]
    assert [a["missing"] for a in answers] == [["outcome: no harm"], ["event: death", "outcome: death"]]
    assert [a["made_up"] for a in answers] == [[], ["problem: alarm"]]
    assert all(a["synthetic"] is True for a in answers)
    figures = {}
    for name in TASK.spec.metrics:
        m = kind.measure(TASK.spec, outputs, name)
        figures[name] = float(m.function(m.target, m.output)[0])
    assert figures == pytest.approx({"field_faithfulness": 4 / 8, "field_recall": 4 / 7, "field_precision": 4 / 5})


def test_an_empty_draft_is_never_the_best_even_where_nothing_is_asked_for() -> None:
    drafts = chosen(np.array([0, 0]), drafted(["", ""], ["", "Nothing to say."]))
    assert drafts.texts == ["Nothing to say."]


def test_files_are_marked_as_drafts(tmp_path: Path) -> None:
    made = TASK.prepare(batch(text=TEXTS[:1]))
    items = TASK.cut(made)
    requests = [text_of(p).rstrip("\x02") for p in items.inputs["prompt"]]
    outputs = TASK.join(made, items, {"tokens": drafted(requests, ["The pump broke."] * 2)})
    context = WriteContext(Source("text-table", "a.csv", ()), (), {})
    files = TASK.write(made, outputs, tmp_path, context=context)
    assert files == [(tmp_path / "r0.draft.txt",)]
    lines = files[0][0].read_text(encoding="utf-8").splitlines()
    assert lines[0] == MARK
    assert lines[0].startswith("DRAFT, written by a program")
    assert lines[lines.index("Not found in the draft:") + 1 :][:2] == ["  problem: leak", "  outcome: no harm"]
    assert lines[lines.index("In the draft, but not asked for:") + 1] == "  problem: break"
    assert lines[-2:] == ["DRAFT:", "The pump broke."]
    with pytest.raises(UsageError, match="expected no such file yet"):
        TASK.write(made, outputs, tmp_path, context=context)


def test_generated_drafts_begin_with_a_request_of_the_model(tmp_path: Path) -> None:
    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        assert (inputs["prompt"] == -1).all()
        return {"tokens": drafted(["device: pump"] * len(inputs["seed"]), ["The pump."] * len(inputs["seed"]))}

    files = TASK.generate(run, tmp_path, count=2, seed=4)
    assert [f.name for f in files] == ["draft-4-00000.txt", "draft-4-00001.txt"]
    text = files[1].read_text(encoding="utf-8")
    assert text.startswith(MARK)
    assert "  device: pump" in text
    with pytest.raises(UsageError, match=r"generate: draft-4-00000\.txt: expected no such file yet, got one"):
        TASK.generate(run, tmp_path, count=1, seed=4)


def test_copies_and_perplexity_by_hand(tmp_path: Path) -> None:
    """A model that gives back the first training text: ten words are three runs of eight, all of them copied."""
    texts = ("One two three four five six seven eight nine ten.", "The pump leaked at the end of a very long day.")
    made = TASK.prepare(batch(text=(*texts, "Some other pump leaked at the end of a very short day, they said.")))
    items = TASK.cut(made)
    roles = {
        "train": ItemSet(items, np.arange(4)),
        "valid": ItemSet(items, np.arange(2)),
        "test": ItemSet(items, np.arange(4, 6)),
    }

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        requests = [text_of(p).rstrip("\x02") for p in inputs["prompt"]]
        tokens = drafted(requests, [texts[0]] * len(requests))
        if "given" in inputs:
            return {"tokens": tokens, "log_probability": np.full(len(tokens), -14 * np.log(2.0))}
        return {"tokens": tokens}

    context = FitContext(TASK.spec, 0, TrainTable(), tmp_path, Silent())
    found = {}
    for probe in TASK.probe(roles, run, context):
        (metric,) = probe.spec.metrics
        m = kind_of(probe.spec).measure(probe.spec, probe.outputs, metric)
        found[metric + probe.suffix] = float(m.function(m.target, m.output)[0])
    assert found["copy_rate"] == 1
    assert found["copy_rateof_held_out_text"] == pytest.approx(1 / 7)  # pump leaked at the end of a very
    assert found["copy_excess"] == pytest.approx(6 / 7)
    assert found["perplexity"] == pytest.approx(2)  # 14 words


def test_runs_are_eight_words_in_small_letters() -> None:
    assert runs_of("A b c d e f g H.") == [("a", "b", "c", "d", "e", "f", "g", "h")]
    assert runs_of("a b c d e f g") == []
