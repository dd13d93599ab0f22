"""Patients out of tables and out of questions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import auscult
from auscult.base.contracts import RecordBatch, SetAside
from auscult.base.errors import ReadError
from auscult.domains.recommend.readers.patients import PatientRequestsReader, PatientsReader


def _tables(folder: Path, **tables: str) -> list[Path]:
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text)
    return sorted(folder.iterdir())


def test_patients_come_with_what_they_were_given_and_new_devices(tmp_path: Path) -> None:
    files = _tables(
        tmp_path,
        people="Patient,age,sex\na,70,F\nb,,M\n",
        use="patient,device,time\na,D1,2024-02-01\na,D2,2024-01-01\nz,D9,2024-01-01\n",
        shelf="device,mri\nN1,safe\n",
        other="x,y\n1,2\n",
    )
    (source,) = PatientsReader().detect(files)
    assert [f.name for f in source.files] == ["people.csv", "shelf.csv", "use.csv"]
    batch, aside = PatientsReader().read(source)
    assert isinstance(batch, RecordBatch)
    assert isinstance(aside, SetAside)
    assert batch.record.tolist() == ["a", "b"]
    assert [[i.decode() for i in items] for items in batch.ragged("item")] == [["D2", "D1"], []]
    assert [json.loads(t) for t in batch.dense("patient")] == [{"age": "70", "sex": "F"}, {"sex": "M"}]
    assert json.loads(batch.dense("new_device")[0]) == [{"device": "N1", "mri": "safe"}]
    assert aside.reason == "people.csv: left out what 1 patients were given who are in no row of the table"


def test_a_folder_with_words_in_its_tables_is_inspected_as_patients(tmp_path: Path) -> None:
    """No other domain takes one of the tables, and with it all of the folder."""
    people = "".join(f"MRN{k},orthopaedics,mild disease,none\n" for k in range(30))
    use = "".join(f"MRN{k},PLATE-{d},2024-01-{d:02d}\n" for k in range(30) for d in range(1, 4))
    _tables(tmp_path, people=f"patient,department,severity,allergy\n{people}", use=f"patient,device,date\n{use}")
    found = auscult.inspect(tmp_path)
    assert found.sources == {"patients": 1}
    assert (found.n_files, found.n_records, found.n_subjects) == (2, 30, 30)


def test_a_patient_twice_is_refused(tmp_path: Path) -> None:
    (source,) = PatientsReader().detect(_tables(tmp_path, people="patient,age\na,1\na,2\n"))
    with pytest.raises(ReadError, match=r"people\.csv: expected each patient once, got one again"):
        list(PatientsReader().read(source))


def test_patients_in_another_encoding_are_refused_with_how_to_export_them(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes("patient,sex\na,männlich\n".encode("windows-1252"))
    (source,) = PatientsReader().detect([path])
    with pytest.raises(
        ReadError, match=r"people\.csv: expected text in UTF-8, got bytes of another encoding, such as Win"
    ):
        list(PatientsReader().read(source))


def test_questions_are_lines_and_a_bad_one_costs_itself(tmp_path: Path) -> None:
    good = {"patient": "a", "attributes": {"age": 3}, "devices": ["D1", "D1"], "new_devices": [{"device": "N"}]}
    lines = [
        json.dumps(good), "{broken", json.dumps({"patient": "b", "attribute": {}}), json.dumps({"patient": "c"}),
        json.dumps({"patient": "d", "devices": ["x" * 10240]}), json.dumps({"patient": "e", "devices": "D1"}), "",
    ]  # fmt: skip
    path = tmp_path / "q.jsonl"
    path.write_text("\n".join(lines))
    (source,) = PatientRequestsReader().detect([path])
    read = list(PatientRequestsReader().read(source))
    batches = [p for p in read if isinstance(p, RecordBatch)]
    assert [str(b.record[0]) for b in batches] == ["a", "c"]
    assert batches[0].ragged("item")[0].tolist() == [b"D1"]
    assert [p.reason for p in read if isinstance(p, SetAside)] == [
        "q.jsonl: line 2: expected a JSON object, got a broken line",
        "q.jsonl: line 3: expected an object with attributes, devices, new_devices, patient, got something else",
        "q.jsonl: line 5: expected names of devices of at most 32 bytes, got a longer one",
        "q.jsonl: line 6: expected 'attributes' as an object, 'devices' as names, 'new_devices' as objects, got others",
    ]
