"""What kinds of rules about orders and charges share when they look once more at a broken check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from casemeter_rules.checks import SAME_DAY, SAME_HOUR, STAY
from casemeter_rules.columns import CellError
from casemeter_rules.facts import Diagnosis, Item, Stay
from casemeter_rules.kind import Hit

HISTORIES: Final = tuple(f"Z{number}" for number in range(80, 88))
"""Family and personal histories name diseases that the patient does not have."""

_HISTORY_WORDS: Final = ("家族史", "个人史", "既往史")
_SPOKEN: Final = 6
_NAMED_WINDOWS: Final = {"stay": STAY, "day": SAME_DAY, "same_hour": SAME_HOUR}
_MINUTES_PER_HOUR: Final = 60


def items_of(stay: Stay, hit: Hit) -> list[Item]:
    """Return the items that are among what broke a check."""
    places = frozenset(hit.places)
    return [item for item in stay.items or () if item.place in places]


def hit_by(items: Sequence[Item], like: Hit, values: Mapping[str, str] = {}) -> Hit:
    """Return a hit that these items alone make."""
    return like._replace(
        places=tuple(item.place for item in items),
        codes=tuple(dict.fromkeys(item.code for item in items)),
        ids=tuple(item.id for item in items if item.id),
        values={**like.values, **values},
    )


def names(items: Iterable[Item]) -> str:
    """Return the names of items, each once; the code where none was sent."""
    return "、".join(dict.fromkeys(item.name or item.code for item in items))


def spoken(listed: Sequence[str]) -> tuple[str, str]:
    """Return a list in Chinese and English, cut where it is too long to be read."""
    zh, en = "、".join(listed[:_SPOKEN]), ", ".join(listed[:_SPOKEN])
    return (zh, en) if len(listed) <= _SPOKEN else (f"{zh}等", f"{en} …")


def parts(cell: str | None) -> tuple[str, ...]:
    """Return what a cell lists with ``|`` between."""
    return tuple(part.strip() for part in (cell or "").split("|") if part.strip())


def is_named(diagnosis: Diagnosis, words: Sequence[str]) -> bool:
    """Whether the name of a diagnosis, as written or as the dictionary has it, holds one of some words."""
    if diagnosis.code.startswith(HISTORIES):
        return False
    written = [name for name in (diagnosis.name, diagnosis.standard_name) if name]
    return any(word in name for name in written for word in words) and not any(
        history in name for name in written for history in _HISTORY_WORDS
    )


def mentioned(words: Sequence[str], texts: Iterable[str]) -> bool:
    """Whether one of some words stands in one of some texts, capitals or not."""
    wanted = [word.casefold() for word in words]
    return any(word in text for text in map(str.casefold, texts) for word in wanted)


def window_cell(cell: str) -> str:
    """Read a window: ``stay``, ``day``, ``same_hour``, or hours such as ``6h``."""
    if cell in _NAMED_WINDOWS or (
        cell.endswith("h") and cell[:-1].isdecimal() and 0 < int(cell[:-1]) <= 10_000
    ):
        return cell
    raise CellError("stay, day, same_hour, or hours such as 6h", "stay、day、same_hour 或小时数如 6h", "day")


def window_of(cell: str) -> int:
    """Return the window of a cell; an empty one is a day."""
    named = _NAMED_WINDOWS.get(cell or "day")
    return int(cell[:-1]) * _MINUTES_PER_HOUR if named is None else named


def window_said(cell: str) -> Mapping[str, str]:
    """Return how a window that has no label reads."""
    if cell in _NAMED_WINDOWS:
        return {}
    if not cell:
        return {"window_zh": "同一天", "window_en": "on the same day"}
    return {"window_zh": f"{cell[:-1]}小时内", "window_en": f"within {cell[:-1]} hours"}
