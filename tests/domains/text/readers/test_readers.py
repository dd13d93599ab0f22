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


@pytest.mark.parametrize("line", ["{0}", '"{0}, and ""more"" of it; they said"', "{0}, and more of it; they said"])
def test_a_table_of_one_column_is_a_record_a_row(line: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("\n".join(["note", *(line.format(f"the pump {k} stopped") for k in range(3)), ""]))
    (batch,), aside, readers = _read(tmp_path)
    assert (readers, aside) == (["text-table"], [])
    assert [f.name for f in batch.fields] == ["note"]
    assert batch.record.tolist() == ["a#1", "a#2", "a#3"]
    assert [str(text).count("stopped") for text in batch.dense("note")] == [1, 1, 1]


@pytest.mark.parametrize("name", ["a.csv", "A.TSV", "a.csv.gz"])
def test_a_table_is_never_one_text(name: str, tmp_path: Path) -> None:
    said = f"note of the ward\nbed,{SECRET},went down\nward,nurse,came up\nbed,lamp,{SECRET} again\n".encode()
    (tmp_path / name).write_bytes(gzip.compress(said) if name.endswith(".gz") else said)
    batches, aside, readers = _read(tmp_path)
    assert (batches, readers) == ([], ["text-table"])
    assert f"{name}: expected a first line that names the columns, got one name and rows of 3 cells" in aside[0].reason


def test_a_table_with_rows_of_all_lengths_is_refused(tmp_path: Path) -> None:
    rows = ["event,text,part", f"{SECRET} went down", "the nurse, the ward", "a, b, c, some words, d", "more words"]
    (tmp_path / "a.csv").write_text("\n".join(rows))
    batches, (aside,), _ = _read(tmp_path)
    assert not batches
    assert "a.csv: expected a table with text, a first line that names the columns and rows of as many" in aside.reason


def test_empty_cells_at_the_end_of_the_first_line_are_no_column(tmp_path: Path) -> None:
    good = ["death;the pump stopped;;", "injury;the lamp fell"]
    (tmp_path / "a.csv").write_text("\n".join(["event;text;;", *good * 61, f"death;{SECRET} fell;x;", ""]))
    (batch,), (aside,), _ = _read(tmp_path)
    assert [f.name for f in batch.fields] == ["event", "text"]
    assert len(batch) == 122
    assert "line 124: expected 2 cells as in the first line, got 4" in aside.reason


@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_a_line_that_names_the_separator_is_no_row(separator: str, tmp_path: Path) -> None:
    rows = [f"sep={separator}", f"event{separator}text", f'death{separator}"the pump, it stopped"', ""]
    (tmp_path / "a.csv").write_bytes("\r\n".join(rows).encode("utf-8-sig"))
    (batch,), aside, _ = _read(tmp_path)
    assert [f.name for f in batch.fields] == ["event", "text"]
    assert (batch.record.tolist(), aside) == (["a#1"], [])


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"text;event;text\n{SECRET} fell;death;the lamp fell\n")
    batches, (aside,), _ = _read(tmp_path)
    assert not batches
    assert "a.csv: expected columns with names of their own, got 'text' for the columns 1 and 3" in aside.reason


@pytest.mark.parametrize("column", ["subject", "Patient-ID", "patient id", "SUBJECT_ID"])
def test_whose_record_it_is_in_several_spellings(column: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"{column},text\n7,the pump stopped\n")
    (batch,), _, _ = _read(tmp_path)
    assert batch.subject is not None
    assert batch.subject.tolist() == ["7"]
    assert [f.name for f in batch.fields] == ["text"]


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
