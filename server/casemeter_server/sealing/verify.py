"""Whether a seal holds for a page: offline, with a public key."""

from __future__ import annotations

from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric import ec

from casemeter_server.sealing.content import Page, content_of
from casemeter_server.sealing.token import Seal, SealError, Wrong, read_seal


def verify(
    seal: Seal | str,
    page: Page,
    keys: Mapping[str, ec.EllipticCurvePublicKey],
    hospital: str = "",
) -> Seal:
    """Return what a seal says, if it holds for a page.

    Args:
        seal: as text, or read already.
        page: as it is to be submitted.
        keys: public keys by their names.
        hospital: that submits; empty: not asked.

    Raises:
        SealError: it does not hold.
        ContentError: the page is not of the kind that was sealed.
    """
    said = read_seal(seal, keys) if isinstance(seal, str) else seal
    if hospital and said.hospital != hospital:
        raise SealError(Wrong.HOSPITAL)
    if content_of(said.content.kind, page) != said.content:
        raise SealError(Wrong.CONTENT)
    return said
