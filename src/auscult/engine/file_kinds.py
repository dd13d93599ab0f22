"""What a file seems to be by its first bytes, for messages that say what came instead."""

from __future__ import annotations

_KINDS = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"%PDF", "PDF"),
    (b"PK\x03\x04", "ZIP"),
    (b"PK\x05\x06", "ZIP"),
    (b"\x89PNG", "PNG"),
    (b"GIF8", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"\x93NUMPY", "NumPy array"),
    (b"\x1f\x8b", "gzip"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\xd0\xcf\x11\xe0", "an old Office file"),
    (b"<?xml", "XML"),
    (b"\xef\xbb\xbf<?xml", "XML"),
    (b"0       ", "EDF"),
    (b"\xffBIOSEMI", "BDF"),
)


def looks_like(head: bytes) -> str:
    """Name what a file seems to be by its first bytes: ``JPEG``, ``PDF``, ``text``, ``empty file`` and such.

    Parameters
    ----------
    head : bytes
        The first bytes of the file, 132 or more if it has them.
    """
    if not head:
        return "empty file"
    for magic, kind in _KINDS:
        if head.startswith(magic):
            return kind
    if head[128:132] == b"DICM":
        return "DICOM"
    if not head.strip(b"\0"):
        return "nothing but zero bytes"
    return "text" if is_text(head) else "unknown binary data"


def is_text(head: bytes) -> bool:
    """Whether bytes look like text: no control characters besides tab and line ends."""
    return all(byte >= 32 or byte in b"\t\n\r\f" for byte in head[:1024]) and 127 not in head[:1024]
