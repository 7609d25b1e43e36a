"""Why a caller is not known."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from casemeter_server.errors import RequestError


@cache
def refusals() -> Mapping[str, Mapping[str, str]]:
    """Every reason with what is said of it and how it is mended."""
    text = resources.files("casemeter_server.identity").joinpath("refusals.toml").read_text("utf-8")
    return tomllib.loads(text)


def refused(reason: str, **details: object) -> RequestError:
    """Return the error for a caller who is not known; nothing of the token is in it."""
    return RequestError("UNAUTHENTICATED", {"why": refusals()[reason]["why"].format(**details)})
