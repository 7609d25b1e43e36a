"""What a hospital sets for its alerts: one small TOML file, every fault of it at once.

Whatever is left out is as the product comes::

    budget = 6                  # interruptions of one clinician in an hour
    overridden = "silent"       # how an overridden finding is shown: inline or silent
    hint = "inline"             # how a hint is shown: inline or silent

    [roles.physician]           # the most the role is shown of a class: interrupt, inline or silent
    order = "interrupt"
    kinds = { "item_frequency*" = "inline" }  # kinds that differ from their class

    [roles.head_nurse]          # a role of the hospital's own; what it leaves out is as for a physician
    order = "inline"

    [learning]
    threshold = 0.5             # a rule whose precision is this or better is good
    min_answers = 20            # answers before a rule may go to shadow
    alpha = 0.05                # chance that any good rule ever goes to shadow
    rules = 10000               # how many rules share that chance
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from casemeter_rules.alerting.alert import Presentation
from casemeter_rules.alerting.policy import Learning, Policy
from casemeter_rules.alerting.roles import ADVICE, PHYSICIAN, Role, shipped_roles
from casemeter_rules.finding import FindingClass

_MAX_COUNT: Final = 1_000_000
_ALL: Final = tuple(Presentation)
_QUIET: Final = (Presentation.INLINE, Presentation.SILENT)


class AlertSettingsError(Exception):
    """Settings that cannot be used; names every fault."""

    def __init__(self, path: Path | None, faults: list[str]) -> None:
        where = f"{path}: " if path else ""
        super().__init__("\n".join(where + fault for fault in faults))
        self.faults = faults


def read_policy(path: Path) -> Policy:
    """Read a settings file.

    Raises:
        AlertSettingsError: with every fault of the file.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, ValueError) as error:
        raise AlertSettingsError(path, [f"cannot be read: {error}"]) from None
    return policy_of(text, path)


def policy_of(text: str, path: Path | None = None) -> Policy:
    """Read the text of settings.

    Args:
        text: in TOML.
        path: the file it comes from, for the faults; ``None``: from none.

    Raises:
        AlertSettingsError: with every fault of the text.
    """
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise AlertSettingsError(path, [f"cannot be read: {error}"]) from None
    faults: list[str] = []
    plain = Policy()
    policy = Policy(
        budget=_count(values, "budget", "budget", plain.budget, 0, faults),
        overridden=_presentation(values, "overridden", "overridden", plain.overridden, _QUIET, faults),
        hint=_presentation(values, "hint", "hint", plain.hint, _QUIET, faults),
        roles=_roles(values.pop("roles", {}), faults),
        learning=_learning(values.pop("learning", {}), faults),
    )
    _nothing_else(values, "", "budget, overridden, hint, roles, learning", faults)
    if faults:
        raise AlertSettingsError(path, faults)
    return policy


def _roles(value: object, faults: list[str]) -> Mapping[str, Role]:
    roles = dict(shipped_roles())
    for name, entry in _table(value, "roles", faults).items():
        place = f"roles.{name}"
        table = _table(entry, place, faults)
        around = roles.get(name) or roles[PHYSICIAN]
        money = table.pop("money", around.money)
        if not isinstance(money, bool):
            faults.append(f"'{place}.money' is {money!r}; write true or false")
        classes = {
            kind: _presentation(table, kind, f"{place}.{kind}", around.classes[kind], _ALL, faults)
            for kind in FindingClass
        }
        kinds = _table(table.pop("kinds", dict(around.kinds)), f"{place}.kinds", faults)
        own = tuple(
            (pattern, _presentation(kinds, pattern, f"{place}.kinds.{pattern}", None, _ALL, faults))
            for pattern in tuple(kinds)
        )
        if name == PHYSICIAN:
            faults += [
                f"'{place}.{kind}' is 'interrupt'; advice on coding interrupts no physician: write 'inline'"
                for kind, most in classes.items()
                if kind in ADVICE and most is Presentation.INTERRUPT
            ]
        known = ", ".join((*FindingClass, "money", "kinds"))
        _nothing_else(table, f"{place}.", known, faults)
        roles[name] = Role(classes, own, money is True)
    return MappingProxyType(roles)


def _learning(value: object, faults: list[str]) -> Learning:
    table, plain = _table(value, "learning", faults), Learning()
    learning = Learning(
        threshold=_share(table, "threshold", plain.threshold, faults),
        min_answers=_count(table, "min_answers", "learning.min_answers", plain.min_answers, 1, faults),
        alpha=_share(table, "alpha", plain.alpha, faults),
        rules=_count(table, "rules", "learning.rules", plain.rules, 1, faults),
    )
    _nothing_else(table, "learning.", "threshold, min_answers, alpha, rules", faults)
    return learning


def _table(value: object, place: str, faults: list[str]) -> dict[str, Any]:
    if isinstance(value, dict):
        return dict(value)
    faults.append(f"'{place}' is {value!r}; write a table")
    return {}


def _nothing_else(table: Mapping[str, Any], place: str, known: str, faults: list[str]) -> None:
    faults += [f"'{place}{name}' is not known; known: {known}" for name in table]


def _count(table: dict[str, Any], name: str, place: str, plain: int, least: int, faults: list[str]) -> int:
    value: object = table.pop(name, plain)
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= _MAX_COUNT:
        return value
    faults.append(f"'{place}' is {value!r}; write a whole number from {least} to {_MAX_COUNT}")
    return plain


def _share(table: dict[str, Any], name: str, plain: float, faults: list[str]) -> float:
    value: object = table.pop(name, plain)
    if isinstance(value, float) and 0 < value < 1:
        return value
    faults.append(f"'learning.{name}' is {value!r}; write a number between 0 and 1 like {plain}")
    return plain


def _presentation(
    table: dict[str, Any],
    name: str,
    place: str,
    plain: Presentation | None,
    known: tuple[Presentation, ...],
    faults: list[str],
) -> Presentation:
    value: object = table.pop(name, plain)
    if isinstance(value, str) and value in known:
        return Presentation(value)
    faults.append(f"'{place}' is {value!r}; write one of {', '.join(known)}")
    return plain or Presentation.INLINE
