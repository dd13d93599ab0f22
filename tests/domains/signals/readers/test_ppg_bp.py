"""The PPG-BP layout: folders made up here in the published shape; expected values by hand."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from auscult.base.contracts import RecordBatch, SetAside
from auscult.base.errors import ReadError, ShapeError, UnitError
from auscult.domains.signals.readers.ppg_bp import SEGMENT_SAMPLES, PpgBpReader

HEADER = [
    "Num.", "subject_ID", "Sex(M/F)", "Age(year)", "Height(cm)", "Weight(kg)",
    "Systolic Blood Pressure(mmHg)",
    "Diastolic Blood Pressure(mmHg)", "Heart Rate(b/m)", "BMI(kg/m^2)", "Hypertension", "Diabetes",
]  # fmt: skip
TITLE = ["Cardiovascular Dataset Information File", *[""] * (len(HEADER) - 1)]
ROWS = [
    ["1", "2", "Female", "45", "152", "63", "161", "89", "97", "27.27", "Stage 2 hypertension", ""],
    ["2", "3", "Male", "70", "170", "60", "120", "80", "76", "20.5", "Normal", ""],
]


def workbook(path: Path, rows: list[list[str]]) -> None:
    """Write the smallest workbook (ECMA-376) that holds the rows as texts."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    links = "http://schemas.openxmlformats.org/package/2006/relationships"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    cell = '<c t="inlineStr"><is><t>{}</t></is></c>'
    lines = ["".join(cell.format(text) for text in row) for row in rows]
    page = "".join(f"<row>{line}</row>" for line in lines)
    book = '<sheets><sheet name="s" sheetId="1" r:id="r1"/></sheets></workbook>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, target, kind in (
            ("_rels/.rels", "xl/workbook.xml", "officeDocument"),
            ("xl/_rels/workbook.xml.rels", "worksheets/sheet1.xml", "worksheet"),
        ):
            link = f'<Relationship Id="r1" Type="{office}/{kind}" Target="{target}"/>'
            archive.writestr(name, f'<Relationships xmlns="{links}">{link}</Relationships>')
        archive.writestr("xl/workbook.xml", f'<workbook xmlns="{main}" xmlns:r="{office}">{book}')
        page = f'<worksheet xmlns="{main}"><sheetData>{page}</sheetData></worksheet>'
        archive.writestr("xl/worksheets/sheet1.xml", page)


def sheet(folder: Path, *rows: list[str], header: list[str] = HEADER, kind: str = "csv") -> Path:
    path = folder / f"PPG-BP dataset.{kind}"
    if kind == "csv":
        path.write_text("\n".join(",".join(row) for row in [TITLE, header, *rows]) + "\n")
    else:
        workbook(path, [TITLE, header, *rows])
    return path


def pulse(folder: Path, name: str, samples: npt.NDArray[np.float64] | None = None) -> Path:
    values = np.arange(SEGMENT_SAMPLES) + 1000.0 if samples is None else samples
    path = folder / f"{name}.txt"
    path.write_text("\t".join(f"{v}" for v in values) + "\t")
    return path


def read(*files: Path) -> tuple[RecordBatch, list[SetAside]]:
    reader = PpgBpReader()
    (source,) = reader.detect(files)
    batch, *aside = reader.read(source)
    assert isinstance(batch, RecordBatch)
    return batch, [a for a in aside if isinstance(a, SetAside)]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_one_record_a_subject_with_its_segments_and_row(tmp_path: Path, kind: str) -> None:
    if kind == "xlsx":
        pytest.importorskip("fastexcel")
    folder = tmp_path / "0_subject"
    folder.mkdir()
    files = [pulse(folder, name) for name in ("2_1", "2_2", "3_1")]
    batch, aside = read(sheet(tmp_path, *ROWS, kind=kind), *files)
    assert not aside
    assert batch.record.tolist() == ["2", "3"]
    assert batch.named_by_subject
    assert [p.shape for p in batch.ragged("ppg")] == [(2, 2100), (1, 2100)]
    assert batch.ragged("ppg")[0][1, :3].tolist() == [1000.0, 1001.0, 1002.0]
    assert (batch.field("ppg").axes, batch.field("ppg").rate_hz) == ("CT", 1000.0)
    scalars = {n: batch.dense(n).tolist() for n in ("sbp", "dbp", "age", "bmi", "heart_rate")}
    assert scalars == {
        "sbp": [161, 120],
        "dbp": [89, 80],
        "age": [45, 70],
        "bmi": [27.27, 20.5],
        "heart_rate": [97, 76],
    }
    groups = {k: v.tolist() for k, v in batch.groups.items()}
    assert groups == {
        "sex": ["F", "M"],
        "age_band": ["40-64", "65+"],
        "hypertension_stage": ["Stage 2 hypertension", "Normal"],
    }


def test_pressure_in_kilopascal_is_converted(tmp_path: Path) -> None:
    header = [h.replace("Systolic Blood Pressure(mmHg)", "Systolic Blood Pressure(kPa)") for h in HEADER]
    row = [*ROWS[0][:6], "16", *ROWS[0][7:]]
    batch, _ = read(sheet(tmp_path, row, header=header), pulse(tmp_path, "2_1"))
    # 16 kPa / 0.133322387415 kPa a mmHg
    assert batch.dense("sbp")[0] == pytest.approx(120.0098, abs=1e-3)


def test_single_segment_without_a_sheet_can_be_answered(tmp_path: Path) -> None:
    batch, _ = read(pulse(tmp_path, "9_1"))
    assert batch.record.tolist() == ["9"]
    assert np.isnan(batch.dense("sbp")).all()
    assert batch.field("sbp").missing
    assert {k: v.item() for k, v in batch.groups.items()} == dict.fromkeys(
        ("sex", "age_band", "hypertension_stage"), "unknown"
    )


def test_empty_cell_is_missing_not_refused(tmp_path: Path) -> None:
    row = [*ROWS[0][:9], "", *ROWS[0][10:]]
    batch, aside = read(sheet(tmp_path, row), pulse(tmp_path, "2_1"))
    assert not aside
    assert np.isnan(batch.dense("bmi")[0])
    assert (batch.field("bmi").missing, batch.field("sbp").missing) == (True, False)


def test_subjects_that_cannot_be_used_are_set_aside_singly(tmp_path: Path) -> None:
    rows = [[str(k), str(k), *ROWS[0][2:]] for k in range(2, 8)]
    rows[5][6] = "high"
    good = pulse(tmp_path, "2_1")
    short = pulse(tmp_path, "3_1", np.ones(2000))
    broken = pulse(tmp_path, "4_1", np.array([np.nan, *np.ones(2099)]))
    photo = tmp_path / "5_1.txt"
    photo.write_bytes(b"\xff\xd8\xff\xe0 photo")
    cell = pulse(tmp_path, "7_1")
    stranger = pulse(tmp_path, "99_1")
    batch, aside = read(sheet(tmp_path, *rows), good, short, broken, photo, cell, stranger)
    assert batch.record.tolist() == ["2"]
    told = [a.reason for a in aside]
    assert told == [
        "3_1.txt: expected 2100 samples (2.1 s at 1 kHz), got 2000; the file is cut off, copy it again",
        "4_1.txt: expected finite numbers, got 1 of 2100 that are not",
        "5_1.txt: expected numbers, got JPEG; copy or export it again",
        "PPG-BP dataset.csv, row 7: expected segments <subject>_<k>.txt, got none; copy them too",
        "PPG-BP dataset.csv, row 8: expected a number as sbp, got other text",
        "99_1.txt: expected a row of its subject in PPG-BP dataset.csv, got none",
    ]


def test_longer_segment_is_cut_and_told(tmp_path: Path) -> None:
    batch, (note,) = read(pulse(tmp_path, "9_1", np.arange(4200.0)))
    assert batch.ragged("ppg")[0].tolist() == [np.arange(2100.0).tolist()]
    assert note.reason.startswith("9_1.txt: expected 2100 samples, got 4200; the first 2100 are used")


def test_large_layouts_come_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auscult.domains.signals.readers.ppg_bp.BATCH_SUBJECTS", 2)
    files = [pulse(tmp_path, f"{k}_1") for k in range(5)]
    reader = PpgBpReader()
    (source,) = reader.detect(files)
    batches = [b for b in reader.read(source) if isinstance(b, RecordBatch)]
    assert [len(b) for b in batches] == [2, 2, 1]
    assert RecordBatch.concat(batches).record.tolist() == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("header", "kind", "words"),
    [
        ([h.replace("subject_ID", "who") for h in HEADER], ReadError, "expected the column subject_ID"),
        ([h.replace("Age", "Years") for h in HEADER], ReadError, "expected columns for age, got none"),
        ([h.replace("(mmHg)", "") for h in HEADER], UnitError, "expected its unit in brackets, got none"),
        (
            [h.replace("mmHg", "bar") for h in HEADER],
            UnitError,
            "unknown unit 'bar' in PPG-BP dataset.csv, column",
        ),
    ],
)
def test_other_sheets_are_refused_in_words(
    tmp_path: Path, header: list[str], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        read(sheet(tmp_path, *ROWS, header=header), pulse(tmp_path, "2_1"))


def test_subject_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"PPG-BP dataset.csv: expected each subject once, got row 4 too; remove one"):
        read(sheet(tmp_path, ROWS[0], ROWS[0]), pulse(tmp_path, "2_1"))


def test_layout_without_a_usable_subject_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"row 3: expected segments .* no subject can be used"):
        read(sheet(tmp_path, ROWS[0]))
    with pytest.raises(ReadError, match=r"1_1.txt: expected 2100 samples .*; no subject can be used"):
        read(pulse(tmp_path, "1_1", np.ones(3)))


@pytest.mark.parametrize(
    ("content", "words"), [(b"\xff\xd8\xff\xe0", "got JPEG"), (b"PK\x03\x04", "got a damaged archive")]
)
def test_sheet_that_is_no_workbook_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "PPG-BP dataset.xlsx"
    path.write_bytes(content)
    with pytest.raises(ReadError, match=rf"PPG-BP dataset.xlsx: expected an Excel workbook, {words}"):
        read(path, pulse(tmp_path, "2_1"))


def test_boxes_on_a_picture_are_no_pulse(tmp_path: Path) -> None:
    (tmp_path / "tray_0001.txt").write_text("0 0.5 0.5 0.2 0.1\n1 0.1 0.2 0.05 0.1\n")
    (tmp_path / "2_1.txt").write_text("1979.34 1980.1\n")
    assert [s.files for s in PpgBpReader().detect(sorted(tmp_path.iterdir()))] == [(tmp_path / "2_1.txt",)]


def test_other_files_are_not_claimed(tmp_path: Path) -> None:
    for name, text in (
        ("notes_1.txt", "slept well"),
        ("table.csv", "a,b\n1,2\n"),
        ("a.xlsx", "x"),
        ("1.txt", "1 2"),
    ):
        (tmp_path / name).write_text(text)
    assert list(PpgBpReader().detect([*tmp_path.iterdir(), tmp_path / "1_1.txt"])) == []


def test_damaged_files_raise_input_errors_only(tmp_path: Path) -> None:
    pytest.importorskip("fastexcel")
    rng = np.random.default_rng(11)
    files = [pulse(tmp_path, "2_1"), pulse(tmp_path, "3_1")]
    kinds = [sheet(tmp_path, *ROWS), sheet(tmp_path, *ROWS, kind="xlsx")]
    wholes = [k.read_bytes() for k in kinds]
    for trial in range(200):
        path, whole = kinds[trial % 2], wholes[trial % 2]
        data = bytearray(whole[: rng.integers(1, len(whole))] if trial % 3 == 0 else whole)
        for at in rng.integers(0, len(data), size=2):
            data[at] = rng.integers(0, 256)
        path.write_bytes(data)
        reader = PpgBpReader()
        for source in reader.detect([path, *files]):
            try:
                assert list(reader.read(source))
            except (ReadError, UnitError, ShapeError) as error:
                assert str(tmp_path) not in str(error)  # noqa: PT017


@pytest.mark.skipif("AUSCULT_DATA" not in os.environ, reason="AUSCULT_DATA is not set: no real data here")
def test_published_set_is_whole() -> None:
    folder = Path(os.environ["AUSCULT_DATA"]) / "signals" / "ppg_bp"
    if not folder.exists():
        pytest.skip("ppg_bp is not in AUSCULT_DATA")
    batch, aside = read(*folder.iterdir())
    # Liang et al. 2018: 657 segments of 219 subjects
    assert len(batch) == 219
    assert batch.ragged("ppg").shapes is not None
    assert sum(len(p) for p in batch.ragged("ppg")) == 657
    assert all("the first 2100 are used" in a.reason for a in aside)
