"""What each role is shown of each class of findings."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Final

from casemeter_rules.alerting.alert import Presentation
from casemeter_rules.finding import Finding, FindingClass

PHYSICIAN: Final = "physician"
CODER: Final = "coder"

ADVICE: Final = frozenset({FindingClass.COMPLETENESS, FindingClass.VALIDITY, FindingClass.GROUPING})
"""Classes of findings that are advice on coding; it never interrupts a physician."""


@dataclass(frozen=True, slots=True)
class Role:
    """What one role is shown.

    Attributes:
        classes: the most that it is shown of a class.
        kinds: patterns of kinds of rules that differ from their class; the first that fits decides.
        money: texts of coding advice keep sums, weights, points and scores.
    """

    classes: Mapping[FindingClass, Presentation]
    kinds: tuple[tuple[str, Presentation], ...] = ()
    money: bool = False

    def most(self, finding: Finding) -> Presentation:
        """Return the most that the role is shown of a finding.

        A kind may be shown more than its class, but advice on coding interrupts only a role that is
        interrupted by some class of it.
        """
        for pattern, presentation in self.kinds:
            if fnmatchcase(finding.kind, pattern):
                lifted = presentation is Presentation.INTERRUPT and finding.finding_class in ADVICE
                interrupts = any(self.classes[name] is Presentation.INTERRUPT for name in ADVICE)
                return Presentation.INLINE if lifted and not interrupts else presentation
        return self.classes[finding.finding_class]


def role_of(roles: Mapping[str, Role], name: str) -> Role:
    """Return a role; one that is unknown is taken for a physician, who is shown the least."""
    return roles.get(name) or roles[PHYSICIAN]


@cache
def shipped_roles() -> Mapping[str, Role]:
    """Return the roles that come with the product."""
    text = resources.files("casemeter_rules.alerting").joinpath("roles.toml").read_text("utf-8")
    return MappingProxyType(
        {
            name: Role({kind: Presentation(entry[kind]) for kind in FindingClass}, money=entry["money"])
            for name, entry in tomllib.loads(text).items()
        }
    )
