"""Verifies a release: every file's hash, the content hash, the signature, and the golden answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auscult.base.contracts import Domain
from auscult.base.errors import AuscultError, VerifyError
from auscult.base.files import files_under, hash_of, read_json, sha256_file
from auscult.engine.release.golden import check_golden
from auscult.engine.release.sign import check_signature
from auscult.engine.runtime import MANIFEST, open_release

UNSEALED = frozenset((MANIFEST, "signature.json"))


@dataclass(frozen=True)
class Verdict:
    """One thing that was verified."""

    what: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class Verification:
    """All verdicts about a release."""

    release: str
    content_hash: str
    verdicts: tuple[Verdict, ...]

    @property
    def passed(self) -> bool:
        """Whether everything holds."""
        return all(v.passed for v in self.verdicts)


def verify_release(folder: Path, find_domain: Callable[[str], Domain], *, trusted: Path | None = None) -> Verification:
    """Verify a release folder.

    Parameters
    ----------
    folder : Path
        The release.
    find_domain : callable
        Gives the declaration of the domain that the manifest names.
    trusted : Path, optional
        Public key (PEM) that must have signed it.

    Raises
    ------
    VerifyError
        If the folder is no release at all. Every mismatch is a verdict, not an exception.
    """
    path = folder / MANIFEST
    if not path.exists():
        raise VerifyError(f"{folder.name}: expected a release folder with {MANIFEST}, got none")
    try:
        manifest = read_json(path)
        stated, parts = dict(manifest["files"]), manifest["parts"]
        content_hash = str(manifest["content_hash"])
    except (ValueError, KeyError, TypeError) as error:
        raise VerifyError(f"{MANIFEST}: expected the manifest of a release, got something else") from error
    files = _files(folder, stated)
    whole = hash_of(parts) == content_hash
    sealed = seal_of(manifest) == manifest.get("seal")
    verdicts = [
        files,
        Verdict("manifest", sealed, f"{MANIFEST}: {'fits' if sealed else 'does not fit'} its seal"),
        Verdict("content hash", whole, f"{MANIFEST}: {'fits' if whole else 'does not fit'} its parts"),
    ]
    signed, sentence = check_signature(folder, signed=MANIFEST, trusted=trusted)
    verdicts.append(Verdict("signature", signed, sentence))
    if files.passed and sealed:
        verdicts.append(_golden(folder, find_domain))
    return Verification(str(manifest["name"]), content_hash, tuple(verdicts))


def seal_of(manifest: Mapping[str, Any]) -> str:
    """SHA-256 of a manifest without its own seal: shows a changed word even where nobody signed."""
    return hash_of({key: value for key, value in manifest.items() if key != "seal"})


def _files(folder: Path, stated: dict[str, str]) -> Verdict:
    there = {p.relative_to(folder).as_posix(): p for p in files_under(folder)}
    missing = sorted(set(stated) - set(there))
    foreign = sorted(set(there) - set(stated) - UNSEALED)
    changed = sorted(n for n in set(stated) & set(there) if sha256_file(there[n]) != stated[n])
    problems = (
        [f"changed: {n}" for n in changed] + [f"missing: {n}" for n in missing] + [f"not listed: {n}" for n in foreign]
    )
    detail = "; ".join(problems) or f"{len(stated)} files have their stated hash"
    return Verdict("files", not problems, detail)


def _golden(folder: Path, find_domain: Callable[[str], Domain]) -> Verdict:
    try:
        difference = check_golden(open_release(folder, find_domain), folder / "golden")
    except AuscultError as error:
        difference = str(error)
    return Verdict("golden answers", not difference, difference or "the same within the tolerance of the answer kind")
