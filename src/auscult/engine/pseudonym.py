"""Keyed pseudonyms of subjects: the same subject has the same one, and without the key nobody can go back."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from auscult.base.files import write_bytes

VARIABLE = "AUSCULT_PSEUDONYM_KEY"


def pseudonym(subject: str, key: str) -> str:
    """Return HMAC-SHA-256 of a subject's identifier, 64 bits in hex (RFC 2104)."""
    return hmac.new(key.encode(), subject.encode(), hashlib.sha256).hexdigest()[:16]


def pseudonym_key() -> str:
    """Return the key of this installation.

    It is taken from ``AUSCULT_PSEUDONYM_KEY``, else from a file in the user's configuration folder that is made on
    first use and that only the user can read.

    Raises
    ------
    LimitError
        If the file cannot be written.
    """
    stated = os.environ.get(VARIABLE)
    if stated:
        return stated
    path = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "auscult" / "pseudonym.key"
    if not path.exists():
        write_bytes(path, secrets.token_hex(32).encode())
        path.chmod(0o600)
    return path.read_text().strip()
