"""Tables of interactions: columns by their names, what cannot be used counted, large tables in passes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import auscult
from auscult.base.contracts import RecordBatch, SetAside
from auscult.base.errors import ReadError
from auscult.domains.recommend.readers import interactions
from auscult.domains.recommend.readers.interactions import InteractionsReader

NO_TIME = (
    "whose time is no date and time such as 2024-07-22, 2024-07-22T08:30+01:00, 22.07.2024 08:30 or seconds since "
    "1970; 07/08/2024 and 20240708 can be read in two ways, write 2024-07-08"
)


def _read(path: Path) -> tuple[list[RecordBatch], list[str]]:
    reader = InteractionsReader()
    (source,) = reader.detect([path])
    read = list(reader.read(source))
    return [p for p in read if isinstance(p, RecordBatch)], [p.reason for p in read if isinstance(p, SetAside)]


def _taken(batches: list[RecordBatch]) -> dict[str, list[str]]:
    """Items of each user, by hand-readable names."""
    assert all(b.subject is not None for b in batches)
    return {
        str(user): [i.decode() for i in items]
        for b in batches
        for user, items in zip(b.subject if b.subject is not None else (), b.ragged("item"), strict=True)
    }


def test_users_come_with_their_items_in_the_order_of_time(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    path.write_text("Patient;Device;Date\nb;D1;2024-01-02\na;D2;2024-03-01\na;D1;2024-01-05 10:00\na;D3;2024-02-01\n")
    batches, aside = _read(path)
    assert _taken(batches) == {"a": ["D1", "D3", "D2"], "b": ["D1"]}
    assert aside == []
    (batch,) = batches
    assert batch.record.tolist() == ["pool/a", "pool/b"]
    assert batch.ragged("time")[1].tolist() == [datetime(2024, 1, 2, tzinfo=UTC).timestamp()]


def test_the_page_lists_every_name_of_a_column() -> None:
    page = Path(auscult.__file__).parents[2] / "docs" / "how-to" / "recommend-devices.md"
    rows = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    for names in interactions.COLUMNS.values():
        assert any(row.endswith(f" | {', '.join(f'`{n}`' for n in names)} |") for row in rows), names


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-03-01", "2024-03-01T00:00"),
        ("2024-03-01T08:30", "2024-03-01T08:30"),
        ("2024-03-01 08:30", "2024-03-01T08:30"),
        ("2024-03-01T08:30:15.5Z", "2024-03-01T08:30:15.5"),
        ("2024-03-01T08:30:00+01:00", "2024-03-01T07:30"),
        ("2024-03-01T08:30-0500", "2024-03-01T13:30"),
        ("2024-03-01 08:30:00.25+01", "2024-03-01T07:30:00.25"),
        ("22.07.2024", "2024-07-22T00:00"),
        ("2.7.2024 8:30", "2024-07-02T08:30"),
        ("22.07.2024 08:30:15", "2024-07-22T08:30:15"),
        ("1709281800", "2024-03-01T08:30"),
    ],
)
def test_usual_dates_are_read(text: str, utc: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"user,item,time\nu,D1, {text} \n")
    (batch,), aside = _read(path)
    assert aside == []
    assert batch.ragged("time")[0].tolist() == [datetime.fromisoformat(f"{utc}+00:00").timestamp()]


@pytest.mark.parametrize(
    "text",
    ["20240301", "03/01/2024", "2024/03/01", "24-03-01", "01.03.24", "2024-02-30", "07.22.2024", "2024-03-01T25:00"],
)
def test_a_time_that_can_be_misread_is_left_out_and_the_reason_shows_how_to_write_it(text: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"user,item,time\nu,D1,{text}\nu,D2,2024-03-01\n")
    (batch,), aside = _read(path)
    assert batch.ragged("item")[0].tolist() == [b"D2"]
    assert aside == [f"t.csv: left out 1 of 2 interactions {NO_TIME} (the first in line 2)"]


def test_a_number_of_a_column_of_numbers_that_is_a_date_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    times = [20240301, 20241301, 1709281800]
    pl.DataFrame({"user": ["u"] * 3, "item": ["D1", "D2", "D3"], "time": times}).write_parquet(path)
    (batch,), aside = _read(path)
    assert batch.ragged("time")[0].tolist() == times[1:]
    assert aside == [f"t.parquet: left out 1 of 3 interactions {NO_TIME} (the first in line 1)"]


def test_a_pair_has_its_earliest_time_and_its_largest_weight(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("user,item,time,weight\nu,D1,200000000,1\nu,D2,300000000,2\nu,D1,400000000,9\nu,D1,500000000,x\n")
    (batch,), _ = _read(path)
    assert batch.ragged("time")[0].tolist() == [200000000, 300000000]
    assert batch.ragged("weight")[0].tolist() == [9, 2]
    path.write_text("user,item,weight,clicked\nu,D1,7,0\nu,D1,2,1\nu,D1,3,1\n")
    (batch,), _ = _read(path)
    assert batch.ragged("weight")[0].tolist() == [3]  # what was not taken has no weight in what was


def test_in_a_log_what_was_taken_once_was_taken_and_a_question_stays(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        "user,item,date,clicked\nu,D1,2024-01-01,0\nu,D1,2024-02-01,1\nu,D1,2024-03-01,0\nu,D2,2024-01-01,0\n"
        "u,D2,2024-04-01,\n"
    )
    (batch,), (told,) = _read(path)
    assert [i.decode() for i in batch.ragged("item")[0]] == ["D2", "D1", "D2"]
    assert batch.ragged("clicked")[0].tolist() == [0, 1, -1]
    assert told.startswith("log.csv: left out 2 of 5 interactions that answer again for the same user and item; one")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_table_larger_than_a_pass_is_read_in_passes(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    table = pl.DataFrame({"user": rng.integers(0, 50, 2000), "item": rng.integers(0, 400, 2000)})
    table = table.unique(maintain_order=True)
    path = tmp_path / f"t.{suffix}"
    table.write_csv(path) if suffix == "csv" else table.write_parquet(path)
    whole = _taken(_read(path)[0])
    monkeypatch.setattr(interactions, "PASS_BYTES", path.stat().st_size // 3)
    batches, aside = _read(path)
    assert len(batches) == 4
    assert _taken(batches) == whole
    assert sum(map(len, whole.values())) == len(table)
    assert aside == []


def test_what_cannot_be_used_is_left_out_and_counted(tmp_path: Path) -> None:
    later = (datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%d")
    rows = [
        "a,D1,2024-01-01,1", "a,D1,2024-01-02,1", ",D1,2024-01-01,1", "a,,2024-01-01,1",
        f"a,{'x' * 10240},2024-01-01,1",
        f"a,D2,{later},1", "a,D3,yesterday,1", "a,D4,2024-01-01,-2", "a,D5,2024-01-01,NaN", "a,D6,2024-01-01,many",
        "a,D7,2024-01-01,0",
    ]  # fmt: skip
    path = tmp_path / "t.csv"
    path.write_text("user,item,time,weight\n" + "\n".join(rows) + "\n")
    batches, aside = _read(path)
    assert _taken(batches) == {"a": ["D1", "D7"]}
    assert sorted(aside) == sorted(
        f"t.csv: left out {count} of 11 interactions {why} (the first in line {line})"
        for count, why, line in (
            (1, "that repeat an item of the same user; the earliest was kept", 3),
            (1, "without a user", 4),
            (1, "without an item", 5),
            (1, "whose item has a name of more than 32 bytes", 6),
            (1, "whose time lies in the future, check the clock of the export", 7),
            (1, NO_TIME, 8),
            (1, "whose weight is negative", 9),
            (2, "whose weight is no number", 10),
        )
    )


def test_a_table_without_a_usable_row_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("user,item\n,D1\n")
    with pytest.raises(ReadError, match=r"t\.csv: expected interactions .*, got none that can be used"):
        _read(path)


def test_other_tables_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time,glucose\n1,2\n")
    (tmp_path / "b.csv").write_text("user,score\n1,2\n")
    (tmp_path / "c.parquet").write_bytes(b"PAR1 cut off")
    assert list(InteractionsReader().detect(sorted(tmp_path.iterdir()))) == []


def test_a_name_with_accents_is_one(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("user,item\na,Katheter-Größe-5\n", encoding="utf-8")
    assert _taken(_read(path)[0]) == {"a": ["Katheter-Größe-5"]}


def test_a_table_of_another_encoding_is_refused_with_how_to_export_it(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("user;device\na;Wärmebett\n".encode("windows-1252"))
    why = "t.csv: expected text in UTF-8, got bytes of another encoding, such as Windows-1252; export it again as 'CSV"
    with pytest.raises(ReadError, match=why):
        _read(path)
    path.write_bytes(b"PAR1 cut off")
    with pytest.raises(ReadError, match="got a broken table"):
        next(interactions.passes(path, pl.scan_parquet(path)))


def test_a_user_without_an_item_has_an_empty_history(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("user,item,date\nknown,D1,2024-01-01\nknown,,2024-01-02\nnew,,2024-01-01\nnew,,2024-02-01\n")
    batches, (told,) = _read(path)
    assert _taken(batches) == {"known": ["D1"], "new": []}
    assert batches[0].fields == batches[1].fields
    assert told == "t.csv: left out 1 of 4 interactions without an item (the first in line 3)"
    path.write_text("user,item\nnew,\n")
    batches, aside = _read(path)
    assert _taken(batches) == {"new": []}
    assert aside == []


def test_where_something_was_shown_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"user,item,clicked,context\nu,D1,1,night\nu,D2,0,\nu,D3,1,{'x' * 33}\n")
    (batch,), (told,) = _read(path)
    assert batch.ragged("context")[0].tolist() == [b"night", b""]
    assert told.startswith("t.csv: left out 1 of 3 interactions whose context has a name of more than 32 bytes")
