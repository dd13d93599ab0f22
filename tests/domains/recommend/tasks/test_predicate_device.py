"""Links of cleared devices: roles by the year in their number, one link hidden."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from auscult.base.contracts import Field, RecordBatch, SetAside
from auscult.base.errors import ReadError
from auscult.domains.recommend.preprocess.clearance import clearance_years, sequence_numbers
from auscult.domains.recommend.preprocess.names import as_names
from auscult.domains.recommend.readers import interactions
from auscult.domains.recommend.readers.edges import EdgesReader
from auscult.domains.recommend.tasks.predicate_device import PredicateDevice, PredicateDeviceConfig
from auscult.engine.outputs import take_items

TABLE = """Device,Predicate
K190001,K150001
K200001,K150001
K200001,K160002
K210003,K150001
K210003,K160002
K210003,K170003
K220001,K150001
K220001,K220001
pump,K150001
"""


def _read(folder: Path, text: str) -> tuple[RecordBatch, list[str]]:
    (folder / "links.csv").write_text(text)
    (source,) = EdgesReader().detect([folder / "links.csv"])
    read = list(EdgesReader().read(source))
    (batch,) = [p for p in read if isinstance(p, RecordBatch)]
    return batch, [p.reason for p in read if isinstance(p, SetAside)]


def test_a_table_of_links_is_read_without_those_to_itself(tmp_path: Path) -> None:
    batch, aside = _read(tmp_path, TABLE)
    assert batch.record.tolist() == ["K190001", "K200001", "K210003", "K220001", "pump"]
    assert batch.subject is None
    assert aside == ["links.csv: left out 1 of 9 interactions that lead from a thing to itself (the first in line 9)"]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_links_larger_than_a_pass_are_read_in_passes(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    table = pl.DataFrame({"source": rng.integers(0, 60, 3000), "target": rng.integers(100, 500, 3000)}).unique()
    path = tmp_path / f"links.{suffix}"
    table.write_csv(path) if suffix == "csv" else table.write_parquet(path)
    monkeypatch.setattr(interactions, "PASS_BYTES", path.stat().st_size // 3)
    (source,) = EdgesReader().detect([path])
    batches = [p for p in EdgesReader().read(source) if isinstance(p, RecordBatch)]
    assert len(batches) > 2
    found = {(r, i.decode()) for b in batches for r, row in zip(b.record, b.ragged("item"), strict=True) for i in row}
    assert found == {(str(s), str(t)) for s, t in table.iter_rows()}


def test_other_tables_are_left_alone_and_an_empty_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("device,predicate,more\n1,2,3\n")
    assert list(EdgesReader().detect([tmp_path / "a.csv"])) == []
    with pytest.raises(ReadError, match=r"links\.csv: expected links between devices, got none that can be used"):
        _read(tmp_path, "device,predicate\nK1,K1\n")


def test_roles_are_by_year_and_another_name_costs_itself(tmp_path: Path) -> None:
    made, told = PredicateDevice(PredicateDeviceConfig()).sift(_read(tmp_path, TABLE)[0])
    assert made is not None
    assert made.groups["period"].tolist() == ["train", "valid", "test", "test"]
    assert told == {4: "device: expected a number of clearance such as K191234, got another name"}


def test_one_link_is_hidden_and_a_single_one_cannot_be_asked_about(tmp_path: Path) -> None:
    task = PredicateDevice(PredicateDeviceConfig())
    made, _ = task.sift(_read(tmp_path, TABLE)[0])
    assert made is not None
    batch = made.take(np.array([2, 3]))
    items = task.cut(batch)
    nothing = take_items(items, np.zeros(0, np.int64), np.zeros(0, np.int64))
    asked = task.ask(batch, nothing, items)
    assert asked.record.tolist() == [0]
    assert asked.target is not None
    hidden = set(asked.target[0].tolist()) - {b""}
    shown = set(asked.inputs["history"][0].tolist()) - {b""}
    assert len(hidden) == 1
    assert hidden | shown == {b"K150001", b"K160002", b"K170003"}
    again = task.ask(batch.take(np.array([0])), nothing, task.cut(batch.take(np.array([0]))))
    assert again.target is not None
    assert set(again.target[0].tolist()) - {b""} == hidden


def test_a_request_shows_all_that_is_known(tmp_path: Path) -> None:
    task = PredicateDevice(PredicateDeviceConfig())
    made, _ = task.sift(_read(tmp_path, TABLE)[0])
    assert made is not None
    asked = task.ask(made, task.cut(made), None)
    assert asked.inputs["history"].shape == (4, 3)
    assert asked.target is None


def test_records_of_something_else_are_refused() -> None:
    other = RecordBatch((Field("age", "scalar"),), {"age": np.ones(1)}, np.array(["r"]))
    with pytest.raises(ReadError, match="expected links of devices, got age"):
        PredicateDevice(PredicateDeviceConfig()).prepare(other)


def test_years_and_sequences_rise_with_time() -> None:
    names = as_names(["K991234", "K000001", "DEN160003", "K760010", "pump"])
    assert clearance_years(names).tolist() == [1999, 2000, 2016, 1976, -1]
    assert sequence_numbers(names).tolist() == [19991234, 20000001, 20160003, 19760010, 0]
