"""From the claims of a token to the caller."""

from __future__ import annotations

from casemeter_server.caller import Caller
from casemeter_server.identity.declared import is_name, limit_of
from casemeter_server.identity.refusals import refused
from casemeter_server.identity.rights import PHYSICIAN
from casemeter_server.identity.tokens import Verified


def caller_of(verified: Verified, user: str = "") -> Caller:
    """Return who a token speaks for.

    Args:
        verified: the token.
        user: who it is if the token names nobody, for doors whose tokens need not; empty: it must.

    Raises:
        RequestError: UNAUTHENTICATED: a claim is missing or of another type, or the issuer may not say it.
    """
    issuer = verified.issuer
    role = _text(verified, "role", "role")
    hospital = _text(verified, "hospital", "hospital") or issuer.hospital
    found = Caller(
        hospital=hospital,
        # A token that says nothing of a role speaks for the one that may do the least with patients.
        role=role or PHYSICIAN,
        user=_text(verified, "sub", "user") or user,
        department=_text(verified, "department", "department"),
    )
    if issuer.hospital and hospital != issuer.hospital:
        raise refused("HOSPITAL")
    if found.role not in issuer.roles:
        raise refused("ROLE")
    if not found.hospital:
        raise refused("MISSING", name="hospital")
    if not found.user:
        raise refused("MISSING", name="sub")
    return found


def _text(verified: Verified, claim: str, name: str) -> str:
    value = verified.claims.get(claim)
    if value is None:
        return ""
    if not isinstance(value, str) or not is_name(value, limit_of(name)):
        raise refused("CLAIM", name=claim)
    return value
