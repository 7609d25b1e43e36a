"""Whether what is typed is said to be there: 待查, 排除, 病史, 术后, 家族史."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import cast

from casemeter_rules.terms.model import State
from casemeter_rules.terms.tables import column, rows

_ORDER: tuple[State, ...] = (
    "family_history",
    "ruled_out",
    "suspected",
    "post_procedure",
    "history",
    "confirmed",
)
_EDGES = " :：()[]{}（）【】.。-—_*'\"“”!,，"
_AFTERWARDS = re.compile(r"(?:\(?\+\)?|[0-9一二两三四五六七八九十半数]+余?(?:年|个?月|天|日|周|次)余?|阳性)$")


def _words(place: str) -> tuple[tuple[str, State], ...]:
    found = [(row["words"], cast("State", row["state"])) for row in rows("states") if row["place"] == place]
    return tuple(sorted(found, key=lambda pair: (-len(pair[0]), pair[0])))


_BEFORE, _AFTER = _words("before"), _words("after")
_NOT_STATES = column("negation_exceptions", "words")


@dataclass(frozen=True, slots=True)
class Said:
    """What is left of a text without the words that say its state.

    Attributes:
        core: the rest of the text; empty where only the state was said.
        state: the state said, ``confirmed`` where none is.
        opens: whether the state was said before the core, so that it may hold for what follows.
        longer: the core with a 病 that may belong to it as well as to 病史; None where there is none.
    """

    core: str
    state: State
    opens: bool
    longer: str | None = None


def said(text: str) -> Said:
    """Take the words that say a state off both ends of a folded text."""
    core, states, opens, longer = text.strip(_EDGES), set[State](), False, None
    while core:
        before = _leading(core)
        if before is not None:
            word, state = before
            core, opens = core[len(word) :].strip(_EDGES), True
            longer = longer[len(word) :].strip(_EDGES) if longer else None
            states.add(state)
            continue
        after = _trailing(core)
        if after is None:
            break
        if core[len(after[0]) :].lstrip(_EDGES).startswith("病史"):
            longer = after[0] + "病"
        core, state = after
        states.add(state)
    return Said(core, min(states, key=_ORDER.index, default="confirmed"), opens, longer)


def closes(text: str) -> bool:
    """Whether a folded text is nothing but words that say the state of what stands before."""
    bare = text.strip(_EDGES)
    return any(bare == word for word, _ in _AFTER)


def _leading(core: str) -> tuple[str, State] | None:
    if core.startswith(_NOT_STATES):
        return None
    return next((pair for pair in _BEFORE if core.startswith(pair[0])), None)


def _trailing(core: str) -> tuple[str, State] | None:
    bare = core
    while True:
        for word, state in _AFTER:
            if bare.endswith(word):
                return bare[: -len(word)].strip(_EDGES), state
        shorter = _AFTERWARDS.sub("", bare).strip(_EDGES)
        if shorter == bare or not shorter:
            return None
        bare = shorter
