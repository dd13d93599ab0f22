"""Ed25519 signatures (RFC 8032) over a release's manifest, with a key that the user names."""

from __future__ import annotations

import base64
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from auscult.base.errors import UsageError
from auscult.base.files import read_json, write_json

NAME = "signature.json"


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """Read an Ed25519 private key in PEM form.

    Raises
    ------
    UsageError
        If the file is no such key; says how to make one.
    """
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(
            f"signing key {path.name}: expected an unencrypted Ed25519 private key in PEM form; "
            "make one with: openssl genpkey -algorithm ed25519 -out key.pem"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"signing key {path.name}: expected an Ed25519 key, got {type(key).__name__}")
    return key


def sign_file(path: Path, key: Ed25519PrivateKey) -> None:
    """Write ``signature.json`` beside a file."""
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signature = base64.b64encode(key.sign(path.read_bytes())).decode()
    about = {"algorithm": "Ed25519", "signed": path.name, "public_key": public.decode(), "signature": signature}
    write_json(path.parent / NAME, about)


def check_signature(folder: Path, *, signed: str, trusted: Path | None = None) -> tuple[bool, str]:
    """Check the signature of a release.

    Parameters
    ----------
    folder : Path
        The release.
    signed : str
        Name of the file that must be what was signed; the signature file has no say in it.
    trusted : Path, optional
        Public key (PEM) that must have signed it. Without it the signature only shows that nothing changed since.

    Returns
    -------
    tuple of (bool, str)
        Whether it holds, and one sentence about it.

    Raises
    ------
    UsageError
        If ``trusted`` is no Ed25519 public key.
    """
    expected = None if trusted is None else _read_public_key(trusted)
    path = folder / NAME
    if not path.exists():
        if trusted is None:
            return True, "unsigned: nobody vouches for this release"
        return False, "unsigned, though a key was named that should have signed it"
    try:
        about = read_json(path)
        public = load_pem_public_key(about["public_key"].encode())
        signature = base64.b64decode(about["signature"], validate=True)
        named = about["signed"]
    except (ValueError, KeyError, TypeError, AttributeError, UnsupportedAlgorithm):
        return False, f"{NAME}: expected a signature and its public key, got something else"
    if not isinstance(public, Ed25519PublicKey) or named != signed:
        return False, f"{NAME}: expected an Ed25519 signature of {signed}, got another"
    if expected is not None and expected.public_bytes_raw() != public.public_bytes_raw():
        return False, f"{NAME}: signed by another key than the one that was named"
    try:
        public.verify(signature, (folder / signed).read_bytes())
    except InvalidSignature:
        return False, f"{NAME}: the signature does not fit {signed}"
    return True, "signed" + ("" if trusted is not None else "; name the expected key to know by whom")


def _read_public_key(path: Path) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(
            f"trusted key {path.name}: expected an Ed25519 public key in PEM form; "
            "make one of a private key with: openssl pkey -in key.pem -pubout -out public.pem"
        ) from error
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"trusted key {path.name}: expected an Ed25519 key, got {type(key).__name__}")
    return key
