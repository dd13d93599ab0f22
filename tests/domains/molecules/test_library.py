"""A library of compounds into a folder: rows as in the input, stopped and gone on, the best, and what is refused."""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import asdict
from io import BytesIO, TextIOWrapper
from pathlib import Path

import numpy as np
import pytest

import auscult
from auscult.base.contracts import RecordBatch
from auscult.base.errors import AuscultError, DataError, UsageError
from auscult.base.recipe import Recipe
from auscult.base.registry import load_domain
from auscult.domains.molecules.readers import smiles_table
from auscult.domains.molecules.simulate.compounds import make_compounds
from auscult.engine import scan as scanning
from auscult.engine.runtime import Release, open_release
from auscult.engine.scan import Scan, ScanOptions
from auscult.engine.sources import find_sources

from .small import SMALL_RECIPE

BEST = ScanOptions(top=5, by="narcotic", distance=0.2, workers=1)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Sixty compounds like those of the training, some twice or as a salt, and what a library holds that is none."""
    made = [c.smiles for c in make_compounds(np.random.default_rng(8), 60)]
    lines = ["smiles,name", *(f"{s},c{k}" for k, s in enumerate(made))]
    lines[10:10] = ["C1CC,open ring", "", f"{made[0]},again", f"{made[1].split('.')[0]}.Cl,salt"]
    lines.append("C" * 5000 + ",polymer")
    path = tmp_path / "lib.csv.gz"
    path.write_bytes(gzip.compress("\r\n".join(lines).encode()))
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_rows_are_those_of_the_input_and_answers_those_of_predict(release: Path, library: Path, tmp_path: Path) -> None:
    made = auscult.scan(release, library, out=tmp_path / "out", options=BEST)
    rows = rows_of(made.answers)
    assert [r["record"] for r in rows] == [f"lib#{k}" for k in range(1, 66)]
    by_name = {a.record: a for a in auscult.predict(release, library)}
    assert by_name.keys() == {r["record"] for r in rows}
    for row in rows:
        one = by_name[row["record"]]
        assert (row["status"], row["reason"]) == (one.status, one.reason)
        if one.status == "answered":
            assert float(row["narcotic"]) == one.answers[0]["probability"]["narcotic"]
        else:
            assert row["narcotic"] == ""
    assert "syntax error" in rows[9]["reason"]
    assert "expected a structure, got an empty line" in rows[10]["reason"]
    assert "expected at most 4000 letters, got 5000" in rows[64]["reason"]
    assert sum(made.counts.values()) == 65


def test_the_best_are_there_once_and_in_order(release: Path, library: Path, tmp_path: Path) -> None:
    made = auscult.scan(release, library, out=tmp_path / "out", options=BEST)
    assert made.top is not None
    top, rows = rows_of(made.top), rows_of(made.answers)
    scores = [float(t["score"]) for t in top]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == max(float(r["narcotic"]) for r in rows if r["narcotic"])
    assert len({t["smiles"] for t in top}) == made.n_listed == 5
    assert all(float(t["likeness_to_better"]) <= 0.8 for t in top)


def test_several_workers_give_the_same(
    release: Path, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = auscult.scan(release, library, out=tmp_path / "alone", options=BEST)
    monkeypatch.setattr(scanning, "IN_PROCESS_BYTES", 0)
    two = auscult.scan(
        release, library, out=tmp_path / "two", options=ScanOptions(top=5, by="narcotic", distance=0.2, workers=2)
    )
    assert two.answers.read_bytes() == alone.answers.read_bytes()
    assert two.top is not None
    assert alone.top is not None
    assert two.top.read_bytes() == alone.top.read_bytes()


def test_a_stopped_scan_goes_on_and_repeats_nothing(
    release: Path, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smiles_table, "BATCH_ROWS", 8)
    whole = auscult.scan(release, library, out=tmp_path / "whole", options=BEST)
    answered: list[int] = []
    stage = Release.stage

    def counted(self: Release, batch: RecordBatch) -> object:
        if len(answered) == 3:
            raise AuscultError("stopped here")
        answered.append(len(batch))
        return stage(self, batch)

    monkeypatch.setattr(Release, "stage", counted)
    with pytest.raises(AuscultError, match="stopped here"):
        auscult.scan(release, library, out=tmp_path / "out", options=BEST)
    first = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "out" / "parts").glob("*.csv")}
    assert len(first) == 3
    monkeypatch.setattr(Release, "stage", stage)
    made = auscult.scan(release, library, out=tmp_path / "out", options=BEST)
    assert made.answers.read_bytes() == whole.answers.read_bytes()
    assert made.top is not None
    assert whole.top is not None
    assert made.top.read_bytes() == whole.top.read_bytes()
    before = made.answers.stat().st_mtime_ns
    again = auscult.scan(release, library, out=tmp_path / "out", options=BEST)
    assert again == made
    assert again.answers.stat().st_mtime_ns == before


def test_a_worker_ends_with_the_scan_that_started_it(
    release: Path, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smiles_table, "BATCH_ROWS", 8)
    opened = open_release(release, load_domain)
    sources = find_sources(library, opened.domain).sources
    job = scanning.ScanJob(str(release), opened.domain, sources, str(tmp_path / "out"))
    parents = iter([5, 5, 1, 1])
    monkeypatch.setattr(scanning.os, "getppid", lambda: next(parents))
    monkeypatch.setattr(scanning.sys, "stdin", TextIOWrapper(BytesIO(json.dumps(asdict(job), default=str).encode())))
    with monkeypatch.context() as patch:
        patch.setattr(scanning.gc, "freeze", lambda: None)
        patch.setattr(scanning.gc, "set_threshold", lambda *_: None)
        scanning._worker(0)
    assert len(list(job.parts.glob("*.csv"))) == 2  # of eight


def test_what_is_refused(release: Path, library: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    auscult.scan(release, library, out=out, options=BEST)
    with pytest.raises(UsageError, match="expected an empty folder or the same scan, got one of other input"):
        auscult.scan(release, library, out=out)
    with pytest.raises(UsageError, match=r"unknown column 'narcotics' in --by.*narcotic"):
        auscult.scan(release, library, out=tmp_path / "b", options=ScanOptions(top=1, by="narcotics"))
    (tmp_path / "notes.txt").write_text("no compound here\n")
    with pytest.raises(DataError, match=r"notes\.txt: expected a format of sdf, smiles-table"):
        auscult.scan(release, tmp_path / "notes.txt", out=tmp_path / "c")


def test_a_compound_far_from_the_training_is_not_answered(release: Path, tmp_path: Path) -> None:
    path = tmp_path / "far.smi"
    path.write_text("OB(O)C#CP(=O)(S)N=[N+]=[N-] odd\n")
    answer = next(iter(auscult.predict(release, path)))
    assert answer.status == "abstained"
    assert "outside the domain of applicability: the nearest training record has a likeness of 0." in answer.reason
    assert answer.answers == ()


def test_a_release_may_be_built_without_its_training_records(tmp_path: Path) -> None:
    recipe = Recipe.model_validate({**SMALL_RECIPE, "calibrate": {"neighbours": False}})
    made = auscult.build(recipe, tmp_path / "run")
    assert made.release is not None
    assert not (made.release / "neighbours").exists()
    assert auscult.verify(made.release).passed
    assert open_release(made.release, load_domain).neighbours is None


def test_many_copies_of_the_best_hide_nothing(release: Path, tmp_path: Path) -> None:
    made = [c.smiles for c in make_compounds(np.random.default_rng(8), 60)]
    first = auscult.scan(release, _lines(tmp_path / "once.smi", made), out=tmp_path / "once", options=BEST)
    top = rows_of(_top(first))
    best = top[0]["smiles"]
    copies = _lines(tmp_path / "often.smi", [best] * 300 + [m for m in made if m != best])
    again = rows_of(_top(auscult.scan(release, copies, out=tmp_path / "often", options=BEST)))
    assert [r["smiles"] for r in again] == [r["smiles"] for r in top]


def test_libraries_of_one_name_are_told_apart_by_their_folder(release: Path, tmp_path: Path) -> None:
    made = [c.smiles for c in make_compounds(np.random.default_rng(8), 4)]
    for ward, some in (("a", made[:2]), ("b", made[2:])):
        (tmp_path / "all" / ward).mkdir(parents=True)
        _lines(tmp_path / "all" / ward / "lib.smi", some)
    names = ["a/lib#1", "a/lib#2", "b/lib#1", "b/lib#2"]
    assert [r["record"] for r in rows_of(auscult.scan(release, tmp_path / "all", out=tmp_path / "t").answers)] == names
    assert [a.record for a in auscult.predict(release, tmp_path / "all")] == names
    apart = [tmp_path / "all" / ward / "lib.smi" for ward in "ab"]
    with pytest.raises(UsageError, match=r"lib: expected libraries with names of their own, got two of this name"):
        auscult.scan(release, *apart, out=tmp_path / "u")
    assert len(auscult.report(tmp_path / "all", releases=[release], out=tmp_path / "pages")) == 4
    with pytest.raises(UsageError, match="--report: expected records with names of their own, got two that would"):
        auscult.report(*apart, releases=[release], out=tmp_path / "more")


def test_a_table_that_was_taken_away_is_made_again(release: Path, library: Path, tmp_path: Path) -> None:
    made = auscult.scan(release, library, out=tmp_path / "out", options=BEST)
    first = made.answers.read_bytes()
    made.answers.unlink()
    assert auscult.scan(release, library, out=tmp_path / "out", options=BEST).answers.read_bytes() == first


def _lines(path: Path, smiles: list[str]) -> Path:
    path.write_text("\n".join(smiles) + "\n")
    return path


def _top(made: Scan) -> Path:
    assert made.top is not None
    return made.top


def test_the_summary_keeps_the_numbers_in_names_of_columns(release: Path, tmp_path: Path) -> None:
    path = tmp_path / "lib.csv"
    path.write_text(
        "smiles,IC50_nM\n" + "".join(f"{'C' * k}O,{k}\n" for k in range(3, 20)) + "CCCCN,about 7\nCCCCCN,x\n"
    )
    made = auscult.scan(release, path, out=tmp_path / "out", options=ScanOptions(workers=1))
    (told,) = [reason for reason in made.reasons if "column" in reason]
    assert "column 'IC50_nM': expected a number, got a text" in told
    assert made.reasons[told] == 2
