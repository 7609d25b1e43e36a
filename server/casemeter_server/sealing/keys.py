"""Keys of seals: P-256, for the signature ES256 that every platform verifies by its own means."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

_COORDINATE_BYTES: Final = 32
_PEM_END: Final = b"-----END PUBLIC KEY-----"


class KeyFileError(ValueError):
    """A key that cannot be used, and why."""


@dataclass(frozen=True)
class SealKey:
    """What seals are signed with.

    Attributes:
        private: the key.
        kid: its name, see :func:`kid_of`.
    """

    private: ec.EllipticCurvePrivateKey
    kid: str

    @classmethod
    def of(cls, private: ec.EllipticCurvePrivateKey) -> SealKey:
        """Return a key with its name."""
        return cls(private, kid_of(private.public_key()))


def kid_of(key: ec.EllipticCurvePublicKey) -> str:
    """Return the name of a key: its thumbprint by RFC 7638."""
    required = {name: jwk for name, jwk in _jwk(key).items() if name in ("crv", "kty", "x", "y")}
    text = json.dumps(required, separators=(",", ":"), sort_keys=True)
    return _base64url(hashlib.sha256(text.encode()).digest())


def make_key(path: Path) -> SealKey:
    """Make a private key in a file that only its owner reads.

    Raises:
        FileExistsError: there is such a file; it is left as it is.
        OSError: it cannot be written.
    """
    private = ec.generate_private_key(ec.SECP256R1())
    data = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    # Linked when it is whole: processes that start at once see no key or a whole one, and all the same.
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(part, path)
    finally:
        part.unlink()
    return SealKey.of(private)


def open_key(path: Path, *, make: bool = False) -> SealKey:
    """Open the private key of a file.

    Args:
        path: the file.
        make: whether to make it if there is none.

    Raises:
        KeyFileError: it cannot be read, or is no such key.
        OSError: it cannot be made.
    """
    if make and not path.exists():
        try:
            return make_key(path)
        except FileExistsError:
            pass  # another process was faster
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyFileError(f"{path}: no private key in PEM without a password") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyFileError(f"{path}: no key of the curve P-256; 'casemeter seal keygen' makes one")
    return SealKey.of(key)


def public_pem(key: SealKey) -> str:
    """Return the public key in PEM."""
    data = key.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return data.decode()


def public_jwks(key: SealKey) -> str:
    """Return the public key as a set of JSON Web Keys."""
    one = {**_jwk(key.private.public_key()), "kid": key.kid, "use": "sig", "alg": "ES256"}
    return json.dumps({"keys": [one]}, indent=2) + "\n"


def read_public(path: Path) -> Mapping[str, ec.EllipticCurvePublicKey]:
    """Read public keys by their names: one or more in PEM, a JSON Web Key, or a set of these.

    Keys of other kinds in a set are left aside.

    Raises:
        KeyFileError: the file cannot be read, or holds none.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        if data.lstrip().startswith(b"{"):
            keys = list(_of_jwks(json.loads(data)))
        elif b"PRIVATE KEY" in data:
            raise KeyFileError(f"{path}: a private key; 'casemeter seal public' shows its public one")
        else:
            keys = list(_of_pem(data))
    except KeyFileError:
        raise
    except (ValueError, TypeError, KeyError, UnsupportedAlgorithm, RecursionError):
        raise KeyFileError(f"{path}: neither public keys in PEM nor JSON Web Keys") from None
    if not keys:
        raise KeyFileError(f"{path}: no public key of the curve P-256")
    return {kid_of(key): key for key in keys}


def _of_pem(data: bytes) -> Iterator[ec.EllipticCurvePublicKey]:
    *pems, _rest = data.split(_PEM_END)
    for pem in pems:
        key = serialization.load_pem_public_key(pem + _PEM_END)
        if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
            yield key


def _of_jwks(value: dict[str, Any]) -> Iterator[ec.EllipticCurvePublicKey]:
    for entry in value.get("keys", [value]):
        if entry.get("kty") == "EC" and entry.get("crv") == "P-256":
            x, y = (int.from_bytes(_bytes(entry[name])) for name in ("x", "y"))
            yield ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def _jwk(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    numbers = key.public_numbers()
    x, y = (_base64url(number.to_bytes(_COORDINATE_BYTES)) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
