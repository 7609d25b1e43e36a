"""The options of a DIP catalogue: what the national specification leaves to each city.

They are keys of ``scheme.toml``. The numbers are those of the open decisions in ``docs/dip.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

COST: Final = "cost"
"""The group whose mean cost is nearest to the cost of the case; passed over while there is no cost."""

SCORE: Final = "score"
"""The group with the higher score."""

TIES: Final = (COST, SCORE)


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a catalogue.

    Attributes:
        core_prefix: characters of the principal diagnosis that meet a core group (D5), 3 to 10.
        composite_prefix: characters that meet a composite group (D9), 1 to 10.
        main_procedure_must_match: the first procedure of the case that has a kind must be a main procedure of
            a group that asks for procedures (D7).
        ties: what decides, in this order, between groups that match by equally many procedures (D8); of
            :data:`TIES`. Where nothing listed decides, the smaller group code does.
        procedure_kinds: every kind that a procedure may have, and a composite group may ask for (D9).
        untreated_kind: the kind of a composite group for cases without any procedure that has a kind (D9).
        fall_back_to_untreated: a treated case whose category has no group of its kind goes to the group of
            the untreated kind instead of staying ungrouped (D10).
        low_multiple: up to this multiple of the mean a case is settled by its cost (D11).
        high_multiple: above this multiple likewise (D11).
    """

    core_prefix: int = 5
    composite_prefix: int = 3
    main_procedure_must_match: bool = False
    ties: tuple[str, ...] = TIES
    procedure_kinds: tuple[str, ...] = ("SS", "ZLXCZ", "ZDXCZ")
    untreated_kind: str = "BSZL"
    fall_back_to_untreated: bool = False
    low_multiple: Decimal = Decimal("0.5")
    high_multiple: Decimal = Decimal("2")
