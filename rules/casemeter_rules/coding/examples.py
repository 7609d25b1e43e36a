"""Pages that break rows about items of the front page, and pages that just do not."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from casemeter_rules.coding.groups import Term, terms
from casemeter_rules.coding.moments import Chain
from casemeter_rules.coding.ranges import range_triggers
from casemeter_rules.coding.tables import aliases
from casemeter_rules.facts import MINUTES_PER_DAY, Diagnosis, Procedure, Stay
from casemeter_rules.kind import Context, Example, Values

DAYS: Final = 5
"""Days from the admission to the discharge of :func:`page`."""

_FIRST: Final = 20_500 * MINUTES_PER_DAY + 480
_PRINCIPALS: Final = ("R69.X00", "Z99.900", "A09.900")
"""Diagnoses that play no part in a row, as far as it does not name them."""

_FACTS: Final[dict[str, dict[str, Any]]] = {
    "newborn": {"age_years": 0.0, "age_days": 1.0},
    "not_newborn": {"age_years": 40.0, "age_days": None},
    "under_one_year": {"age_years": 0.0, "age_days": 100.0},
    "one_year_or_more": {"age_years": 40.0, "age_days": None},
    "died": {"discharge_way": "5"},
    "alive": {"discharge_way": "1"},
    "with_procedure": {"procedures": (Procedure("1", "encounter.procedures[0]"),)},
    "without_procedure": {"procedures": ()},
    "day_surgery": {"visit_kind": "day_surgery"},
    "tcm": {"tcm": True},
    "in_hospital": {"discharge": None},
    "discharged": {},
}
"""What makes a stay one of a group."""

_ANOTHER: Final = ("0", "1", "2")


def page(**facts: Any) -> Stay:
    """Return a plain stay of :data:`DAYS` days, with a principal diagnosis, and further facts."""
    known: dict[str, Any] = {
        "diagnoses": (coded(_PRINCIPALS[0], 0),),
        "items": (),
        "admission": _FIRST,
        "discharge": _FIRST + DAYS * MINUTES_PER_DAY,
        "now": _FIRST + DAYS * MINUTES_PER_DAY,
        "visit_kind": "inpatient",
        "discharge_way": "1",
        "fields": {},
    }
    return Stay(**{**known, **facts})


def coded(code: str, at: int, **facts: Any) -> Diagnosis:
    """Return a recorded diagnosis; the first is the principal one unless its role is told."""
    return Diagnosis(code, f"encounter.diagnoses[{at}]", **{"role": "other" if at else "principal", **facts})


def written(fires: bool, fields: dict[str, str], stay: Stay | None = None) -> Example:
    """Return the example of a page on which items are written."""
    stay = page() if stay is None else stay
    return Example(fires, stay._replace(fields={**(stay.fields or {}), **fields}))


def applying(text: str) -> Stay:
    """Return a page to which a row applies: the opposite of nothing in ``applies_to`` is asked."""
    stay = page(diagnoses=(), fields={})
    for term in terms(text) if text else ():
        stay = _with(stay, term)
    if not any(each.role == "principal" for each in stay.diagnoses):
        stay = stay._replace(diagnoses=(coded(_unnamed(text), 0), *stay.diagnoses))
    return stay


def _with(stay: Stay, term: Term) -> Stay:
    if not term.values:
        return stay._replace(**_FACTS[term.name])
    if term.name.startswith("no_"):
        return stay
    code = term.values[0]
    if term.name == "procedure":
        return stay._replace(procedures=(*stay.procedures, Procedure(code, "encounter.procedures[1]")))
    if term.name in ("principal", "diagnosis"):
        role = "principal" if term.name == "principal" else "other"
        return stay._replace(diagnoses=(*stay.diagnoses, coded(code, 9, role=role)))
    value = "1" if code == "*" else code
    if term.negated:
        value = "-" if code == "*" else next(other for other in _ANOTHER if other not in term.values)
    return stay._replace(fields={**(stay.fields or {}), term.name: value})


def _unnamed(text: str) -> str:
    named = tuple(value for term in terms(text) for value in term.values) if text else ()
    return next((code for code in _PRINCIPALS if not code.startswith(named)), _PRINCIPALS[0])


def other_than(beginnings: Sequence[str]) -> str:
    """Return a diagnosis that begins with none of some texts."""
    return next(code for code in _PRINCIPALS if not code.startswith(tuple(beginnings)))


def field_of(name: str) -> str:
    """Return an item's name in the settlement list."""
    return aliases().get(name.strip(), name.strip())


def one_of(fields: Iterable[str], bad: str, good: str, stay: Stay) -> Iterator[Example]:
    """Yield the page on which all of some items are right, and for each item the page where it is not."""
    right = {field_of(field): good for field in fields}
    yield written(False, right, stay)
    for field in right:
        yield written(True, {**right, field: bad}, stay)


def in_order(wanted: Chain, stay: Stay) -> Iterator[Example]:
    """Yield pages whose moments follow each other in a chain, as closely as may be, and such that do not."""
    gaps = [0 if equal else 1 for equal in wanted.may_be_equal]
    yield _moments(wanted, gaps, True, stay)
    for at in range(len(gaps)):
        yield _moments(wanted, [*gaps[:at], gaps[at] - 1, *gaps[at + 1 :]], False, stay)


def _moments(wanted: Chain, gaps: Sequence[int], follow: bool, stay: Stay) -> Example:
    minute = _FIRST
    fields = {wanted.fields[0]: moment_text(minute)}
    for field, gap in zip(wanted.fields[1:], gaps, strict=True):
        minute += gap
        fields[field] = moment_text(minute)
    return written(not follow, fields, stay)


def moment_text(minute: int) -> str:
    """Return a moment, in minutes since 1970, as it is written on a page."""
    epoch = datetime.datetime(1970, 1, 1)
    return (epoch + datetime.timedelta(minutes=minute)).strftime("%Y-%m-%d %H:%M")


def duration_text(minutes: int) -> str:
    """Return a length of time as days, hours and minutes: ``1/13/24``."""
    days, rest = divmod(minutes, MINUTES_PER_DAY)
    return f"{days}/{rest // 60}/{rest % 60}"


def first_of(values: Values, context: Context, role: str = "principal") -> tuple[Diagnosis, ...]:
    """Return the first code of a row's range as a diagnosis in a role; none: the dictionary has no such code.

    Beside one that is not the principal diagnosis there is one that is.
    """
    key = next(iter(range_triggers({"code_to": "", **values}, context)), None)
    if key is None:
        return ()
    own = coded(key.text, 0 if role == "principal" else 1, role=role)
    return (own,) if role == "principal" else (coded(_PRINCIPALS[0], 0), own)
