"""Looking up what the dictionaries say of the codes of a stay."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import NamedTuple

from casemeter_grouper.codes import normalise
from casemeter_rules.facts import Stay


class Codes(NamedTuple):
    """What is known of the codes of one space.

    Attributes:
        known: codes of the insurance edition.
        clinical: codes of the clinical edition.
        name: returns the name of a code of the insurance edition; empty: it has none.
    """

    known: Container[str]
    clinical: Container[str]
    name: Callable[[str], str]

    def editions(self, sent: str) -> tuple[str, ...]:
        """Return the editions that know a code as sent."""
        code = normalise(sent)
        known = (("insurance", self.known), ("clinical", self.clinical))
        return tuple(edition for edition, codes in known if code in codes)


def looked_up(stay: Stay, diagnoses: Codes, procedures: Codes) -> Stay:
    """Return the stay, its codes with their names and the editions that know them."""
    return stay._replace(
        diagnoses=tuple(
            each._replace(
                standard_name=diagnoses.name(each.code), editions=diagnoses.editions(each.sent or each.code)
            )
            for each in stay.diagnoses
        ),
        procedures=tuple(
            each._replace(
                standard_name=procedures.name(each.code), editions=procedures.editions(each.sent or each.code)
            )
            for each in stay.procedures
        ),
    )
