"""What a file seems to be; expected values by hand."""

from __future__ import annotations

import pytest

from auscult.engine.file_kinds import looks_like


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"", "empty file"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"%PDF-1.7", "PDF"),
        (b"PK\x03\x04", "ZIP"),
        (b"\x89PNG\r\n", "PNG"),
        (b"\0" * 128 + b"DICM", "DICOM"),
        (b"\0" * 40, "nothing but zero bytes"),
        (b"II*\0\x08", "TIFF"),
        (b"hello\n", "text"),
        ("Größe".encode(), "text"),
        (b"\x01\x02abc", "unknown binary data"),
    ],
)
def test_looks_like(head: bytes, kind: str) -> None:
    assert looks_like(head) == kind
