"""What every door has in common: a message becomes a question, and its places are known both ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from casemeter.v1 import error_pb2, service_pb2


@dataclass(frozen=True)
class Question:
    """A message of a door as the one question.

    Attributes:
        request: the question; its encounter holds what the message carries and nothing else.
        places: places in the request, such as ``encounter.diagnoses[2]``, and the places of the message they
            were read from; faults and findings name the latter.
        ids: places in the request, and the sender's own numbers of what stands there.
    """

    request: service_pb2.EvaluateRequest
    places: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)

    def place(self, field: str) -> str:
        """Return the place in the message of a place in the request: the longest that is known of it."""
        return _longest(self.places, field, field)

    def id(self, field: str) -> str:
        """Return the sender's number of what stands at a place in the request; empty: it has none."""
        found = field
        while found:
            if found in self.ids:
                return self.ids[found]
            found = found.rpartition(".")[0]
        return ""

    def of_message(self, fault: error_pb2.FieldFault) -> error_pb2.FieldFault:
        """Return a fault of the request as one of the message."""
        place = self.place(fault.field)
        message = fault.message.replace(fault.field, place, 1)
        return error_pb2.FieldFault(field=place, reason=fault.reason, message=message)


def _longest(places: Mapping[str, str], field: str, default: str) -> str:
    known, rest = field, ""
    while known:
        if known in places:
            return places[known] + rest
        head = known.rpartition(".")[0]
        rest = known[len(head) :] + rest
        known = head
    return default
