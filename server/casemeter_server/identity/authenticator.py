"""Who makes a call."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Final

from casemeter_server.caller import Caller
from casemeter_server.errors import RequestError
from casemeter_server.identity.claims import caller_of
from casemeter_server.identity.declared import Declared, as_declared
from casemeter_server.identity.refusals import refused
from casemeter_server.identity.settings import Identity
from casemeter_server.identity.tokens import Verified, Verifier

MAX_REMEMBERED: Final = 4096
"""Tokens that are remembered. A further one takes the place of the one that was not used for longest."""


@dataclass(frozen=True, slots=True)
class _Remembered:
    caller: Caller
    verified: Verified


class Authenticator:
    """Knows callers by their tokens, or, where none are configured, on loopback, as they declare themselves.

    A signature takes far longer to verify than a case to group, so tokens that hold are remembered: until
    they expire, and as long as their issuer's keys are the same.

    Attributes:
        verifier: verifies tokens; ``None``: no identity is configured.
    """

    def __init__(self, verifier: Verifier | None = None, remember: int = MAX_REMEMBERED) -> None:
        self.verifier = verifier
        self._remember = remember
        self._known: OrderedDict[str, _Remembered] = OrderedDict()
        self._lock = Lock()

    @classmethod
    def of(cls, identity: Identity | None) -> Authenticator:
        """Return the authenticator of a configuration.

        Raises:
            KeysError: a key file cannot be used any more.
        """
        return cls(Verifier(identity) if identity else None)

    def authenticate(self, declared: Declared, *, listener_is_local: bool, peer_is_local: bool) -> Caller:
        """Return who makes a call.

        Args:
            declared: what the call says of its caller.
            listener_is_local: whether the listener can be reached from its own machine only.
            peer_is_local: whether the other end is on this machine.

        Raises:
            RequestError: UNAUTHENTICATED, with the reason.
        """
        if self.verifier is not None:
            return self._by_token(self.verifier, bearer(declared.authorization))
        if not (listener_is_local and peer_is_local):
            raise refused("NOT_LOCAL")
        return as_declared(declared)

    def _by_token(self, verifier: Verifier, token: str) -> Caller:
        with self._lock:
            known = self._known.get(token)
            if known is not None:
                self._known.move_to_end(token)
        if known is not None:
            verified = known.verified
            if verifier.now() < verified.expires and verifier.current_keys(verified.issuer) is verified.keys:
                return known.caller
        try:
            verified = verifier.verify(token)
            caller = caller_of(verified)
        except RequestError:
            with self._lock:
                self._known.pop(token, None)
            raise
        with self._lock:
            self._known[token] = _Remembered(caller, verified)
            self._known.move_to_end(token)
            if len(self._known) > self._remember:
                self._known.popitem(last=False)
        return caller


def bearer(authorization: str) -> str:
    """Return the token of a header.

    Raises:
        RequestError: UNAUTHENTICATED: there is none, or not just one.
    """
    if not authorization:
        raise refused("NO_TOKEN")
    scheme, _, token = authorization.partition(" ")
    token = token.strip(" ")
    if scheme.lower() != "bearer" or not token or " " in token or "," in token:
        raise refused("NOT_BEARER")
    return token
