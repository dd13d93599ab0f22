"""SDF: what is read of good files, and what each broken block costs."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from auscult.base.contracts import RecordBatch, SetAside, Source
from auscult.base.errors import ReadError
from auscult.domains.molecules import DOMAIN
from auscult.domains.molecules.readers import smiles_table
from auscult.domains.molecules.readers.sdf import SdfReader
from auscult.engine.sources import find_sources


def block(smiles: str, title: str = "", **items: object) -> str:
    """One block as RDKit writes it, with data items."""
    molecule = Chem.MolFromSmiles(smiles)
    data = "".join(f">  <{name}>\n{value}\n\n" for name, value in items.items())
    return title + Chem.MolToMolBlock(molecule) + data + "$$$$\n"


def read(path: Path) -> tuple[list[RecordBatch], list[SetAside]]:
    (source,) = SdfReader().detect([path])
    parts = list(SdfReader().read(source))
    return [p for p in parts if isinstance(p, RecordBatch)], [p for p in parts if isinstance(p, SetAside)]


GOOD = block("CCO", "ethanol", activity=1, note="hand") + block("c1ccccc1", activity="", weight=78.1)


@pytest.mark.parametrize(
    "change", [str.encode, lambda t: t.replace("\n", "\r\n").encode(), lambda t: gzip.compress(t.encode())]
)
def test_structures_titles_and_data_items(change: object, tmp_path: Path) -> None:
    path = tmp_path / "set.sdf"
    path.write_bytes(change(GOOD))  # type: ignore[operator]
    (batch,), aside = read(path)
    assert not aside
    assert batch.dense("smiles").tolist() == ["CCO", "c1ccccc1"]
    assert batch.dense("name").tolist() == ["ethanol", ""]
    assert batch.record.tolist() == ["set#1", "set#2"]
    assert batch.field("values").channels == ("activity", "weight")
    np.testing.assert_array_equal(batch.dense("values"), [[1, np.nan], [np.nan, 78.1]])


def test_a_mol_file_is_a_set_of_one_and_v3000_is_read(tmp_path: Path) -> None:
    path = tmp_path / "one.mol"
    path.write_text(Chem.MolToV3KMolBlock(Chem.MolFromSmiles("CC(=O)O")))
    (batch,), _ = read(path)
    assert batch.dense("smiles").tolist() == ["CC(=O)O"]


def test_the_reader_is_asked_before_that_of_tables(tmp_path: Path) -> None:
    (tmp_path / "set.sdf").write_text(GOOD)
    (tmp_path / "table.csv").write_text("smiles\nCCO\n")
    found = find_sources(tmp_path, DOMAIN)
    assert [(s.reader, s.name) for s in found.sources] == [("sdf", "set"), ("smiles-table", "table")]


def test_broken_blocks_in_the_middle_cost_themselves(tmp_path: Path) -> None:
    torn = block("CCN").replace("M  END\n", "")
    wrong = block("CCS").replace("  1  2  1", "  1  9  1")
    valence = block("CC(C)(C)C").replace("  1  2  1", "  1  2  3", 1)
    glued = block("CCCl").replace("$$$$\n", "") + block("CCBr")
    path = tmp_path / "set.sdf"
    path.write_text(block("CCO") + torn + wrong + valence + glued + "x" * (1 << 18) + "\n$$$$\n" + block("CCF"))
    (batch,), aside = read(path)
    assert batch.dense("smiles").tolist() == ["CCO", "CCF"]
    assert batch.record.tolist() == ["set#1", "set#7"]
    assert [a.source for a in aside] == ["set#2", "set#3", "set#4", "set#5", "set#6"]
    expected = (
        "expected one 'M  END' in a block, got 0",
        "lines that break its format",
        "expected a possible structure, got: Explicit valence",
        "got 2; a line '$$$$' is missing between them",
        "bytes, got a longer one",
    )
    for one, words in zip(aside, expected, strict=True):
        assert words in one.reason
        assert one.row == int(one.source.rpartition("#")[2])


def test_a_value_that_is_a_text_is_left_out_and_said(tmp_path: Path) -> None:
    path = tmp_path / "set.sdf"
    path.write_text("".join(block("C" * k, activity=k if k != 3 else "strong") for k in range(1, 6)))
    (batch,), (note,) = read(path)
    assert len(batch) == 5
    assert (note.source, note.note) == ("set#3", True)
    assert "data item 'activity': expected a number, got a text" in note.reason
    assert "strong" not in note.reason


def test_a_gzip_file_that_is_cut_off(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    text = "".join(block("".join(rng.choice(list("CNO"), 12))) for _ in range(60))
    path = tmp_path / "set.sdf.gz"
    whole = gzip.compress(text.encode())
    path.write_bytes(whole[: len(whole) * 2 // 3])
    (batch,), aside = read(path)
    assert 10 < len(batch) < 60
    assert "expected a whole gzip file, got one that is cut off" in aside[-1].reason


def test_batches_hold_what_one_batch_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "set.sdf"
    path.write_text("".join(block("C" * k, n=k) for k in range(1, 8)))
    monkeypatch.setattr(smiles_table, "BATCH_ROWS", 3)
    batches, _ = read(path)
    assert [len(b) for b in batches] == [3, 3, 1]
    assert np.concatenate([b.dense("values")[:, 0] for b in batches]).tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_what_is_none(tmp_path: Path) -> None:
    path = tmp_path / "set.sdf"
    path.write_text("\n\n\n  0  0  0  0  0  0  0  0  0  0999 V2000\nM  END\n$$$$\n")
    with pytest.raises(ReadError, match="expected at least one block with a structure, got none"):
        list(SdfReader().read(Source("sdf", "set", (path,))))
    path.write_text("smiles,name\nCCO,a\nCCN,b\nCCS,c\nCCF,d\n")
    assert list(SdfReader().detect([path])) == []
