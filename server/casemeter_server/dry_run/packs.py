"""A new pack in the place of present ones, or beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

from casemeter_server.evaluation import Evaluator
from casemeter_server.meter_settings import HospitalSettings, MeterSettings
from casemeter_server.shelf import Header, Shelf, Versioned, holds_on
from casemeter_server.snapshot import Snapshot

_P = TypeVar("_P", bound=Versioned)
_SHELVES = ("schemes", "policies", "benchmarks", "books")


class Named(NamedTuple):
    """A pack.

    Attributes:
        id: of the pack.
        version: of the pack.
    """

    id: str
    version: str


@dataclass(frozen=True)
class Trial:
    """Both sets of packs.

    Attributes:
        before: answers by the present ones.
        after: answers with the new one.
        new: the new pack.
        replaced: packs whose place it takes; empty: it stands beside the present ones.
    """

    before: Evaluator
    after: Evaluator
    new: Named
    replaced: tuple[Named, ...]


def trial(present: Evaluator, new: Snapshot, replaces: str = "") -> Trial:
    """Return both sets of packs.

    A pack takes the place of those of its id that hold on the same days. If no pack has its id, one that
    groups takes the place of the default; one that prices or measures, that of all for the same scheme; rules
    stand beside the others.

    Args:
        present: answers by the present packs.
        new: the new pack alone.
        replaces: id of the pack whose place it takes; empty: as above.

    Raises:
        ValueError: there is no such pack of that kind.
    """
    present = replace(present, settings=_with_money(present.settings, {}))
    snapshot = present.snapshot
    if new.shadow.sha256:
        had = (Named("shadow", snapshot.shadow.sha256[:12]),) if snapshot.shadow.sha256 else ()
        after = replace(present, snapshot=replace(snapshot, shadow=new.shadow))
        return Trial(present, after, Named("shadow", new.shadow.sha256[:12]), had)
    (name,) = (name for name in _SHELVES if getattr(new, name).packs)
    shelf: Shelf[Any] = getattr(snapshot, name)
    (pack,) = getattr(new, name)
    out = _replaced(shelf, pack.header, replaces, snapshot.default if name == "schemes" else "")
    kept = [one for one in shelf if one not in out]
    ids = {one.header.id: pack.header.id for one in out}
    changes: dict[str, Any] = {name: Shelf.of([*kept, pack])}
    if name == "schemes":
        changes["default"] = ids.get(snapshot.default, snapshot.default) or pack.header.id
        changes["hospital_defaults"] = {
            hospital: ids.get(default, default) for hospital, default in snapshot.hospital_defaults.items()
        }
    changes["plain_charges"] = {**snapshot.plain_charges, **new.plain_charges}
    after = replace(
        present, snapshot=replace(snapshot, **changes), settings=_with_money(present.settings, ids)
    )
    return Trial(present, after, _named(pack), tuple(map(_named, out)))


def _replaced(shelf: Shelf[_P], new: Header, replaces: str, default: str) -> list[_P]:
    """Return the packs whose place the new one takes."""
    if replaces and replaces not in shelf.packs:
        loaded = ", ".join(shelf.packs) or "none"
        raise ValueError(f"no pack '{replaces}' of the kind of '{new.id}' is loaded; loaded: {loaded}")
    name = replaces or new.id
    if name in shelf.packs:
        return [one for one in shelf.packs[name] if name != new.id or _at_once(one.header, new)]
    if default:
        return list(shelf.packs[default])
    scheme = getattr(new, "scheme", "")
    return [one for one in shelf if scheme and getattr(one.header, "scheme", "") == scheme]


def _at_once(one: Header, other: Header) -> bool:
    """Whether two packs hold on the same day."""
    firsts = [day for day in (one.valid_from, other.valid_from) if day]
    last = max(firsts, default="")
    return all(not last or holds_on(_Held(header), last) for header in (one, other))


class _Held(NamedTuple):
    header: Header


def _named(pack: Any) -> Named:
    return Named(pack.header.id, pack.header.version)


def _with_money(settings: MeterSettings, ids: Mapping[str, str]) -> MeterSettings:
    """Return settings that show money to everyone, and choose the packs that are there now."""

    def changed(one: HospitalSettings) -> HospitalSettings:
        payment, benchmark = (ids.get(name, name) for name in (one.payment, one.benchmark))
        return replace(one, money_for=None, payment=payment, benchmark=benchmark)

    hospitals = {hospital: changed(one) for hospital, one in settings.hospitals.items()}
    return MeterSettings(changed(settings.default), hospitals)
