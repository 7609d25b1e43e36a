"""The outer form of the messages: what a caller says of itself, and what every reply begins with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from casemeter_server.doors.nhsa.tree import Node

MAX_ERROR: Final = 200
_SUCCESS: Final = 0
_FAILURE: Final = -1
_SERIALS: Final = 10**10
_ADMDVS: Final = 6


@dataclass(frozen=True)
class Envelope:
    """What a message says of itself, as far as anything here asks for it; empty: not told.

    Attributes:
        infno: number of the transaction, such as ``3101``.
        msgid: the sender's number of the message.
        fixmedins_code: the hospital.
        opter: who works there, or the terminal.
        admdvs: division code of the hospital.
    """

    infno: str = ""
    msgid: str = ""
    fixmedins_code: str = ""
    opter: str = ""
    admdvs: str = ""


@dataclass(frozen=True)
class Stamp:
    """What a reply says of itself.

    Attributes:
        received: when the message came, in the hospital's time.
        responded: when the reply goes.
        serial: number of the reply.
        admdvs: division code of the receiver; empty: that of the message.
    """

    received: datetime
    responded: datetime
    serial: int
    admdvs: str = ""


def envelope_of(root: Node, infno: str = "") -> Envelope:
    """Return the envelope of a message.

    Args:
        root: the message.
        infno: number of the transaction, where the message has none.
    """
    return Envelope(
        root.text("infno") or infno,
        root.text("msgid"),
        root.text("fixmedins_code"),
        root.text("opter"),
        root.text("mdtrtarea_admvs") or root.text("mdtrtarea_admdvs"),
    )


def write_reply(
    envelope: Envelope, stamp: Stamp, output: Mapping[str, Any], error: str = "", **beside: Any
) -> bytes:
    """Return a reply.

    Args:
        envelope: of the message that is answered.
        stamp: what the reply says of itself.
        output: what is told.
        error: what went wrong; empty: nothing.
        beside: further members.
    """
    admdvs = (stamp.admdvs or envelope.admdvs)[:_ADMDVS].rjust(_ADMDVS, "0")
    reply = {
        "infcode": _FAILURE if error else _SUCCESS,
        "inf_refmsgid": f"{admdvs}{stamp.responded:%Y%m%d%H%M%S}{stamp.serial % _SERIALS:010}",
        "refmsg_time": _milliseconds(stamp.received),
        "respond_time": _milliseconds(stamp.responded),
        "err_msg": cut(error, MAX_ERROR),
        "output": output,
        **beside,
    }
    return orjson.dumps(reply)


def cut(text: str, longest: int) -> str:
    """Return a text of no more characters than a field takes, marked where something is left out."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _milliseconds(moment: datetime) -> str:
    return f"{moment:%Y%m%d%H%M%S}{moment.microsecond // 1000:03}"
