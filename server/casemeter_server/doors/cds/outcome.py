"""Errors as an OperationOutcome of FHIR: every fault an issue, with its place in the message."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from starlette.responses import Response

from casemeter_server.doors.asking import http_status
from casemeter_server.doors.cds.tree import write_json
from casemeter_server.errors import RequestError


def outcome(error: RequestError) -> dict[str, Any]:
    """Return an error as an OperationOutcome."""
    told = error.error
    issues = [_issue(told.reason, told.message, "invalid")]
    for fault in told.faults:
        issue = _issue(fault.reason, fault.message, "value")
        if fault.field:
            issue["expression"] = [fault.field]
        issues.append(issue)
    return {"resourceType": "OperationOutcome", "issue": issues}


def refuse(error: RequestError) -> Response:
    """Return the reply to a call that cannot be answered."""
    status = 412 if error.error.reason == "MISSING_PREFETCH" else http_status(error)
    headers = {"www-authenticate": "Bearer"} if status == 401 else None
    return Response(write_json(outcome(error)), status, headers, "application/fhir+json")


def _issue(reason: str, message: str, otherwise: str) -> dict[str, Any]:
    return {
        "severity": "error",
        "code": _types().get(reason, otherwise),
        "details": {"coding": [{"code": reason}], "text": message},
    }


@cache
def _types() -> Mapping[str, str]:
    text = resources.files("casemeter_server.doors.cds").joinpath("outcome.toml").read_text("utf-8")
    return tomllib.loads(text)
