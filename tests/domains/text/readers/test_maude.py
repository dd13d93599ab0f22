from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from auscult.base.contracts import RecordBatch, SetAside
from auscult.domains.text import DOMAIN
from auscult.engine.sources import find_sources, read_source

SECRET = "Zanzibar"
HEAD = "MDR_REPORT_KEY|MDR_TEXT_KEY|TEXT_TYPE_CODE|PATIENT_SEQUENCE_NUMBER|DATE_REPORT|FOI_TEXT"


def _read(path: Path) -> tuple[list[RecordBatch], list[SetAside], list[str]]:
    found = find_sources(path, DOMAIN)
    parts = [p for s in found.sources for p in read_source(s, DOMAIN)]
    aside = [p for p in parts if isinstance(p, SetAside)]
    assert not any(SECRET in a.reason for a in aside)
    return [p for p in parts if isinstance(p, RecordBatch)], aside, [s.reader for s in found.sources]


def _cells(batch: RecordBatch, row: int) -> dict[str, str]:
    return {f.name: str(batch.dense(f.name)[row]) for f in batch.fields}


def test_the_texts_of_a_report_come_together_with_its_event_and_device(tmp_path: Path) -> None:
    rows = [
        "1001|1|D|1||the pump stopped",
        "1002|2|D|1||the screen | broke",
        "1001|3|N|1||it was worn",
        "1001|4|D||x|again",
    ]
    (tmp_path / "foitext2010.txt").write_text("\n".join([HEAD, *rows, ""]))
    (tmp_path / "mdrfoi.txt").write_text("MDR_REPORT_KEY|EVENT_TYPE|X\n1001|IN|0\n")
    (tmp_path / "device2010.txt").write_text("MDR_REPORT_KEY|BRAND_NAME\n1001|PUMPO\n1001|SECOND\n")
    (batch,), aside, readers = _read(tmp_path)
    assert (readers, aside) == (["maude"], [])
    assert batch.record.tolist() == ["foitext2010#1002", "foitext2010#1001"]
    first = _cells(batch, 1)
    assert first["text"] == "the pump stopped\nagain\nit was worn"
    assert (first["description"], first["narrative"]) == ("the pump stopped\nagain", "it was worn")
    assert (first["event_type"], first["brand"]) == ("IN", "PUMPO")
    assert _cells(batch, 0)["text"] == "the screen | broke"


def test_lines_of_events_and_devices_that_cannot_be_used_are_counted(tmp_path: Path) -> None:
    (tmp_path / "foitext.txt").write_text("\n".join([HEAD, "1001|1|D|1||the pump", "1002|2|D|1||the screen", ""]))
    (tmp_path / "mdrfoi.txt").write_bytes(
        f"MDR_REPORT_KEY|EVENT_TYPE|X\n1001|IN|{SECRET}|0\n1002|M|größer\n\n1003|D|{SECRET} ".encode() + b"\xff\n"
    )
    (tmp_path / "device.txt").write_text("MDR_REPORT_KEY|BRAND_NAME\n1001|PUMPO\n\n")
    (batch,), aside, _ = _read(tmp_path)
    assert [(_cells(batch, k)["event_type"], _cells(batch, k)["brand"]) for k in (0, 1)] == [("", "PUMPO"), ("M", "")]
    assert [(a.row, a.reason) for a in aside] == [
        (None, "mdrfoi.txt: left out 2 of 3 lines: expected 3 cells of UTF-8 in each; export it again")
    ]


def test_a_file_of_before_2010_has_no_header(tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("866131|652294|D|1||A CUSTOMER REPORTED\n918717|725301|D|1||THE METER\n")
    (batch,), _, readers = _read(tmp_path)
    assert readers == ["maude"]
    assert batch.record.tolist() == ["texts#866131", "texts#918717"]


def test_a_bad_line_costs_itself(tmp_path: Path) -> None:
    rows = [
        b"1001|1|D|1||good words",
        f"{SECRET} alone".encode(),
        b"1002|2|D|1||b\xff\xe4 " + "größer".encode(),
        b"1003|3|D|1||more",
    ]
    (tmp_path / "a.txt").write_bytes(b"\n".join([HEAD.encode(), *rows]))
    (batch,), aside, _ = _read(tmp_path)
    assert batch.record.tolist() == ["a#1001", "a#1003"]
    assert [a.row for a in aside] == [3, 4]
    assert "a.txt, line 3: expected 6 cells that begin with the number of a report, got 1 cells" in aside[0].reason
    assert "a.txt, line 4: expected UTF-8, got 2 bytes" in aside[1].reason


def _download(path: Path, results: Any) -> None:
    path.write_text(json.dumps({"meta": {}, "results": results}))


def test_an_openfda_download(tmp_path: Path) -> None:
    told = [
        {"text_type_code": "Additional Manufacturer Narrative", "text": "it was worn"},
        {"text_type_code": "Description of Event or Problem", "text": "the pump stopped"},
    ]
    good = {
        "mdr_report_key": "77", "event_type": "Injury", "product_problems": ["Leak", "Break"],
        "device": [{"brand_name": "PUMPO", "device_report_product_code": "FRN"}], "mdr_text": told,
    }  # fmt: skip
    _download(tmp_path / "events.json", [good, {"mdr_text": []}, SECRET])
    (batch,), aside, readers = _read(tmp_path)
    assert readers == ["openfda"]
    assert batch.record.tolist() == ["events#77"]
    cells = _cells(batch, 0)
    assert cells["text"] == "the pump stopped\nit was worn"
    assert (cells["event_type"], cells["problems"], cells["product_code"]) == ("Injury", "Leak; Break", "FRN")
    assert [a.row for a in aside] == [2, 3]
    assert "events.json, result 2: expected a report with texts in 'mdr_text', got none" in aside[0].reason


def test_one_bad_byte_of_a_download_costs_its_report(tmp_path: Path) -> None:
    told = [{"text": "the pump stopped; größer"}]
    reports = [
        {"mdr_report_key": "1", "mdr_text": told},
        {"mdr_report_key": "2", "mdr_text": [{"text": f"{SECRET} \ud800"}]},
        {"mdr_report_key": "3", "mdr_text": told, "event_type": "@"},
        {"mdr_report_key": "@", "mdr_text": told},
        {"mdr_report_key": "5", "mdr_text": told},
    ]
    _download(tmp_path / "events.json", reports)
    whole = (tmp_path / "events.json").read_bytes().replace(b"\\u00f6", "ö".encode())
    (tmp_path / "events.json").write_bytes(whole.replace(b"@", b"\xff"))
    (batch,), aside, _ = _read(tmp_path)
    assert batch.record.tolist() == ["events#1", "events#5"]
    assert [a.reason for a in aside] == [
        f"events.json, result {k}: expected UTF-8, got characters that are none; download it again" for k in (2, 3, 4)
    ]


def test_a_download_that_broke_off_is_refused(tmp_path: Path) -> None:
    _download(tmp_path / "events.json", [{"mdr_report_key": "1", "mdr_text": [{"text": f"{SECRET} word"}]}] * 50)
    whole = (tmp_path / "events.json").read_bytes()
    (tmp_path / "events.json").write_bytes(whole[:-40])
    batches, aside, _ = _read(tmp_path)
    assert not batches
    assert "events.json: expected one whole JSON object, got something else; download it again" in aside[0].reason
    (tmp_path / "events.json").write_text('{"results": 3, "mdr_text": ""}')
    assert "events.json: expected a list 'results' of device reports, got none" in _read(tmp_path)[1][0].reason
