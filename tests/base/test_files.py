"""Files that are whole or absent."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auscult.base.errors import LimitError
from auscult.base.files import (
    canonical,
    files_under,
    hash_of,
    new_folder,
    read_json,
    sha256,
    sha256_file,
    sweep,
    writable,
    write_bytes,
    write_json,
)


def test_sha256_of_nothing_and_abc(tmp_path: Path) -> None:
    """Origin: FIPS 180-2, appendix B.1."""
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256(b"abc") == abc
    (tmp_path / "f").write_bytes(b"abc")
    assert sha256_file(tmp_path / "f") == abc


def test_canonical_json_does_not_depend_on_order_or_type() -> None:
    assert canonical({"b": 1, "a": np.float64(0.5)}) == b'{"a":0.5,"b":1}'
    assert hash_of({"x": (1, 2)}) == hash_of({"x": np.array([1, 2])})
    assert canonical({"x": float("nan"), "p": Path("a") / "b"}) == b'{"p":"a/b","x":null}'
    assert hash_of([1]) != hash_of(["1"])


def test_json_comes_back(tmp_path: Path) -> None:
    write_json(tmp_path / "deep" / "a.json", {"µ": [1.5, None, "x"], "n": np.int64(3)})
    assert read_json(tmp_path / "deep" / "a.json") == {"µ": [1.5, None, "x"], "n": 3}


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.bin"
    write_bytes(path, b"old")

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(LimitError, match=r"cannot write .*a\.bin: the disk is full; free some room"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR])
def test_refusals_of_the_system_become_one_error(number: int) -> None:
    with pytest.raises(LimitError, match="cannot write somewhere"), writable(Path("somewhere")):
        raise OSError(number, os.strerror(number))


def test_other_errors_pass() -> None:
    with pytest.raises(OSError, match="argument"), writable(Path("somewhere")):
        raise OSError(errno.EINVAL, "argument")


def test_a_new_folder_appears_whole(tmp_path: Path) -> None:
    with new_folder(tmp_path / "made") as draft:
        (draft / "a").write_text("1")
        assert not (tmp_path / "made").exists()
    assert (tmp_path / "made" / "a").read_text() == "1"
    with new_folder(tmp_path / "made") as draft:
        (draft / "b").write_text("2")
    assert [p.name for p in (tmp_path / "made").iterdir()] == ["b"]
    assert [p.name for p in tmp_path.iterdir()] == ["made"]


def test_a_new_folder_that_fails_leaves_the_old(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "a").write_text("1")

    def fail() -> None:
        with new_folder(tmp_path / "made") as draft:
            (draft / "b").write_text("2")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [p.name for p in tmp_path.iterdir()] == ["made"]
    assert [p.name for p in (tmp_path / "made").iterdir()] == ["a"]


def test_files_are_listed_in_order_and_hidden_ones_are_not(tmp_path: Path) -> None:
    for name in ("b", "a/c", ".hidden", ".git/x", "a/.x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [p.relative_to(tmp_path).as_posix() for p in files_under(tmp_path)] == ["a/c", "b"]


def test_drafts_of_dead_processes_are_swept_and_others_stay(tmp_path: Path) -> None:
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    gone, here = int(dead.stdout), os.getpid()
    for name in (f".made.{gone}-abcd_123", f".made.{here}-abcd_123", ".made.notes", "made"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").touch()
    (tmp_path / f".a.json.{gone}-abcd_123").touch()
    sweep(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [f".made.{here}-abcd_123", ".made.notes", "made"]


def test_sweeping_no_folder_does_nothing(tmp_path: Path) -> None:
    sweep(tmp_path / "absent")
