from __future__ import annotations

import bz2
import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from auscult.base.contracts import RecordBatch, SetAside
from auscult.domains.text import DOMAIN
from auscult.engine.sources import find_sources, read_source

SECRET = "Zanzibar"
"""Stands in every record that goes wrong; no reason may repeat it."""


def _read(path: Path) -> tuple[list[RecordBatch], list[SetAside], list[str]]:
    found = find_sources(path, DOMAIN)
    parts = [p for s in found.sources for p in read_source(s, DOMAIN)]
    aside = [p for p in parts if isinstance(p, SetAside)]
    assert not any(SECRET in a.reason for a in aside)
    return [p for p in parts if isinstance(p, RecordBatch)], aside, [s.reader for s in found.sources]


def _table(*rows: str, separator: str = ",") -> bytes:
    return "\n".join([separator.join(["event", "text"]), *rows, ""]).encode()


GOOD = "injury,the pump stopped and the nurse saw it"


def test_csv_and_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(_table(GOOD, 'death,"a, b\nand ""c"" more words"'))
    (batch,), aside, readers = _read(tmp_path)
    assert readers == ["text-table"]
    assert not aside
    assert [f.name for f in batch.fields] == ["event", "text"]
    assert batch.record.tolist() == ["a#1", "a#2"]
    assert batch.dense("text")[1] == 'a, b\nand "c" more words'
    assert batch.groups["encoding"].tolist() == ["utf-8", "utf-8"]


@pytest.mark.parametrize("separator", ["\t", "|", ";"])
def test_other_separators(separator: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(_table(f"death{separator}it was 5, maybe 6 words", separator=separator))
    (batch,), _, readers = _read(tmp_path)
    assert (readers, batch.dense("event")[0]) == (["text-table"], "death")


@pytest.mark.parametrize("pack", [bz2.compress, gzip.compress])
def test_packed_tables(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    (tmp_path / "a.tsv.bz2").write_bytes(pack(_table("death\tsome words here", separator="\t")))
    (batch,), _, _ = _read(tmp_path)
    assert len(batch) == 1


def test_a_table_without_a_header(tmp_path: Path) -> None:
    (tmp_path / "pairs.txt").write_text(
        "0\t乳腺癌怎么办\t乳腺癌有救吗\n1\t高血压的概念\t什么是高血压\n", encoding="utf-8"
    )
    (batch,), _, _ = _read(tmp_path)
    assert [f.name for f in batch.fields] == ["column-1", "column-2", "column-3"]
    assert len(batch) == 2


def test_a_quote_that_never_closes_costs_its_line_only(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(_table(GOOD, f'death,"{SECRET} never ends', GOOD, GOOD))
    (batch,), aside, _ = _read(tmp_path)
    assert len(batch) == 3
    assert [a.row for a in aside] == [3]
    assert "a.csv, line 3: expected every quotation mark of a cell to close" in aside[0].reason


def test_quotes_everywhere_end_the_file_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(_table(GOOD, *[f'death,"{SECRET}\nx,y,z' for _ in range(300)]))
    batches, aside, _ = _read(tmp_path)
    assert batches
    assert any("101 times; nothing was read from line 20" in a.reason for a in aside)


def test_rows_with_other_cells_and_bad_bytes_cost_one_row(tmp_path: Path) -> None:
    bad = f"death,{SECRET} ".encode() + b"\xff\xfe word"
    utf8 = "death,größer als zwei Wörter".encode()
    (tmp_path / "a.csv").write_bytes(_table(GOOD, f"death,{SECRET},more") + utf8 + b"\n" + bad + b"\n")
    (batch,), aside, _ = _read(tmp_path)
    assert len(batch) == 2
    assert "line 3: expected 2 cells as in the first line, got 3" in aside[0].reason
    assert "line 5: expected UTF-8, got 2 bytes that are none" in aside[1].reason


def test_an_old_encoding_is_told_and_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("event,text\ndeath,naïve patient with a prothèse\n".encode("latin-1"))
    (batch,), aside, _ = _read(tmp_path)
    assert not aside
    assert batch.dense("text")[0] == "naïve patient with a prothèse"
    assert batch.groups["encoding"].tolist() == ["windows-1252"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_encodings_with_a_mark(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("event,text\ndeath,a prothèse was found\n".encode(encoding))
    (batch,), _, _ = _read(tmp_path)
    assert [f.name for f in batch.fields] == ["event", "text"]
    assert batch.dense("text")[0] == "a prothèse was found"


def test_numbers_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time,value\n1,2\n3,4\n")
    assert _read(tmp_path) == ([], [], [])


def test_one_bad_line_of_many_json_lines(tmp_path: Path) -> None:
    lines = [json.dumps({"event": "death", "text": "some words", "n": k}) for k in range(2000)]
    lines[700] = f'{{"event": "{SECRET}'
    lines[900] = f'["{SECRET}"]'
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    batches, aside, readers = _read(tmp_path)
    assert readers == ["jsonl"]
    assert sum(map(len, batches)) == 1998
    assert [a.row for a in aside] == [701, 901]
    assert "line 701: expected a JSON object, got something else" in aside[0].reason


def test_half_a_character_in_a_line_of_json_costs_the_line(tmp_path: Path) -> None:
    lines = [json.dumps(v) for v in ({"text": "some words"}, {"text": f"{SECRET} \ud800"}, {f"{SECRET}\ud800": "a"})]
    deep = '{"a":' * 3000 + "1" + "}" * 3000
    (tmp_path / "a.jsonl").write_text("\n".join([*lines, deep, lines[0]]))
    (batch,), aside, _ = _read(tmp_path)
    assert batch.record.tolist() == ["a#1", "a#5"]
    assert [a.row for a in aside] == [2, 3, 4]
    reason = "a.jsonl, line 2: expected UTF-8, got characters that are none; export it again in UTF-8"
    assert aside[0].reason == reason


def test_nested_json(tmp_path: Path) -> None:
    value = {"text": "some words", "device": {"brand": "b"}, "codes": ["x", 2], "none": None, "subject": "P7"}
    (tmp_path / "a.jsonl").write_text(json.dumps(value) + "\n" + json.dumps({**value, "more": "m"}))
    first, second = _read(tmp_path)[0]
    assert {f.name: str(first.dense(f.name)[0]) for f in first.fields} == {
        "text": "some words", "device.brand": "b", "codes": "x; 2", "none": "",
    }  # fmt: skip
    assert first.subject is not None
    assert first.subject.tolist() == ["P7"]
    assert second.has("more")


def test_ten_megabytes_on_one_line(tmp_path: Path) -> None:
    long = f"{SECRET} word " * 800_000
    (tmp_path / "a.txt").write_text(long)
    (tmp_path / "b.jsonl").write_text(json.dumps({"text": "short words"}) + "\n" + json.dumps({"text": long}))
    (tmp_path / "c.csv").write_bytes(_table(GOOD, f"death,{long}"))
    batches, aside, _ = _read(tmp_path)
    assert sorted(b.record[0] for b in batches) == ["b#1", "c#1"]
    reasons = sorted(a.reason for a in aside)
    assert "a.txt: expected at most 1048576 characters in one record, got 11" in reasons[0]
    assert "b.jsonl, line 2: expected at most 1048576 characters in a line, got 11" in reasons[1]
    assert "c.csv, line 3: expected at most 131072 characters in a cell, got a longer one" in reasons[2]


def test_a_plain_file_is_one_record(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "n1.txt").write_text("The pump stopped.\n")
    (batch,), _, readers = _read(tmp_path)
    assert readers == ["plain"]
    assert batch.record.tolist() == ["n1"]  # the engine puts the folder before it
    assert batch.groups["part"].tolist() == ["train"]


def test_a_plain_file_with_bad_bytes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("The pümp ".encode() + b"\xff stopped")
    assert "a.txt: expected UTF-8, got 1 bytes that are none" in _read(tmp_path)[1][0].reason


def test_one_bad_line_in_a_hundred_thousand_costs_itself(tmp_path: Path) -> None:
    line = json.dumps({"text": "some words"})
    lines = [line] * 100_000
    lines[54_321] = f'{{"text": "{SECRET}'
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    batches, aside, _ = _read(tmp_path)
    assert sum(map(len, batches)) == 99_999
    assert [a.row for a in aside] == [54_322]
    assert "a.jsonl, line 54322: expected a JSON object, got something else" in aside[0].reason
