"""Persons whose earlier stays break rows about them, and persons whose stays just do not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from casemeter_rules.codes import CodeSet, Space
from casemeter_rules.facts import MINUTES_PER_DAY, Diagnosis, EarlierStay, Procedure, Stay
from casemeter_rules.kind import Context, Example, Sets, Values

TODAY: Final = 20_500
"""The day of admission, in days since 1970."""

PRINCIPAL: Final = "R69.X00"
_OTHER: Final = "S72.000"

_SET_ASIDE: Final[Mapping[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "planned": ({"readmission_planned": True}, {}),
    "planned_surgery": (
        {"readmission_planned": True},
        {"procedures": (Procedure("1", "encounter.procedures[0]"),)},
    ),
    "campus_transfer": ({"discharge_way": "2"}, {"campus": "B"}),
    "left_without_order": ({"discharge_way": "4"}, {}),
}
"""By circumstance: what is known of the earlier stay, and of this one."""


def person(*visits: EarlierStay, **facts: Any) -> Stay:
    """Return a stay of ten days of somebody whose earlier stays and visits were sent."""
    known: dict[str, Any] = {
        "diagnoses": (Diagnosis(PRINCIPAL, "encounter.diagnoses[0]", "principal"),),
        "admission": TODAY * MINUTES_PER_DAY + 480,
        "discharge": (TODAY + 10) * MINUTES_PER_DAY + 480,
        "now": (TODAY + 10) * MINUTES_PER_DAY + 480,
        "group": "A",
        "campus": "A",
        "person": True,
        "earlier": visits,
        "items": (),
    }
    return Stay(**{**known, **facts})


def visited(at: int, admission_day: int, discharge_day: int, **facts: Any) -> EarlierStay:
    """Return an earlier stay of which all is known; it is like this one, and nothing sets it aside."""
    known: dict[str, Any] = {
        "id": f"E{at}",
        "campus": "A",
        "group": "A",
        "diagnoses": (PRINCIPAL,),
        "discharge_way": "1",
        "readmission_planned": False,
    }
    place = f"encounter.earlier[{at}]"
    days = {"admission_day": admission_day, "discharge_day": discharge_day}
    return EarlierStay(place, **{**known, **days, **facts})


def parts(cell: str) -> Iterator[str]:
    """Yield what a cell lists with ``|`` between."""
    return (part.strip() for part in cell.split("|") if part.strip())


def with_a_code_of(stay: Stay, codes: CodeSet) -> Stay:
    """Return the stay with a code of a set, as its principal diagnosis or as a procedure."""
    key = min(codes.keys)
    if key.space is Space.PROCEDURE:
        return stay._replace(procedures=(Procedure(key.text, "encounter.procedures[0]"),))
    return stay._replace(diagnoses=(Diagnosis(key.text, "encounter.diagnoses[0]", "principal"),))


def set_aside(stay: Stay, values: Values, sets: Sets) -> Iterator[Stay]:
    """Yield the stay once for each thing that a row sets it aside for: codes, and how the last one ended."""
    for name in parts(values.get("exempt_sets", "")):
        yield with_a_code_of(stay, sets[name])
    for name in parts(values.get("exempt_when", "")):
        before, facts = _SET_ASIDE[name]
        earlier = tuple(each._replace(**before) for each in stay.earlier or ())
        yield stay._replace(earlier=earlier, **facts)


def elsewhere(stay: Stay, values: Values) -> Iterator[Stay]:
    """Yield the stay after earlier ones at another campus, where these do not count."""
    if values.get("scope") == "campus":
        yield stay._replace(earlier=tuple(each._replace(campus="C") for each in stay.earlier or ()))


def passing(stays: Iterable[Stay]) -> Iterator[Example]:
    """Yield stays as examples of a row that leaves them alone."""
    return (Example(False, stay) for stay in stays)


def of_return(values: Values, context: Context) -> Iterator[Example]:
    """Yield the examples of rows about one return after an earlier stay."""
    within = int(values["within_days"])
    last = visited(0, TODAY - within - 5, TODAY - within)
    returned = person(last)
    yield Example(True, returned)
    yield Example(False, person(last._replace(discharge_day=TODAY - within - 1)))
    yield Example(False, person(last._replace(kind="outpatient")))
    yield from passing(set_aside(returned, values, context.sets))
    yield from passing(elsewhere(returned, values))
    if values["same"] == "any":
        return
    another = person(last._replace(diagnoses=(_OTHER,), group="B"))
    yield Example(False, another)
    for name in parts(values.get("continuing_sets", "")):
        if any(key.space is Space.DIAGNOSIS for key in context.sets[name].keys):
            yield Example(True, with_a_code_of(another, context.sets[name]))
