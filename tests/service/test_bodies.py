"""Raw files and zips become records inside their limits, and leave nothing behind."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from auscult.base.errors import ReadError
from auscult.engine.runtime import Release
from auscult.service import bodies
from auscult.service.bodies import file_name, from_file, from_zip, private_folder, unpack
from service.helpers import zipped


def test_a_file_is_read_as_predict_reads_it(release: Release, waves: list[Path]) -> None:
    (here,) = from_file(release, waves[0].read_bytes(), waves[0].name)
    (there,) = release.read_path(waves[0])
    assert list(here.record) == list(there.record)  # type: ignore[union-attr]


def test_a_zip_keeps_its_folders(release: Release, waves: list[Path]) -> None:
    files = {f"ward/{k}.toy": path.read_bytes() for k, path in enumerate(waves)}
    assert len(list(from_zip(release, zipped(files), 10**7))) == len(waves)


def test_nothing_is_left_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bodies, "MEMORY_FOLDER", str(tmp_path))
    with private_folder() as folder:
        assert folder.parent == tmp_path
        assert folder.stat().st_mode & 0o077 == 0
        (folder / "a").write_text("x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("sent", "used"), [("a.dcm", "a.dcm"), ("../../a.dcm", "a.dcm"), ("C:\\x\\a b.csv", "a b.csv"), ("x/", "body")]
)
def test_folders_in_a_name_are_left_out(sent: str, used: str) -> None:
    assert file_name(sent) == used


@pytest.mark.parametrize("sent", ["..", ".hidden", "a\x00b", "a\nb", "x" * 201])
def test_an_odd_name_is_refused(sent: str) -> None:
    with pytest.raises(ReadError, match="filename: expected a printable name of at most 200 bytes"):
        file_name(sent)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"../out": b"x"}, "got one that leads outside"),
        ({"/etc/out": b"x"}, "got one that leads outside"),
        ({"a/../../out": b"x"}, "got one that leads outside"),
        ({"C:\\out": b"x"}, "got one that leads outside"),
        ({f"{k}": b"" for k in range(bodies.MAX_MEMBERS + 1)}, "expected at most 2000 files, got 2001"),
        ({"a": b"x" * 600, "b": b"x" * 500}, "expected at most 1000 bytes unpacked, got 1100"),
    ],
)
def test_a_zip_outside_its_limits_is_refused(files: dict[str, bytes], words: str, tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=words):
        unpack(zipped(files), tmp_path / "in", 1000)
    assert list(tmp_path.iterdir()) == []


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    bomb = zipped({"zeros": bytes(10**6)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(ReadError, match="expected at most 200 bytes unpacked for each packed byte"):
        unpack(bomb, tmp_path, 10**8)


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a", b"x")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a", b"y")
    with pytest.raises(ReadError, match="expected each name once"):
        unpack(stream.getvalue(), tmp_path, 1000)


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    body = bytearray(zipped({"a": b"x"}))
    place = body.index(b"PK\x01\x02")
    body[place + 8] |= 1  # general purpose bit 0 of the central header: encrypted (APPNOTE.TXT 4.4.4)
    with pytest.raises(ReadError, match="got an encrypted one"):
        unpack(bytes(body), tmp_path, 1000)


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    whole = zipped({"a": b"some bytes of a file"})
    flipped = bytearray(whole)
    flipped[whole.index(b"some")] ^= 0xFF
    for body in (b"", b"no zip", whole[:-30], bytes(flipped)):
        with pytest.raises(
            ReadError, match=r"expected files that can be unpacked, got a damaged archive \(BadZipFile\)"
        ):
            unpack(body, tmp_path, 1000)


def test_a_file_and_a_folder_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="damaged archive"):
        unpack(zipped({"a": b"x", "a/b": b"y"}), tmp_path, 1000)
