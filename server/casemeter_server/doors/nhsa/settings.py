"""What a hospital sets of this door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from casemeter_server.facilities import MAX_LEVEL

NEVER: Final = "never"
DISCHARGE: Final = "discharge"
ALWAYS: Final = "always"
_WHEN: Final = (NEVER, DISCHARGE, ALWAYS)
_KNOWN: Final = ("show_yuan", "tell_group", "tell_cost", "levels", "admdvs")
_ADMDVS: Final = 6


@dataclass(frozen=True)
class NhsaSettings:
    """What a hospital sets of this door.

    Attributes:
        show_yuan: whether replies hold amounts of money.
        tell_group: when the group is told: ``never``, at ``discharge``, or ``always``.
        tell_cost: when warnings of cost are told, likewise.
        levels: levels of hospitals (1 to 3) by the code that callers send as ``medins_lv``.
        admdvs: division code of the receiver, which begins ``inf_refmsgid``; empty: that of the message.
    """

    show_yuan: bool = False
    tell_group: str = DISCHARGE
    tell_cost: str = ALWAYS
    levels: Mapping[str, int] = field(default_factory=dict)
    admdvs: str = ""


def read_nhsa_settings(values: Mapping[str, Any], faults: list[str]) -> NhsaSettings:
    """Return the settings of table ``[nhsa]``.

    Args:
        values: of the table.
        faults: where everything that cannot be used is noted; the settings hold only if nothing is.
    """
    before = len(faults)
    for key in sorted(values.keys() - set(_KNOWN)):
        faults.append(f"'nhsa.{key}' is not known; known: {', '.join(_KNOWN)}")
    if not isinstance(values.get("show_yuan", False), bool):
        faults.append(f"'nhsa.show_yuan' is {values['show_yuan']!r}; write true or false")
    for key in ("tell_group", "tell_cost"):
        if values.get(key, ALWAYS) not in _WHEN:
            faults.append(f"'nhsa.{key}' is {values[key]!r}; write one of {', '.join(_WHEN)}")
    levels = values.get("levels", {})
    if not isinstance(levels, dict) or any(
        type(level) is not int or not 1 <= level <= MAX_LEVEL for level in levels.values()
    ):
        faults.append(f"'nhsa.levels' is {levels!r}; write a table like {{ 05 = 2 }}, with levels 1 to 3")
    admdvs = values.get("admdvs", "")
    if not isinstance(admdvs, str) or (admdvs and not (admdvs.isdecimal() and len(admdvs) == _ADMDVS)):
        faults.append(f"'nhsa.admdvs' is {admdvs!r}; write 6 digits, such as \"330100\"")
    return NhsaSettings() if len(faults) > before else NhsaSettings(**values)
