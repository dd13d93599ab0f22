"""Keyed pseudonyms."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import pytest

from auscult.engine.pseudonym import VARIABLE, pseudonym, pseudonym_key


def test_is_hmac_sha256() -> None:
    """RFC 4231, test case 2: key "Jefe", data "what do ya want for nothing?"; its first 64 bits."""
    assert pseudonym("what do ya want for nothing?", "Jefe") == "5bdcc146bf60754e"
    assert pseudonym("a", "k") == hmac.new(b"k", b"a", hashlib.sha256).hexdigest()[:16]
    assert pseudonym("a", "k") != pseudonym("a", "other key")


def test_key_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "stated")
    assert pseudonym_key() == "stated"


def test_key_is_made_once_and_only_the_user_can_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    key = pseudonym_key()
    assert len(key) == 64
    assert pseudonym_key() == key
    path = tmp_path / "auscult" / "pseudonym.key"
    assert path.stat().st_mode & 0o077 == 0
