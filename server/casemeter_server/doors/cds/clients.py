"""Who calls: CDS clients prove it with a token for the very URL that they call, and each token once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from starlette.requests import Request

from casemeter_server.caller import Caller
from casemeter_server.doors.asking import CALLER
from casemeter_server.doors.cds.settings import CdsSettings
from casemeter_server.errors import RequestError
from casemeter_server.identity.authenticator import bearer
from casemeter_server.identity.claims import caller_of
from casemeter_server.identity.declared import is_name, limit_of
from casemeter_server.identity.replay import ReplayGuard
from casemeter_server.identity.settings import read_identity
from casemeter_server.identity.tokens import Verifier

_REQUIRED: Final = ("iat", "jti")
_NAMES_NOBODY: Final = "casemeter.cds.names_nobody"


def identifier(settings: CdsSettings) -> Callable[[Request], Caller]:
    """Return what tells who calls.

    Args:
        settings: of the door; without clients of its own the application's word holds.

    Raises:
        IdentitySettingsError: the file of the clients cannot be used.
    """
    if settings.clients is None:
        return _as_elsewhere
    verifier, guard = Verifier(read_identity(settings.clients)), ReplayGuard()

    def identify(request: Request) -> Caller:
        token = bearer(request.headers.get("authorization", ""))
        verified = verifier.verify(token, (url_called(request, settings.base),), _REQUIRED)
        caller = caller_of(verified, verified.issuer.iss)
        request.scope[_NAMES_NOBODY] = "sub" not in verified.claims
        guard.check(verified.issuer.iss, verified.claims["jti"], verified.expires)
        return caller

    return identify


def person(request: Request, caller: Caller, user: str) -> Caller:
    """Return who looks at the patient of a call.

    A token of a CDS client need not name a person: then the EMR, which has proved itself, vouches for the one
    whom the call names.

    Args:
        request: with the call.
        caller: by its token.
        user: ``userId`` of the call.
    """
    vouched = request.scope.get(_NAMES_NOBODY, False) and is_name(user, limit_of("user"))
    return replace(caller, user=user) if vouched else caller


def url_called(request: Request, base: str) -> str:
    """Return the URL that a client called: behind a proxy only the settings know it."""
    if base:
        return base + request.url.path
    return str(request.url.replace(query="", fragment=""))


def _as_elsewhere(request: Request) -> Caller:
    found: Caller | RequestError = request.scope[CALLER]
    if isinstance(found, RequestError):
        raise found
    return found
