"""From the body of a request to records.

Three kinds of body, told by the content type:

- one raw device file: any content type but the two below, such as ``application/octet-stream``. Its name is
  in the query ``filename`` or in ``Content-Disposition``; readers may need the ending.
- several files that make records together (WFDB header, data and annotations; a DICOM series), or many
  records: ``application/zip``. A zip needs no package besides the standard library, keeps the folders, and is
  bounded before anything is unpacked; a multipart form would need one more package and is refused.
- one record that was decoded by the client: ``application/vnd.auscult.record+safetensors``. A safetensors
  file with one tensor a field, and in its metadata under ``fields`` a JSON text: unit, rate and channels::

      save({"ecg": values}, metadata={"fields": json.dumps({"ecg": {
          "unit": "uV", "rate_hz": 250, "channels": ["II", "V1"]}})})       # values: (T, C), float or int

  ``record`` in the metadata may name the record. Which fields a release knows, with axes and home unit, is
  under ``fields`` in ``GET /v1/releases/{name}``; another unit of the same quantity is converted.

Files are unpacked into a private folder in memory where the system has one, and removed with the answer.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from auscult.base.contracts import RecordBatch
from auscult.base.errors import ReadError
from auscult.engine.runtime import RecordAnswer, Release
from auscult.service.decoded import Form, from_decoded

RECORD_TYPE = "application/vnd.auscult.record+safetensors"
ZIP_TYPE = "application/zip"
RAW_TYPE = "application/octet-stream"
MAX_MEMBERS = 2_000
MAX_RATIO = 200
MEMORY_FOLDER = "/dev/shm"  # noqa: S108 a file system in memory on Linux; only a private folder inside is used
NO_NAME = "body"


@dataclass(frozen=True, repr=False)
class Body:
    """The body of one request.

    Parameters
    ----------
    media_type : str
        What the client says it is.
    data : bytes
        What it sent.
    name : str
        Name of the file, for a raw one.
    max_bytes : int
        Most bytes that it may have when unpacked.
    """

    media_type: str
    data: bytes
    name: str
    max_bytes: int


def records_of(release: Release, forms: Mapping[str, Form], body: Body) -> Iterator[RecordBatch | RecordAnswer]:
    """Read the records of a body; what cannot be read comes out as a refusal with its reason.

    Parameters
    ----------
    release : Release
        Whose readers are asked.
    forms : mapping of str to Form
        Fields that a decoded record may have.
    body : Body
        What a client sent.

    Raises
    ------
    InputError
        If the body as a whole cannot be used.
    """
    if body.media_type == RECORD_TYPE:
        yield from_decoded(body.data, forms)
    elif body.media_type == ZIP_TYPE:
        yield from from_zip(release, body.data, body.max_bytes)
    else:
        yield from from_file(release, body.data, body.name)


def from_file(release: Release, body: bytes, name: str) -> Iterator[RecordBatch | RecordAnswer]:
    """Read one raw device file.

    Parameters
    ----------
    release : Release
        Whose readers are asked.
    body : bytes
        The file.
    name : str
        Its name; folders in it are left out.

    Raises
    ------
    ReadError
        If the name cannot be one of a file.
    """
    plain = file_name(name)
    with private_folder() as folder:
        path = folder / plain
        path.write_bytes(body)
        yield from release.read_path(path)


def from_zip(release: Release, body: bytes, max_bytes: int) -> Iterator[RecordBatch | RecordAnswer]:
    """Read the files of a zip as a folder.

    Raises
    ------
    ReadError
        If it is no zip, unpacks to more than ``max_bytes``, or names a place outside its folder.
    DataError
        If it is empty.
    """
    with private_folder() as folder:
        unpack(body, folder, max_bytes)
        yield from release.read_path(folder)


def file_name(name: str) -> str:
    """Return the last part of a path as the name of a file.

    Raises
    ------
    ReadError
        If it is hidden, too long or holds control characters.
    """
    plain = name.replace("\\", "/").rsplit("/", 1)[-1] or NO_NAME
    if plain.startswith(".") or not plain.isprintable() or len(plain.encode("utf-8", "replace")) > 200:
        raise ReadError(
            "filename: expected a printable name of at most 200 bytes that does not start with a dot, "
            "got another; send one such as export.dcm"
        )
    return plain


@contextmanager
def private_folder() -> Iterator[Path]:
    """Make a folder that only this user sees, in memory where there is a place, and remove it on exit."""
    memory = os.access(MEMORY_FOLDER, os.W_OK | os.X_OK)
    with TemporaryDirectory(prefix="auscult-", dir=MEMORY_FOLDER if memory else None) as folder:
        yield Path(folder)


def unpack(body: bytes, folder: Path, max_bytes: int) -> None:
    """Unpack a zip whose size, number of files, ratio and names were checked before.

    Parameters
    ----------
    body : bytes
        The zip.
    folder : Path
        Where its files go.
    max_bytes : int
        Most bytes that they may have together.

    Raises
    ------
    ReadError
        If a limit is passed, a name leads outside, or the zip is damaged, encrypted or packed in an unknown
        way.
    """
    try:
        with zipfile.ZipFile(BytesIO(body)) as archive:
            for member, path in _checked(archive, len(body), max_bytes):
                target = folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(member))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as error:
        raise ReadError(
            f"zip body: expected files that can be unpacked, got a damaged archive ({type(error).__name__})"
        ) from None


def _checked(
    archive: zipfile.ZipFile, packed_bytes: int, max_bytes: int
) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
    members = [info for info in archive.infolist() if not info.is_dir()]
    total = sum(info.file_size for info in members)
    if len(members) > MAX_MEMBERS:
        raise ReadError(f"zip body: expected at most {MAX_MEMBERS} files, got {len(members)}; send fewer at a time")
    if total > max_bytes:
        raise ReadError(f"zip body: expected at most {max_bytes} bytes unpacked, got {total}; send fewer at a time")
    if total > MAX_RATIO * packed_bytes:
        raise ReadError(
            f"zip body: expected at most {MAX_RATIO} bytes unpacked for each packed byte, got more; "
            "pack without compression"
        )
    if any(info.flag_bits & 1 for info in members):
        raise ReadError("zip body: expected plain files, got an encrypted one; leave the password out")
    paths = [PurePosixPath(info.filename) for info in members]
    if any(path.is_absolute() or ".." in path.parts or "\\" in str(path) or ":" in str(path) for path in paths):
        raise ReadError("zip body: expected names inside the archive, got one that leads outside; pack a folder")
    if len(set(paths)) != len(paths):
        raise ReadError("zip body: expected each name once, got one twice; pack the folder again")
    return list(zip(members, paths, strict=True))
