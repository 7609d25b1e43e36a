"""Items that are not charged together: one holds the other already."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules.checks import SAME_DAY, SAME_HOUR, STAY, Excludes, Slot
from casemeter_rules.codes import CodeSet, Key, Space
from casemeter_rules.columns import CellError, Cells, Column, choice, codes, text
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CARE, Context, Kind, Words

_NAMED = {"stay": STAY, "day": SAME_DAY, "same_hour": SAME_HOUR}
_MINUTES_PER_HOUR = 60


def _window(cell: str) -> str:
    if cell in _NAMED or (cell.endswith("h") and cell[:-1].isdigit() and 0 < int(cell[:-1]) <= 10_000):
        return cell
    raise CellError("stay, day, same_hour, or hours such as 6h", "stay、day、same_hour 或小时数如 6h", "day")


def _keys(cells: Cells, column: str) -> tuple[Key, ...]:
    prefix = cells["match"] == "prefix"
    return tuple(key._replace(prefix=prefix) for key in cells[column])


def _checks(cells: Cells, _: Context) -> Iterator[Excludes]:
    window = cells["window"] or "day"
    minutes = _NAMED[window] if window in _NAMED else int(window[:-1]) * _MINUTES_PER_HOUR
    yield Excludes(Slot.ITEM, CodeSet(frozenset(_keys(cells, "b_codes"))), minutes)


KIND = Kind(
    name="exclusive",
    title_zh="重复收费",
    title_en="not charged together",
    finding_class=FindingClass.ORDER,
    subclass="exclusive",
    official_type="医疗服务项目重复收费",
    tier=Tier.WARN,
    phases=CARE,
    facts=("items", "item_time"),
    columns=(
        *(codes("codes", Space.ITEM), text("name"), codes("b_codes", Space.ITEM), text("b_name")),
        *(Column("window", _window, empty=""), choice("match", ("exact", "prefix"), required=False)),
    ),
    key=("codes", "b_codes", "window", "match"),
    triggers=lambda cells, _: _keys(cells, "codes"),
    checks=_checks,
    overrides=("different_site", "data_wrong"),
    words=Words(
        zh="{name}与{b_name}{window_zh}不得同时收费",
        en="{name} and {b_name} are not charged together {window_en}",
        resolve_zh="保留其中一项",
        resolve_en="keep one of the two",
    ),
)
