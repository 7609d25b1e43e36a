"""The report of a dry run: as text, and as JSON."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from casemeter_server.dry_run.compare import Comparison, Move, RuleChange
from casemeter_server.dry_run.packs import Named


@dataclass(frozen=True)
class Report:
    """A dry run.

    Attributes:
        found: what differs.
        new: the pack that was tried.
        replaced: packs whose place it took.
        day: whose encounters they are, as YYYY-MM-DD.
        as_of: the moment of all answers, as RFC 3339 has it.
        role: of the clinician whose interruptions are counted.
    """

    found: Comparison
    new: Named
    replaced: tuple[Named, ...]
    day: str
    as_of: str
    role: str

    def lines(self, language: str, limit: int | None) -> Iterator[str]:
        """Yield the report line by line.

        Args:
            language: ``en`` or ``zh``.
            limit: how many stays are listed of each move, and of those that cannot be evaluated; ``None``:
                all.
        """
        yield from self._heading(language)
        yield from _groups(self.found, language, limit)
        yield from _payment(self.found, language)
        yield from self._alerts(language)
        yield from _refused(self.found, language, limit)
        if self.found.stays:
            yield _time(self.found, language)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON has it; money in fen, time in nanoseconds."""
        found = self.found
        moves = sorted(found.moves.values(), key=_order)
        return {
            "new": self.new._asdict(),
            "replaced": [pack._asdict() for pack in self.replaced],
            "day": self.day,
            "as_of": self.as_of,
            "stays": found.stays,
            "moves": [_move_dict(move) for move in moves if move.before != move.after],
            "payment": {
                **_sums(moves),
                "by_group": [
                    {"before": move.before, "after": move.after, **_sums([move])}
                    for move in moves
                    if move.before_fen != move.after_fen
                ],
                "unpriced": [
                    {"before": before, "after": after, "stays": count}
                    for (before, after), count in sorted(found.unpriced.items())
                ],
            },
            "alerts": {
                "role": self.role,
                "interruptions": _interruptions(found.rules.values()),
                "rules": [_rule_dict(rule) for _, rule in sorted(found.rules.items()) if rule.changes],
            },
            "refused": [
                {"hospital": hospital, "encounter": encounter, "before": before, "after": after}
                for hospital, encounter, before, after in found.refused
            ],
            "time_ns": {"before": _times(found.before_ns), "after": _times(found.after_ns)},
        }

    def _heading(self, language: str) -> Iterator[str]:
        new = _say("pack", language, **self.new._asdict())
        replaced = ", ".join(_say("pack", language, **pack._asdict()) for pack in self.replaced)
        key = "title" if replaced else "title_beside"
        yield _say(key, language, new=new.strip(), replaced=replaced, stays=self.found.stays)
        yield "  " + _say("when", language, day=self.day, as_of=self.as_of)

    def _alerts(self, language: str) -> Iterator[str]:
        rules = self.found.rules.values()
        yield _say(
            "alerts",
            language,
            new=sum(rule.new for rule in rules),
            gone=sum(rule.gone for rule in rules),
            role=self.role,
            **_interruptions(rules),
        )
        changed = [rule for rule in rules if rule.changes]
        for rule in sorted(changed, key=lambda rule: (-rule.new - rule.gone, rule.rule)):
            text = rule.text_zh if language == "zh" else rule.text_en
            yield "  " + _say("rule", language, rule=rule.rule, what=_what(rule, language), text=text)


def _groups(found: Comparison, language: str, limit: int | None) -> Iterator[str]:
    moves = sorted((move for move in found.moves.values() if move.before != move.after), key=_order)
    moved = sum(move.stays for move in moves)
    yield _say("groups", language, moved=moved, stays=found.stays - len(found.refused))
    for move in moves:
        listed = " ".join(f"{hospital}/{encounter}" for hospital, encounter in move.listed[:limit])
        if limit is not None and len(move.listed) > limit:
            listed += " " + _say("more", language, count=len(move.listed) - limit)
        before, after = (_reason(place, language) for place in (move.before, move.after))
        yield "  " + _say("move", language, before=before, after=after, stays=move.stays, listed=listed)


def _payment(found: Comparison, language: str) -> Iterator[str]:
    moves = sorted(found.moves.values(), key=lambda move: (move.before_fen - move.after_fen, *_order(move)))
    yield _say("payment", language, **_money(moves))
    for move in moves:
        if move.before_fen == move.after_fen:
            continue
        before, after = (_reason(place, language) for place in (move.before, move.after))
        if move.before == move.after:
            yield "  " + _say("stayed", language, group=before, **_money([move]))
        else:
            yield "  " + _say("paid", language, **_money([move]) | {"before": before, "after": after})
    for (old, new), count in sorted(found.unpriced.items(), key=lambda item: (-item[1], item[0])):
        before, after = (_reason(why, language) or _say("has", language) for why in (old, new))
        why = before if old == new else _say("change", language, before=before, after=after)
        yield "  " + _say("unpriced", language, stays=count, why=why)


def _refused(found: Comparison, language: str, limit: int | None) -> Iterator[str]:
    if not found.refused:
        return
    yield _say("refused", language, stays=len(found.refused))
    for hospital, encounter, old, new in found.refused[:limit]:
        before, after = (why or _say("evaluated", language) for why in (old, new))
        stay = {"hospital": hospital, "encounter": encounter}
        yield "  " + _say("refusal", language, before=before, after=after, **stay)
    if limit is not None and len(found.refused) > limit:
        yield "  " + _say("more", language, count=len(found.refused) - limit)


def _time(found: Comparison, language: str) -> str:
    before, after = _times(found.before_ns), _times(found.after_ns)
    shown = {"before": before["mean"], "after": after["mean"]}
    shown |= {"before_99": before["99 %"], "after_99": after["99 %"]}
    return _say("time", language, **{name: f"{ns / 1e6:.2f} ms" for name, ns in shown.items()})


def _what(rule: RuleChange, language: str) -> str:
    counts = {"new": rule.new, "gone": rule.gone}
    what = [_say(name, language, count=count) for name, count in counts.items() if count]
    for (before, after), count in sorted(rule.tiers.items()):
        what.append(_say("tier", language, count=count, before=before, after=after))
    if rule.interruptions_before != rule.interruptions_after:
        what.append(_say("interruptions", language, **_interruptions([rule])))
    return ", ".join(what)


def _interruptions(rules: Any) -> dict[str, int]:
    before = sum(rule.interruptions_before for rule in rules)
    return {"before": before, "after": sum(rule.interruptions_after for rule in rules)}


def _order(move: Move) -> tuple[int, str, str]:
    return (-move.stays, move.before, move.after)


def _sums(moves: Sequence[Move]) -> dict[str, int]:
    before, after = sum(move.before_fen for move in moves), sum(move.after_fen for move in moves)
    priced = sum(move.priced for move in moves)
    return {"priced": priced, "before_fen": before, "after_fen": after, "difference_fen": after - before}


def _money(moves: Sequence[Move]) -> dict[str, object]:
    sums = _sums(moves)
    difference = sums["difference_fen"]
    return {
        "priced": sums["priced"],
        "before": _yuan(sums["before_fen"]),
        "after": _yuan(sums["after_fen"]),
        "difference": ("+" if difference > 0 else "") + _yuan(difference),
    }


def _yuan(fen: int) -> str:
    yuan, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}¥{yuan:,}.{rest:02}"


def _times(nanoseconds: Sequence[int]) -> dict[str, int]:
    if not nanoseconds:
        return {}
    ranked = sorted(nanoseconds)
    return {"mean": sum(ranked) // len(ranked), "99 %": ranked[(len(ranked) - 1) * 99 // 100]}


def _move_dict(move: Move) -> dict[str, Any]:
    listed = [{"hospital": hospital, "encounter": encounter} for hospital, encounter in move.listed]
    return {"before": move.before, "after": move.after, "stays": move.stays, "listed": listed}


def _rule_dict(rule: RuleChange) -> dict[str, Any]:
    return {
        "rule": rule.rule,
        "text_zh": rule.text_zh,
        "text_en": rule.text_en,
        "new": rule.new,
        "gone": rule.gone,
        "tiers": [
            {"before": before, "after": after, "alerts": count}
            for (before, after), count in sorted(rule.tiers.items())
        ],
        "interruptions": _interruptions([rule]),
    }


@cache
def _words() -> dict[str, dict[str, dict[str, str]]]:
    text = resources.files("casemeter_server.dry_run").joinpath("words.toml").read_text("utf-8")
    return tomllib.loads(text)


def _say(key: str, language: str, **values: object) -> str:
    return _words()["said"][key][language].format(**values)


def _reason(place: str, language: str) -> str:
    """Return a group as it is, or a reason in words."""
    known = _words()["reason"].get(place)
    return known[language] if known else place
