"""Checks replies of CDS Hooks against tests/data/cds_invariants.toml. Knows nothing of who writes them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

TABLE = tomllib.loads((Path(__file__).parent / "data" / "cds_invariants.toml").read_text("utf-8"))
MAX_SUMMARY = 139
REFERENCE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}\Z")
REVERSE_DOMAIN = re.compile(r"[a-z][a-z0-9-]*(\.[A-Za-z0-9-]+)+\Z")


def check_reply(reply: Any) -> list[str]:
    """Return what is wrong with a reply; empty: nothing."""
    return [*_object(reply, "reply", "reply"), *_filled(reply, "reply"), *_counts(reply)]


def _object(value: Any, name: str, place: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{place} is no object"
        return
    kind = TABLE["object"][name]
    for member in kind["required"]:
        if member not in value:
            yield f"{place} has no {member}"
    for member, one in value.items():
        if member not in kind["members"]:
            yield f"{place} has {member}, which the specification does not know"
        else:
            yield from _typed(one, kind["members"][member], f"{place}.{member}")
    for rule in TABLE["rule"]:
        if (
            rule["object"] == name
            and rule["when"] in value
            and value[rule["when"]] in rule.get("is", [value[rule["when"]]])
        ):
            for member in rule.get("needs", []):
                if member not in value:
                    yield f"{place}: {rule['says']}"
            for member in rule.get("forbids", []):
                if member in value:
                    yield f"{place}: {rule['says']}"


def _typed(value: Any, kind: str, place: str) -> Iterator[str]:
    if kind.endswith("[]"):
        if not isinstance(value, list):
            yield f"{place} is no list"
            return
        for at, one in enumerate(value):
            yield from _object(one, kind.removesuffix("[]"), f"{place}[{at}]")
    elif kind in TABLE["object"]:
        yield from _object(value, kind, place)
    elif kind == "flag":
        if not isinstance(value, bool):
            yield f"{place} is neither true nor false"
    elif kind == "named":
        for name in value if isinstance(value, dict) else ["?"]:
            if not REVERSE_DOMAIN.match(name):
                yield f"{place} has {name}, which is no reverse-domain name"
    elif kind != "any":
        yield from _text(value, kind, place)


def _text(value: Any, kind: str, place: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{place} is no text"
    elif kind == "uuid":
        try:
            UUID(value)
        except ValueError:
            yield f"{place} is no UUID"
    elif kind == "url":
        if not (urlsplit(value).scheme and urlsplit(value).netloc):
            yield f"{place} is no absolute URL"
    elif kind == "reference":
        if not REFERENCE.match(value):
            yield f"{place} is no relative reference"
    elif "|" in kind and value not in kind.split("|"):
        yield f"{place} is {value}, not {kind}"


def _filled(value: Any, place: str) -> Iterator[str]:
    """Nothing is null or empty, but lists that may be."""
    if value in (None, "", [], {}) and place != "reply.cards":
        yield f"{place} is empty"
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _filled(one, f"{place}.{name}")
    elif isinstance(value, list):
        for at, one in enumerate(value):
            yield from _filled(one, f"{place}[{at}]")


def _counts(reply: Any) -> Iterator[str]:
    """What a table of members cannot say: lengths, and numbers of things that stand together."""
    for at, card in enumerate(reply.get("cards", [])):
        if len(card.get("summary", "")) > MAX_SUMMARY:
            yield f"reply.cards[{at}].summary is too long"
        suggestions = card.get("suggestions", [])
        recommended = [one for one in suggestions if one.get("isRecommended")]
        if card.get("selectionBehavior") == "at-most-one" and len(recommended) > 1:
            yield f"reply.cards[{at}] recommends {len(recommended)} suggestions, though one can be taken"
    numbers = [card["uuid"] for card in reply.get("cards", []) if "uuid" in card]
    if len(set(numbers)) < len(numbers):
        yield "two cards have one uuid"
