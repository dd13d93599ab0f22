"""Annotated texts: brat stand-off, a token a line, JSON with spans; what cannot be used is counted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from auscult.base.contracts import RecordBatch, SetAside
from auscult.domains.text import DOMAIN
from auscult.domains.text.simulate.identifiers import simulate_notes
from auscult.domains.text.simulate.span_files import write_brat, write_iob, write_span_json
from auscult.engine.sources import find_sources, read_source

TEXT = "Ms Ahorn came.\nShe left on 2 June."


def _read(folder: Path) -> tuple[list[tuple[str, list[tuple[int, int, str]]]], list[str], list[str]]:
    """Texts with their spans, reasons of what was set aside, and the readers that claimed something."""
    found, reasons, readers = [], [], []
    for source in find_sources(folder, DOMAIN).sources:
        readers.append(source.reader)
        for part in read_source(source, DOMAIN):
            if isinstance(part, SetAside):
                reasons.append(part.reason)
            else:
                found += _texts(part)
    return found, reasons, readers


def _texts(batch: RecordBatch) -> list[tuple[str, list[tuple[int, int, str]]]]:
    rows = zip(batch.dense("text"), batch.ragged("span"), batch.ragged("span_type"), strict=True)
    return [(str(t), [(*p, k.decode()) for p, k in zip(s.tolist(), kinds, strict=True)]) for t, s, kinds in rows]


def _brat(folder: Path, notes: str, text: bytes = TEXT.encode()) -> None:
    (folder / "a.txt").write_bytes(text)
    (folder / "a.ann").write_bytes(notes.encode())


def test_brat_by_hand(tmp_path: Path) -> None:
    _brat(tmp_path, "T1\tNAME 3 8\tAhorn\n#1\tNote T1\tsure\nT2\tDATE 27 33\t2 June\nR1\tOf Arg1:T1 Arg2:T2\n")
    found, reasons, readers = _read(tmp_path)
    assert (found, reasons, readers) == ([(TEXT, [(3, 8, "NAME"), (27, 33, "DATE")])], [], ["brat"])


def test_brat_spans_that_cannot_be_used_are_counted(tmp_path: Path) -> None:
    lines = [
        "T1\tNAME 3 8\tAhorn",
        "T2\tNAME 0 8\tMs Ahorn",
        "T3\tDATE 27 28;29 33\t2 June",
        "T4\tDATE 27 99\t2 June",
        "T5\tDATE 26 32\t2 June",
    ]
    _brat(tmp_path, "\n".join(lines))
    found, reasons, _ = _read(tmp_path)
    assert found == [(TEXT, [(0, 8, "NAME")])]
    assert reasons == [
        "a.ann: left out 4 of 5 spans: 1 of several pieces, 1 that share characters with a longer one, "
        "1 whose places are not in the text, 1 whose words are not those at their place"
    ]


@pytest.mark.parametrize("shift", [0, 1])
def test_brat_with_a_mark_at_the_begin_that_is_counted_or_not(tmp_path: Path, shift: int) -> None:
    _brat(tmp_path, f"T1\tNAME {3 + shift} {8 + shift}\tAhorn", b"\xef\xbb\xbf" + TEXT.encode())
    found, reasons, _ = _read(tmp_path)
    assert (found, reasons) == ([(TEXT, [(3, 8, "NAME")])], [])


def test_brat_without_annotations_and_a_text_alone(tmp_path: Path) -> None:
    _brat(tmp_path, "")
    (tmp_path / "b.txt").write_text("A narrative that nobody annotated.")
    found, reasons, readers = _read(tmp_path / "a.txt")
    assert (found, reasons, readers) == ([(TEXT, [])], [], ["brat"])
    assert _read_names(tmp_path) == ["brat", "plain"]


def _read_names(folder: Path) -> list[str]:
    return sorted(s.reader for s in find_sources(folder, DOMAIN).sources)


def test_brat_takes_the_text_and_no_other_file_of_the_name(tmp_path: Path) -> None:
    _brat(tmp_path, "T1\tNAME 3 8\tAhorn")
    (tmp_path / "a.json").write_text(json.dumps({"status": "Ms Ahorn was seen", "by": "two persons"}))
    (tmp_path / "a.md").write_text("Notes of the person who read it.")
    found, _, readers = _read(tmp_path / "a.txt")
    assert (found, readers) == ([(TEXT, [(3, 8, "NAME")])], ["brat"])
    source = next(s for s in find_sources(tmp_path, DOMAIN).sources if s.reader == "brat")
    assert [p.name for p in source.files] == ["a.txt", "a.ann"]


def test_brat_that_is_cut_off_is_refused_without_a_word_of_it(tmp_path: Path) -> None:
    _brat(tmp_path, "T1\tNAME 3 8\tAhorn\nT2\tDA")
    _, reasons, _ = _read(tmp_path)
    assert reasons == [
        "a.ann, line 2: expected an annotation of brat (T1, a tab, type and places, a tab, the words), "
        "got something else; is the file cut off?"
    ]


def test_brat_text_that_is_no_text_is_refused(tmp_path: Path) -> None:
    _brat(tmp_path, "T1\tNAME 3 8\tAhorn", "Ms Ahorn é ".encode() + b"\xff\xfe\xfa")
    assert _read(tmp_path)[1] == ["a.txt: expected UTF-8, got 3 bytes that are none; export it again in UTF-8"]


IOB2 = "The\tO\nadenomatous\tB-Disease\npolyposis\tI-Disease\n.\tO\n\nAPC\tB-Gene\ntumour\tB-Disease\n"


def test_iob_by_hand(tmp_path: Path) -> None:
    (tmp_path / "devel.tsv").write_text("-DOCSTART-\tO\n\n" + IOB2)
    found, reasons, readers = _read(tmp_path)
    assert found == [
        ("The adenomatous polyposis .", [(4, 25, "Disease")]),
        ("APC tumour", [(0, 3, "Gene"), (4, 10, "Disease")]),
    ]
    assert (reasons, readers) == ([], ["iob"])
    (batch,) = [b for s in find_sources(tmp_path, DOMAIN).sources for b in read_source(s, DOMAIN)]
    assert isinstance(batch, RecordBatch)
    assert batch.groups["part"].tolist() == ["valid", "valid"]


def test_iob_schemes_give_the_same_spans(tmp_path: Path) -> None:
    """A B, two A in a row, and one of a single token: IOB1, IOB2 and BIOES (Ratinov and Roth 2009)."""
    for name, tags in (("iob1", "I I B O"), ("iob2", "B I B O"), ("bioes", "B E S O")):
        lines = [f"w {t}-A" if t != "O" else "w O" for t in tags.split()]
        (tmp_path / f"{name}.txt").write_text("\n".join([*lines, "", *lines]) + "\n")
    found, _, _ = _read(tmp_path)
    assert found == [("w w w w", [(0, 3, "A"), (4, 5, "A")])] * 6


def test_iob_of_ideographs_has_no_blanks(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("头 B_body\n痛 B_symptom\n， O\nX O\n光 O\n  O\n疼 B_symptom\n", encoding="utf-8")
    assert _read(tmp_path)[0] == [("头痛，X光 疼", [(0, 1, "body"), (1, 2, "symptom"), (6, 7, "symptom")])]


def test_iob_text_with_a_bad_line_is_set_aside_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text((IOB2 + "\n") * 60 + "\nlost\nwords\tO\n\n" + IOB2)
    found, reasons, _ = _read(tmp_path)
    assert len(found) == 122
    assert reasons == [
        "a.tsv, line 482: expected a token and a tag such as O or B-NAME, got something else; the text is left out"
    ]


def test_span_json_by_hand(tmp_path: Path) -> None:
    rows = [
        {"full_text": TEXT, "spans": [{"entity_type": "NAME", "entity_value": "Ahorn", "start_position": 3,
                                       "end_position": 8}], "template_id": 4},
        {"full_text": TEXT, "spans": [{"entity_type": "NAME", "entity_value": "Birke", "start_position": 3,
                                       "end_position": 8}], "template_id": 5},
        {"full_text": None, "spans": []},
    ]  # fmt: skip
    (tmp_path / "a.json").write_text(json.dumps(rows, indent=2))
    found, reasons, readers = _read(tmp_path)
    assert found == [(TEXT, [(3, 8, "NAME")]), (TEXT, [])]
    assert readers == ["span-json"]
    assert reasons == [
        "a.json, entry 3: expected a text under one of text, full_text, got none",
        "a.json: left out 1 of 2 spans: 1 whose words are not those at their place",
    ]


def test_span_json_lines_of_annotation_tools(tmp_path: Path) -> None:
    lines = [{"text": TEXT, "label": [[3, 8, "NAME"], [3, 99, "NAME"]]}, {"text": TEXT, "label": []}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\nbroken {\n")
    found, reasons, readers = _read(tmp_path)
    assert (found, readers) == ([(TEXT, [(3, 8, "NAME")]), (TEXT, [])], ["span-json"])
    assert reasons == [
        "a.jsonl, entry 3: expected a JSON object, got something else; export one object an entry",
        "a.jsonl: left out 1 of 2 spans: 1 whose places are not in the text",
    ]


def test_span_json_says_whose_record_it_is_and_no_column_does(tmp_path: Path) -> None:
    rows = [{"text": TEXT, "spans": [], "Patient_ID": p, "ward": "3"} for p in ("P1", 2, "P1")]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    (batch,) = [b for s in find_sources(tmp_path, DOMAIN).sources for b in read_source(s, DOMAIN)]
    assert isinstance(batch, RecordBatch)
    assert batch.subject is not None
    assert batch.subject.tolist() == ["P1", "2", "P1"]
    assert [f.name for f in batch.fields] == ["text", "span", "span_type", "ward"]


def test_one_entry_with_half_a_character_costs_itself(tmp_path: Path) -> None:
    good: dict[str, object] = {"text": TEXT, "spans": [], "ward": "3"}
    bad = [{**good, "text": "pump \ud800"}, {**good, "ward": "\udc00"}, {"text": TEXT, "spans": [], "wa\ud800rd": "3"}]
    (tmp_path / "a.json").write_text(json.dumps([good, *bad, good]))
    found, reasons, _ = _read(tmp_path)
    assert len(found) == 2
    assert reasons == [
        f"a.json, entry {k}: expected UTF-8, got characters that are none; export it again in UTF-8" for k in (2, 3, 4)
    ]


@pytest.mark.parametrize("kind", ["\u540d" * 22, "x" * 65, "\ud800"])
def test_a_type_that_cannot_be_kept_whole_is_counted(tmp_path: Path, kind: str) -> None:
    spans = [[3, 8, kind], [0, 2, "\u540d" * 21]]
    (tmp_path / "a.json").write_text(json.dumps([{"text": TEXT, "spans": spans}]))
    found, reasons, _ = _read(tmp_path)
    assert found == [(TEXT, [(0, 2, "\u540d" * 21)])]
    assert reasons == ["a.json: left out 1 of 2 spans: 1 whose type is no UTF-8 of at most 64 bytes"]


def test_span_json_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([{"text": TEXT, "spans": []}] * 3)[:-9])
    assert _read(tmp_path)[1] == [
        "a.json: expected a JSON list, got something that does not end as one; is it cut off?"
    ]


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    notes = simulate_notes(6, np.random.default_rng(4))
    expected = [(n.text, list(n.spans)) for n in notes]
    for name in ("brat", "json", "iob"):
        (tmp_path / name).mkdir()
    write_brat(tmp_path / "brat", notes)
    write_span_json(tmp_path / "json" / "a.json", notes)
    write_iob(tmp_path / "iob" / "a.tsv", notes)
    assert _read(tmp_path / "brat")[0] == expected
    assert _read(tmp_path / "json")[0] == expected
    tagged = _read(tmp_path / "iob")[0]
    words = [[(n.text[a:b].split(), k) for a, b, k in n.spans] for n in notes]
    assert [[(k, "".join(t[a:b].split())) for a, b, k in s] for t, s in tagged] == [
        [(k, "".join(w)) for w, k in row] for row in words
    ]
