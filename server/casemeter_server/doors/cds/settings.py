"""Settings of the door of CDS Hooks: a table of the doors' file, every fault of it at once.

Whatever is left out is as shown::

    [cds]
    language = "zh"                  # of the cards: zh or en
    label = "CaseMeter"              # who speaks, on every card
    url = ""                         # a page about that; none
    base = ""                        # the URL that clients call, without /cds-services; as they call it
    clients = ""                     # whose tokens are believed: a file as in docs/identity.md; as elsewhere
    origins = []                     # browsers' origins that may call; none
    links = []                       # on every card: { label = "…", url = "https://…" }
    [cds.systems]                    # code systems of the hospital's own
    diagnosis = {}                   # { insurance = ["…"], clinical = ["…"], undeclared = ["…"] }
    procedure = {}                   # the same
    item = []                        # of charges and orders
    intensive_care = []              # codes of places
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from casemeter_server.doors.cds.systems import EDITIONS, Systems, shipped_systems
from casemeter_server.identity.settings import IdentitySettingsError, read_identity

_LANGUAGES: Final = ("zh", "en")
_TEXTS: Final = ("language", "label", "url", "base", "clients")
_KNOWN: Final = (*_TEXTS, "origins", "links", "systems")


class CdsSettingsError(Exception):
    """Settings that cannot be used; names every fault."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class CdsSettings:
    """What a hospital sets.

    Attributes:
        language: of the cards.
        label: who speaks.
        url: a page about that; empty: none.
        base: URL that clients call, without ``/cds-services``; empty: as they call it.
        clients: file that says whose tokens are believed; ``None``: as at the other doors.
        origins: of browsers that may call.
        links: label and URL of each link of a card.
        systems: how FHIR is coded.
    """

    language: str = "zh"
    label: str = "CaseMeter"
    url: str = ""
    base: str = ""
    clients: Path | None = None
    origins: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    systems: Systems = field(default_factory=shipped_systems)


def read_settings(table: Mapping[str, Any], folder: Path) -> CdsSettings:
    """Read the table ``[cds]``.

    Args:
        table: of the doors' file.
        folder: of that file; names of files are relative to it.

    Raises:
        CdsSettingsError: with every fault of the table.
    """
    faults = [f"'{key}' is not known; known: {', '.join(_KNOWN)}" for key in table if key not in _KNOWN]
    texts = {key: _text(table, key, faults) for key in _TEXTS if key in table}
    if texts.get("language", "zh") not in _LANGUAGES:
        faults.append(f"'language' is {texts['language']!r}; write zh or en")
    if "label" in texts and not texts["label"]:
        faults.append("'label' is empty; write a name")
    for key in ("url", "base"):
        if texts.get(key) and not _is_url(texts[key]):
            faults.append(f"'{key}' is {texts[key]!r}; write a URL like https://h001.example")
    clients = folder / texts["clients"] if texts.get("clients") else None
    texts.pop("clients", None)
    if clients:
        try:
            read_identity(clients)
        except IdentitySettingsError as error:
            faults += [f"'clients': {fault}" for fault in error.faults]
    links = tuple(_link(one, faults) for one in _list(table, "links", faults))
    origins = _texts(table, "origins", "'origins'", faults)
    systems = _systems(table.get("systems", {}), faults)
    if faults:
        raise CdsSettingsError(faults)
    texts["base"] = texts.get("base", "").rstrip("/")
    return CdsSettings(**texts, clients=clients, origins=origins, links=links, systems=systems)


def _systems(table: object, faults: list[str]) -> Systems:
    if not isinstance(table, dict):
        faults.append("'systems' is no table")
        return shipped_systems()
    known = ("diagnosis", "procedure", "item", "intensive_care")
    faults += [
        f"'systems.{key}' is not known; known: {', '.join(known)}" for key in table if key not in known
    ]
    editions: dict[str, dict[str, tuple[str, ...]]] = {}
    for name in ("diagnosis", "procedure"):
        own = table.get(name, {})
        if not isinstance(own, dict) or not own.keys() <= EDITIONS.keys():
            faults.append(f"'systems.{name}' is {own!r}; write a table of {', '.join(EDITIONS)}")
            continue
        editions[name] = {key: _texts(own, key, f"'systems.{name}.{key}'", faults) for key in own}
    lists = {name: _texts(table, name, f"'systems.{name}'", faults) for name in ("item", "intensive_care")}
    return shipped_systems().with_own(editions.get("diagnosis"), editions.get("procedure"), **lists)


def _text(table: Mapping[str, Any], key: str, faults: list[str]) -> str:
    if isinstance(table[key], str):
        return str(table[key])
    faults.append(f"'{key}' is {table[key]!r}; write text")
    return ""


def _list(table: Mapping[str, Any], key: str, faults: list[str]) -> list[Any]:
    value = table.get(key, [])
    if isinstance(value, list):
        return value
    faults.append(f"'{key}' is {value!r}; write a list")
    return []


def _texts(table: Mapping[str, Any], key: str, place: str, faults: list[str]) -> tuple[str, ...]:
    values = table.get(key, [])
    if isinstance(values, list) and all(isinstance(value, str) and value for value in values):
        return tuple(values)
    faults.append(f"{place} is {values!r}; write a list of texts")
    return ()


def _link(value: object, faults: list[str]) -> tuple[str, str]:
    if isinstance(value, dict) and value.keys() == {"label", "url"}:
        label, url = value["label"], value["url"]
        if isinstance(label, str) and label and isinstance(url, str) and _is_url(url):
            return label, url
    faults.append(f'\'links\' holds {value!r}; write {{ label = "…", url = "https://…" }}')
    return "", ""


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)
