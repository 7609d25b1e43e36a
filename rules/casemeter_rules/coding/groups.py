"""To whom a row applies: a few conditions, each of which is true, false or not known."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from casemeter_rules.coding.fields import entry, in_case
from casemeter_rules.columns import CellError
from casemeter_rules.facts import Stay
from casemeter_rules.kind import Undecided

NEWBORN_DAYS: Final = 28
_INFANT_YEARS: Final = 1


def _newborn(stay: Stay) -> bool | str:
    if stay.age_days is not None:
        return stay.age_days <= NEWBORN_DAYS
    if stay.age_years is not None and stay.age_years >= _INFANT_YEARS:
        return False
    return "age_days"


def _died(stay: Stay) -> bool | str:
    way = entry(stay, "dscg_way")
    return "discharge_way" if way is None or way.says_nothing else way.text == "5"


def _not(group: Callable[[Stay], bool | str]) -> Callable[[Stay], bool | str]:
    def opposite(stay: Stay) -> bool | str:
        found = group(stay)
        return found if isinstance(found, str) else not found

    return opposite


def _adult(stay: Stay) -> bool | str:
    return "age_years" if stay.age_years is None else stay.age_years >= _INFANT_YEARS


def _day_surgery(stay: Stay) -> bool | str:
    return "visit_kind" if stay.visit_kind is None else stay.visit_kind == "day_surgery"


def _tcm(stay: Stay) -> bool | str:
    return "tcm" if stay.tcm is None else stay.tcm


_GROUPS: Final[Mapping[str, Callable[[Stay], bool | str]]] = {
    "newborn": _newborn,
    "not_newborn": _not(_newborn),
    "under_one_year": _not(_adult),
    "one_year_or_more": _adult,
    "died": _died,
    "alive": _not(_died),
    "with_procedure": lambda stay: bool(stay.procedures),
    "without_procedure": lambda stay: not stay.procedures,
    "day_surgery": _day_surgery,
    "tcm": _tcm,
    "in_hospital": lambda stay: stay.discharge is None,
    "discharged": lambda stay: stay.discharge is not None,
}
"""Groups by name; a text is the fact that is missing."""

_CODES: Final = ("principal", "diagnosis", "procedure", "no_principal", "no_diagnosis", "no_procedure")
_TERM: Final = re.compile(r"(?P<name>\w+)(?:(?P<sign>!?=)(?P<values>[^;=]+))?\Z", re.ASCII)


class Term(NamedTuple):
    """One condition: a group, or an item or codes and what they are compared with."""

    name: str
    values: tuple[str, ...] = ()
    negated: bool = False


@lru_cache(maxsize=1024)
def terms(text: str) -> tuple[Term, ...]:
    """Read ``newborn``, ``dscg_way=2|3``, ``bld_cat=*``, ``principal=S|T``; between ``;`` all must hold.

    Raises:
        CellError: it is not written so.
    """
    found = []
    for piece in text.split(";"):
        match = _TERM.match(piece.strip())
        if match is None or (match["values"] is None and match["name"] not in _GROUPS):
            groups = ", ".join(_GROUPS)
            raise CellError(
                f"groups ({groups}) or an item and its values, ; between them",
                f"人群（{groups}）或项目与取值，以 ; 分隔",
                "dscg_way=2|3",
            )
        if match["sign"] == "!=" and match["name"] in _CODES:
            opposite = match["name"].removeprefix("no_")
            opposite = opposite if match["name"] != opposite else f"no_{opposite}"
            raise CellError(
                f"codes with =; for none of them {opposite}=…",
                f"编码用 =；不含时写 {opposite}=…",
                f"{opposite}=S|T",
            )
        values = tuple(value.strip() for value in (match["values"] or "").split("|") if value.strip())
        found.append(Term(match["name"], values, match["sign"] == "!="))
    return tuple(found)


def applies(stay: Stay, text: str) -> bool | Undecided:
    """Return whether a row applies to a stay; one that is false settles it, whatever is missing."""
    missing: Undecided | None = None
    for term in terms(text) if text else ():
        found = _holds(stay, term)
        if isinstance(found, str):
            missing = missing or Undecided(found)
        elif not found:
            return False
    return True if missing is None else missing


def _holds(stay: Stay, term: Term) -> bool | str:
    if not term.values:
        return _GROUPS[term.name](stay)
    if term.name in _CODES:
        return _codes_hold(stay, term)
    written = entry(stay, term.name)
    if written is None:
        return term.name
    found = not written.says_nothing if term.values == ("*",) else written.text in term.values
    return found != term.negated


def _codes_hold(stay: Stay, term: Term) -> bool | str:
    wanted = term.name.removeprefix("no_")
    if wanted == "procedure":
        codes = [procedure.code for procedure in stay.procedures]
    else:
        codes = [each.code for each in in_case(stay) if wanted == "diagnosis" or each.role == "principal"]
        if not codes:
            return "diagnoses"
    return any(code.startswith(term.values) for code in codes) != term.name.startswith("no_")
