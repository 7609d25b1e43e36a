"""Checking files: a settlement list, or a table of front pages, whichever a file is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from typing import Any, Final

from casemeter.v1 import finding_pb2, service_pb2
from casemeter_server.doors.settlement.lists import read_settlement
from casemeter_server.doors.settlement.page import CheckQuestion
from casemeter_server.doors.settlement.pages import FrontPages, read_front_pages
from casemeter_server.doors.settlement.reply import OF_ONE_PAGE, write_check, write_refusal
from casemeter_server.errors import RequestError, invalid

Evaluate = Callable[[service_pb2.EvaluateRequest], service_pb2.EvaluateResponse]

_NODE: Final = b'"setlinfo"'


def read_pages(data: bytes, zone: tzinfo, phase: finding_pb2.CarePhase) -> FrontPages:
    """Read the pages of a file.

    Args:
        data: a message 4101 or 4101A, or a table of front pages.
        zone: the hospital's zone.
        phase: the moment of care that rules decide for.

    Raises:
        RequestError: it is neither.
    """
    if _NODE in data:
        return FrontPages((), 1, iter((read_settlement(data, zone, phase),)))
    return read_front_pages(data, zone, phase)


def check(checked: CheckQuestion, evaluate: Evaluate) -> dict[str, Any]:
    """Return the check of a page, or why it cannot be checked.

    Args:
        checked: the page.
        evaluate: answers its question.

    Raises:
        RequestError: no page can be checked, for example for want of a pack.
    """
    question = checked.question
    if checked.faults:
        return write_refusal(invalid(checked.faults), checked)
    try:
        response = evaluate(question.request)
    except RequestError as error:
        if error.error.reason not in OF_ONE_PAGE:
            raise
        if not error.error.faults:
            return write_refusal(error, checked)
        faults = [question.of_message(fault) for fault in error.error.faults]
        return write_refusal(invalid(faults), checked)
    return write_check(checked, response)
