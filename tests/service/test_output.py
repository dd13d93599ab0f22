"""What the command line prints of names that come from files."""

from __future__ import annotations

from pathlib import Path

import pytest

from auscult.cli.inspect import inspect
from auscult.cli.output import table


def test_brackets_in_names_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    table("Plan [a]", ("IC50 [nM]", "[b]"), [("werte [uV].csv", "Freitext [/alt] :warning:")])
    said = capsys.readouterr().out
    for name in ("Plan [a]", "IC50 [nM]", "[b]", "werte [uV].csv", "Freitext [/alt] :warning:"):
        assert name in said


def test_a_folder_with_brackets_in_columns_and_files_is_inspected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    rows = ["smiles,IC50 [nM],Freitext [/alt]", *(f"{'C' * k}O,{k},3" for k in range(1, 9)), "C1CC,1,2"]
    (tmp_path / "assay [1].csv").write_text("\n".join(rows) + "\n")
    inspect(tmp_path, domain="molecules")
    said = capsys.readouterr().out
    assert "IC50 [nM]" in said
    assert "Freitext [/alt]" in said
    assert "break the syntax of SMILES" in said
