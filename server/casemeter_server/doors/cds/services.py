"""The service as CDS clients discover it, and what each hook means."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

from casemeter.v1 import finding_pb2

_NOT_TOLD: Final = "CARE_PHASE_UNSPECIFIED"


@dataclass(frozen=True, slots=True)
class Hook:
    """A hook that is answered.

    Attributes:
        name: of the hook.
        title: of the service for it.
        description: of the service for it.
        context: members of its context that are required.
        phase: the moment of care that rules decide for; 0: told by the stay.
        stay: whether the card of group and cost is shown.
        drafts: whether orders are being placed.
        selections: whether only the orders that the context selects are being placed.
    """

    name: str
    title: str
    description: str
    context: tuple[str, ...]
    phase: finding_pb2.CarePhase
    stay: bool
    drafts: bool
    selections: bool


@dataclass(frozen=True, slots=True)
class Service:
    """The service.

    Attributes:
        id: in its URL.
        version: of what it promises.
        usage: what a client must do.
        needed: prefetch keys without which there is no answer.
        prefetch: templates by key.
        resources: type of the resources by key.
        hooks: by name.
    """

    id: str
    version: str
    usage: str
    needed: tuple[str, ...]
    prefetch: Mapping[str, str]
    resources: Mapping[str, str]
    hooks: Mapping[str, Hook]


@cache
def service() -> Service:
    """Return the service that comes with the product."""
    text = resources.files("casemeter_server.doors.cds").joinpath("services.toml").read_text("utf-8")
    table = tomllib.loads(text)
    hooks = {
        entry["hook"]: Hook(
            entry["hook"],
            entry["title"],
            entry["description"],
            tuple(entry["context"]),
            getattr(finding_pb2, entry.get("phase", _NOT_TOLD)),
            entry.get("stay", False),
            entry.get("drafts", False),
            entry.get("selections", False),
        )
        for entry in table["hook"]
    }
    return Service(
        table["id"],
        table["version"],
        table["usageRequirements"],
        tuple(table["needed"]),
        MappingProxyType(table["prefetch"]),
        MappingProxyType(table["resources"]),
        MappingProxyType(hooks),
    )


def discovery() -> dict[str, Any]:
    """Return what a client finds under /cds-services."""
    known = service()
    return {
        "services": [
            {
                "hook": hook.name,
                "id": known.id,
                "version": known.version,
                "title": hook.title,
                "description": hook.description,
                "usageRequirements": known.usage,
                "prefetch": dict(known.prefetch),
            }
            for hook in known.hooks.values()
        ]
    }
