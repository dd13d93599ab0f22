"""Tables of molecules: layouts, what is read of them, and what comes of broken ones."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from auscult.base.contracts import RecordBatch, SetAside
from auscult.base.errors import ReadError
from auscult.base.registry import load_domain
from auscult.domains.molecules.readers import smiles_table
from auscult.domains.molecules.readers.smiles_table import SmilesTableReader
from auscult.engine.sources import find_sources, read_source

CSV = "compound_id,smiles,potency,active\nA,CCO,1.5,1\nB,c1ccccc1,,0\n"


def read(folder: Path, name: str, content: str | bytes) -> tuple[list[RecordBatch], dict[str, str]]:
    data = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") and data[:2] != b"\x1f\x8b" else data)
    (source,) = SmilesTableReader().detect([folder / name])
    parts = list(SmilesTableReader().read(source))
    batches = [p for p in parts if isinstance(p, RecordBatch)]
    return batches, {p.source: p.reason for p in parts if isinstance(p, SetAside)}


@pytest.mark.parametrize("name", ["lib.csv", "lib.csv.gz", "lib.txt"])
@pytest.mark.parametrize("change", [lambda t: t, lambda t: t.replace(",", "\t"), lambda t: t.replace("\n", "\r\n")])
def test_a_table(name: str, change: object, tmp_path: Path) -> None:
    (batch,), aside = read(tmp_path, name, change(CSV))  # type: ignore[operator]
    assert batch.dense("smiles").tolist() == ["CCO", "c1ccccc1"]
    assert batch.dense("name").tolist() == ["A", "B"]
    assert batch.record.tolist() == ["lib#1", "lib#2"]
    assert batch.field("values").channels == ("potency", "active")
    np.testing.assert_array_equal(batch.dense("values"), [[1.5, 1], [np.nan, 0]])
    assert not aside


@pytest.mark.parametrize("text", ["CCO first one\nc1ccccc1 second\n", "CCO\tfirst one\nc1ccccc1\tsecond\n"])
def test_smi_without_a_header(text: str, tmp_path: Path) -> None:
    (batch,), _ = read(tmp_path, "lib.smi", text)
    assert batch.dense("smiles").tolist() == ["CCO", "c1ccccc1"]
    assert batch.dense("name").tolist() == ["first one", "second"]
    assert not batch.has("values")


def test_the_layout_of_the_screening_platform(tmp_path: Path) -> None:
    text = "# PUBCHEM_COMPOUND_CID\tID\tSMILES\n647315\tMUV_466_A_1\tO=C(Nc1ccccc1)C\n"
    (batch,), _ = read(tmp_path, "cmp_list_MUV_466_actives.dat.gz", text)
    assert batch.dense("name").tolist() == ["647315"]
    assert batch.groups["file"].tolist() == ["cmp_list_MUV_466_actives"]


def test_the_layout_of_lists_with_masks(tmp_path: Path) -> None:
    text = ',smiles,labels,masks\n0,CCO,"[0, 1]","[1, 1]"\n1,CCC,"[1, 0]","[0, 1]"\n'
    (batch,), _ = read(tmp_path, "train.csv", text)
    assert batch.field("values").channels == ("labels[0]", "labels[1]")
    np.testing.assert_array_equal(batch.dense("values"), [[0, 1], [np.nan, 0]])
    assert batch.groups["role"].tolist() == ["train", "train"]


def test_roles_by_a_column(tmp_path: Path) -> None:
    (batch,), _ = read(tmp_path, "a.csv", "smiles,split,y\nCCO,Train,1\nCCC,TEST,0\nCCN,val,0\nCCF,,1\n")
    assert batch.groups["role"].tolist() == ["train", "test", "valid", "none"]
    assert batch.field("values").channels == ("y",)


def test_a_loose_name_counts_where_the_values_are_structures(tmp_path: Path) -> None:
    (batch,), _ = read(tmp_path, "train_val.csv", 'Drug_ID,Drug,Y\n"1,3-Diol, x",OCCCO,0.5\nB,c1ccccc1,1\n')
    assert batch.dense("name").tolist() == ["1,3-Diol, x", "B"]
    assert batch.field("values").channels == ("Y",)
    assert batch.groups["role"].tolist() == ["train", "train"]


def test_no_column_of_smiles(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"a\.csv: expected a column named 'smiles', got 'id', 'what', 'y'"):
        read(tmp_path, "a.csv", "id,what,y\nA,c1ccccc1O,1\nB,CC(=O)O,0\n")


def test_a_message_shows_the_beginning_of_a_long_name_only(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=rf"got 'id', '{'w' * 40}', 'y';"):
        read(tmp_path, "a.csv", f"id,{'w' * 300},y\nA,c1ccccc1O,1\nB,CC(=O)O,0\n")


@pytest.mark.parametrize("text", ["time,glucose\n0,90\n5,95\n", "word\nNO\nIN\n", "a,b\nCON,1\n", '{"a": 1}\n'])
def test_other_tables_are_not_claimed(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text)
    assert not list(SmilesTableReader().detect([tmp_path / "a.csv"]))


def test_rows_stay_aligned_whatever_is_set_aside(tmp_path: Path) -> None:
    rows = ["CCO,1", "", "C" * 5000 + ",1", "CCC,high", 'CCN,"1', "CCF,0", "", ""]
    (batch,), aside = read(tmp_path, "lib.csv", "smiles,y\n" + "\n".join(rows) + "\n")
    assert batch.record.tolist() == ["lib#1", "lib#4", "lib#5", "lib#6"]
    assert aside == {
        "lib#2": "lib#2: expected a structure, got an empty line",
        "lib#3": "lib#3: SMILES: expected at most 4000 letters, got 5000; a polymer?",
        "lib#4": "lib#4: column 'y': expected a number, got a text; the value is left out",
    }


def test_a_line_of_ten_megabytes_costs_that_line(tmp_path: Path) -> None:
    (batch,), aside = read(tmp_path, "lib.smi", "CCO a\n" + "C" * 10_000_000 + " b\nCCC c\n")
    assert batch.record.tolist() == ["lib#1", "lib#3"]
    assert aside["lib#2"] == "lib#2: expected a line of at most 131072 bytes, got a longer one"


def test_a_gzip_file_that_is_cut_off(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    text = "".join(f"{'C' * int(rng.integers(3, 40))}O c{rng.integers(1e9)}\n" for _ in range(20_000))
    whole = gzip.compress(text.encode())
    batches, aside = read(tmp_path, "lib.smi.gz", whole[: len(whole) // 2])
    n = sum(map(len, batches))
    assert 5_000 < n < 15_000
    assert list(aside) == [f"lib#{n}"]
    assert "expected a whole gzip file, got one that is cut off after this row" in aside[f"lib#{n}"]


def test_batches_hold_what_one_batch_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smiles_table, "BATCH_ROWS", 2)
    batches, _ = read(tmp_path, "lib.csv", "smiles,y\n" + "".join(f"{'C' * k}O,{k}\n" for k in range(2, 7)))
    assert [len(b) for b in batches] == [2, 2, 1]
    whole = RecordBatch.concat(batches)
    assert whole.record.tolist() == [f"lib#{k}" for k in range(1, 6)]
    assert whole.dense("values")[:, 0].tolist() == [2, 3, 4, 5, 6]


def test_one_empty_table(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("smiles,y\n\n")
    (source,) = find_sources(tmp_path, load_domain("molecules")).sources
    (part,) = read_source(source, load_domain("molecules"))
    assert isinstance(part, SetAside)
    assert part.reason == "a.csv: expected at least one row with a structure, got none"
