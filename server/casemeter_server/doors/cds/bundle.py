"""The resources of a call: those that were prefetched, whose they are, and what cannot be used of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from casemeter_server.doors.cds.fhir import tail
from casemeter_server.doors.cds.systems import Systems
from casemeter_server.doors.cds.tree import Node
from casemeter_server.stay_facts import Faults

_OUTCOME = "OperationOutcome"


class State(Enum):
    """What came under a prefetch key."""

    WHOLE = "whole"
    """All there is; null: there is nothing."""
    ABSENT = "absent"
    """The key was not sent."""
    FAILED = "failed"
    """The client could not get it."""
    PARTIAL = "partial"
    """One page of several."""


@dataclass(frozen=True)
class Prefetched:
    """What came under one key.

    Attributes:
        state: whether it is all there is.
        resources: of the type of the key, in their order.
    """

    state: State
    resources: tuple[Node, ...] = ()


@dataclass
class Chart:
    """All resources of a call.

    Attributes:
        systems: how they are coded.
        patient: id of the patient whose call it is.
        encounter: id of the stay; empty: not told.
        keys: what came under each prefetch key.
        drafts: resources of ``context.draftOrders``, in their order.
        others: resources of other types that came with them, such as medications, by ``Type/id``.
        unread: places of what was left out, each with the reason.
        faults: where everything that is wrong is noted.
    """

    systems: Systems
    patient: str
    encounter: str
    keys: Mapping[str, Prefetched]
    drafts: tuple[Node, ...] = ()
    others: dict[str, Node] = field(default_factory=dict)
    unread: list[tuple[str, str]] = field(default_factory=list)
    faults: Faults = field(default_factory=list)

    def leave_out(self, node: Node, reason: str) -> None:
        """Note that something was left out, once."""
        if (node.place, reason) not in self.unread:
            self.unread.append((node.place, reason))

    def of_stay(self, key: str) -> Iterator[Node]:
        """Yield the resources of a key that are of this stay and count."""
        return (one for one in self.keys[key].resources if self.counts(one))

    def counts(self, resource: Node, *, draft: bool = False) -> bool:
        """Whether a resource is of this stay and its status counts; another patient's is a fault."""
        kind = resource.get("resourceType").text()
        subject = resource.at("subject", "reference")
        if subject.given and tail(subject.text()) != self.patient:
            subject.note("CONTRADICTION", other="context.patientId")
            return False
        if resource.get("modifierExtension").given:
            # It may turn the meaning of the resource round.
            self.leave_out(resource, "modifier_extension")
            return False
        stay = resource.at("context" if kind == "ChargeItem" else "encounter", "reference").text()
        if stay and self.encounter and tail(stay) != self.encounter:
            self.leave_out(resource, "another_stay")
            return False
        status = resource.get("status").text()
        known = self.systems.status.get(kind)
        if not draft and status and known is not None and status not in known:
            self.leave_out(resource, "status")
            return False
        return True

    def resolve(self, owner: Node, reference: Node) -> Node:
        """Return what is referred to: contained in the resource, or sent beside it; absent: neither."""
        text = reference.get("reference").text()
        if text.startswith("#"):
            for one in owner.get("contained").each():
                if one.get("id").text() == text[1:]:
                    return one
        parts = text.partition("/_history/")[0].split("/")
        return self.others.get("/".join(parts[-2:])) or Node(None, reference.place, owner.faults)


def read_prefetch(
    prefetch: Node, resources: Mapping[str, str], others: dict[str, Node]
) -> dict[str, Prefetched]:
    """Return what came under each key.

    Args:
        prefetch: of the call.
        resources: type of the resources of each key.
        others: where resources of other types are put, by ``Type/id``.
    """
    sent = prefetch.value if isinstance(prefetch.value, dict) else {}
    found: dict[str, Prefetched] = {}
    for key, kind in resources.items():
        node = prefetch.get(key)
        if key not in sent:
            found[key] = Prefetched(State.ABSENT)
        elif not node.given:
            found[key] = Prefetched(State.WHOLE)
        else:
            found[key] = _read_key(node, kind, others)
    return found


def _read_key(node: Node, kind: str, others: dict[str, Node]) -> Prefetched:
    sent = node.get("resourceType").text()
    if sent == _OUTCOME:
        return Prefetched(State.FAILED)
    if sent != "Bundle":
        found = tuple(of_type([node], (kind,), {}))
        if not found:
            node.get("resourceType").note("WRONG_TYPE", found=f"'{sent[:40]}'", expected=f"{kind} or Bundle")
        return Prefetched(State.WHOLE, found)
    links = {link.get("relation").text() for link in node.get("link").each()}
    found = tuple(of_type(entries(node), (kind,), others))
    # What was not sent whole is not read: a part of it would be taken for all there is.
    return Prefetched(State.PARTIAL) if "next" in links else Prefetched(State.WHOLE, found)


def entries(bundle: Node) -> Iterator[Node]:
    """Yield the resources of a bundle."""
    for entry in bundle.get("entry").each():
        resource = entry.get("resource")
        if resource.given:
            yield resource


def of_type(nodes: Iterable[Node], kinds: tuple[str, ...], others: dict[str, Node]) -> Iterator[Node]:
    """Yield resources of some types; put those of others aside."""
    for node in nodes:
        kind = node.get("resourceType").text()
        if kind in kinds:
            yield node
        elif kind and kind != _OUTCOME:
            others[f"{kind}/{node.get('id').text()}"] = node
