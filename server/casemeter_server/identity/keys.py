"""The public keys of an issuer: a JWK Set in a file, read again when the file has changed."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

MAX_FILE_BYTES: Final = 1 << 20
LOOK_EVERY_S: Final = 1.0
"""How often a key file may be looked at."""

MIN_RSA_BITS: Final = 2048
_MAX_KID: Final = 200
_RSA: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_BY_CURVE: Final = {
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA",),
}
ALGORITHMS: Final = (*_RSA, *(name for names in _BY_CURVE.values() for name in names))
"""What tokens may be signed with: pairs of keys only, so that whoever checks a token cannot make one."""

_log = logging.getLogger("casemeter")


class KeysError(ValueError):
    """A key file that cannot be used. Says why, without anything of a key."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key.

    Attributes:
        algorithms: that go with it, and no others.
        public: as the library of tokens takes it.
    """

    algorithms: tuple[str, ...]
    public: Any = field(repr=False)


Keys = Mapping[str, Key]
"""Keys by kid."""


def read_keys(path: Path) -> Keys:
    """Read a JWK Set. Keys that sign nothing, or with what is not accepted, are left out.

    Raises:
        KeysError: the file cannot be read, is no JWK Set, or holds a key that must not be there.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise KeysError(f"cannot be read: {error.strerror}") from None
    if len(data) > MAX_FILE_BYTES:
        raise KeysError(f"is larger than {MAX_FILE_BYTES} bytes")
    try:
        entries: object = json.loads(data)["keys"]
    except (ValueError, TypeError, KeyError, RecursionError):
        entries = None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise KeysError('is no JWK Set; write {"keys": [ … ]}')
    keys: dict[str, Key] = {}
    for number, entry in enumerate(entries, 1):
        if "d" in entry or entry.get("kty") == "oct":
            raise KeysError(f"key {number} is a secret; keep it with the issuer and put its public part here")
        algorithms = _algorithms(entry)
        if not algorithms:
            continue
        kid = entry.get("kid")
        if not isinstance(kid, str) or not 0 < len(kid) <= _MAX_KID:
            raise KeysError(f"key {number} has no kid; tokens name their key by it")
        if kid in keys:
            raise KeysError(f"key {number} has the kid of another one")
        keys[kid] = Key(algorithms, _public(entry, algorithms[0], number))
    return keys


def _algorithms(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """The algorithms that go with a key; none: it is not one for signatures that are accepted."""
    if entry.get("use", "sig") != "sig" or "verify" not in _list(entry.get("key_ops", ["verify"])):
        return ()
    kind, curve, named = entry.get("kty"), entry.get("crv"), entry.get("alg")
    if not isinstance(kind, str) or not (curve is None or isinstance(curve, str)):
        return ()
    fitting = _RSA if kind == "RSA" else _BY_CURVE.get((kind, curve or ""), ())
    return fitting if named is None else tuple(name for name in fitting if name == named)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _public(entry: dict[str, Any], algorithm: str, number: int) -> Any:
    try:
        public = jwt.PyJWK(entry, algorithm).key
    except jwt.PyJWTError:
        raise KeysError(f"key {number} is not a whole key of its kind") from None
    if isinstance(public, RSAPublicKey) and public.key_size < MIN_RSA_BITS:
        raise KeysError(f"key {number} has fewer than {MIN_RSA_BITS} bits")
    return public


class KeyFile:
    """The keys of a file that may be exchanged at any moment.

    A file that has become unusable changes nothing: the keys before hold on, and the log says so once. A file
    without keys is usable; it ends all tokens of its issuer.
    """

    def __init__(self, path: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Read the file.

        Raises:
            KeysError: it cannot be used.
        """
        try:
            self._stamp, self._keys = _stamp(path), read_keys(path)
        except KeysError as error:
            raise KeysError(f"key file {path} {error}") from None
        self._path, self._monotonic = path, monotonic
        self._lock = Lock()
        self._complaint = ""
        self._looked = monotonic()

    def current(self) -> Keys:
        """Return the keys as they are now: the same object until they change."""
        if self._monotonic() - self._looked >= LOOK_EVERY_S:
            with self._lock:
                self._looked = self._monotonic()
                self._look()
        return self._keys

    def _look(self) -> None:
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            self._complaint = ""
            return
        try:
            keys = read_keys(self._path)
        except KeysError as error:
            if self._complaint != str(error):
                self._complaint = str(error)
                _log.error("key file %s %s; the keys before it hold on", self._path, error)
            return
        self._keys, self._stamp, self._complaint = keys, stamp, ""
        _log.info("key file %s was read again; keys: %d", self._path, len(keys))


def _stamp(path: Path) -> tuple[int, ...]:
    """What differs between a file and the one before it; empty: there is none."""
    try:
        found = path.stat()
    except OSError:
        return ()
    # The time of change, too: a file that became readable has no other mark of it.
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
