"""What every loaded grouping pack can do, whether it is a DRG scheme or a DIP catalogue."""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction
from typing import Generic, NamedTuple, TypeVar

from casemeter.v1 import pack_pb2, verdict_pb2
from casemeter_grouper.benchmark.benchmark import GroupBenchmark
from casemeter_grouper.case import Case
from casemeter_grouper.scheme import Header
from casemeter_server.plain.reader import PlainReader
from casemeter_server.prepare import KnownCodes, Prepared


class GroupFacts(NamedTuple):
    """What money needs to know of the group of a case.

    Attributes:
        code: of the group.
        name: empty: the pack gives none.
        weight: the pack's own weight or score; ``None``: it has none.
        measured: what the pack itself says of stays of the group; ``None``: nothing.
        demonstration: whether the pack's figures are invented.
    """

    code: str
    name: str = ""
    weight: Fraction | None = None
    measured: GroupBenchmark | None = None
    demonstration: bool = False


_O = TypeVar("_O")


class LoadedPack(ABC, Generic[_O]):
    """A grouping pack with all that answering from it needs; ``_O`` is how its cases end. Immutable.

    Attributes:
        header: of the pack.
        ref: the same for a verdict.
        codes: what the pack knows.
        plain: answers plain requests; ``None``: the pack has no such way.
        ties_by_cost: whether cost tells groups apart that match equally.
    """

    header: Header
    ref: pack_pb2.PackRef
    codes: KnownCodes
    plain: PlainReader | None = None
    ties_by_cost: bool = False

    @abstractmethod
    def group(self, case: Case, cost_fen: int | None) -> _O:
        """Group a case.

        Args:
            case: to be grouped.
            cost_fen: what tells groups apart that match equally; ``None``: unknown.
        """

    def is_tied(self, outcome: _O) -> bool:  # noqa: ARG002
        """Whether other groups match a case as well as the one it ends in."""
        return False

    @abstractmethod
    def facts(self, outcome: _O) -> GroupFacts | None:
        """Return what money needs to know of the group; ``None``: the case is in none."""

    @abstractmethod
    def facts_of_group(self, code: str) -> GroupFacts | None:
        """Return the same of a group by its code; ``None``: the pack has no such group."""

    def facts_of_leaf(self, leaf: int) -> GroupFacts | None:  # noqa: ARG002
        """Return the same of a leaf that the plain reader names."""
        return None

    @abstractmethod
    def fill(self, verdict: verdict_pb2.Verdict, outcome: _O, prepared: Prepared) -> None:
        """Fill a verdict with how the case ends and how it was made."""

    @abstractmethod
    def explain(self, verdict: verdict_pb2.Verdict, case: Case, cost_fen: int | None) -> None:
        """Fill the explanation of a verdict."""

    @abstractmethod
    def find_near_misses(
        self, verdict: verdict_pb2.Verdict, prepared: Prepared, cost_fen: int | None
    ) -> None:
        """Fill the near misses of a verdict."""

    @abstractmethod
    def describe(self, is_default: bool) -> pack_pb2.Pack:
        """Return what a caller may know of the pack."""
