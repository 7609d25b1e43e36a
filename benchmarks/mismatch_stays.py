"""Planted mismatches as stays of a store: events that arrive, forecasts kept, final groups told."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from google.protobuf import json_format

from casemeter.v1 import living_pb2
from casemeter.v1.encounter_pb2 import Encounter
from casemeter_grouper.case import Case
from casemeter_grouper.reconcile.versions import Versions
from casemeter_server.encounters.fold import Fold
from casemeter_server.evaluation import Evaluator
from casemeter_server.ledger.asking import Asked, Asker
from casemeter_server.ledger.keeping import day_of
from casemeter_server.ledger.reconciling import HeldStay, held_stays
from casemeter_server.ledger.settle import settle
from casemeter_server.snapshot import Snapshot
from casemeter_server.stay_facts import MIN_WEIGHT_G
from casemeter_server.store.rows import StoredEvent
from casemeter_server.store.store import Store, Writing
from mismatches import Mismatch

ZONE: Final = ZoneInfo("Asia/Shanghai")
HOSPITAL: Final = "H1"
ADMITTED: Final = datetime(2026, 6, 1, 0, 0, tzinfo=UTC)
"""08:00 of the hospital's first of June; the stay is asked about twelve hours later."""

_SEX: Final = {"M": "SEX_MALE", "F": "SEX_FEMALE"}
_WAY: Final = {
    "1": "HOME",
    "2": "TRANSFER",
    "3": "COMMUNITY",
    "4": "WITHOUT_ORDER",
    "5": "DEATH",
    "9": "OTHER",
}


class AsRecorded(Asker):
    """Stands in for a forecast bundle: every stay ends where it stands. Whatever moves it is a mismatch."""

    def ask(self, hospital: str, encounter: Encounter, at: datetime, pack: str = "") -> Asked:
        """Ask, and add the forecast."""
        asked = super().ask(hospital, encounter, at, pack)
        forecast = asked.verdict.forecast
        forecast.bundle.id, forecast.bundle.bundle_sha256 = "made_up_forecast", "f" * 64
        forecast.set_size, forecast.level = 1, 0.9
        forecast.groups.add(code=asked.group, probability=0.8)
        forecast.basis.planned_group = asked.group
        return asked


def asker_of(bundle: Path) -> Asker:
    """Return what asks by one pack."""
    return AsRecorded(Evaluator(Snapshot.open([bundle]), ZONE))


def as_stay(mismatch: Mismatch) -> Mismatch:
    """Return a mismatch with facts that a stay can have which is asked about on its first day."""
    final = mismatch.after.case
    years, days = final.age_years, final.age_days
    if years is not None:
        days = None
    elif days is not None:
        years, days = (0.0, days) if days < 365 else (days // 366, None)
    weight = final.birth_weight_g
    known: dict[str, Any] = {
        "age_years": years,
        "age_days": days,
        "icu_hours": 0.0 if final.icu_hours is None and final.department else final.icu_hours,
        "department": final.department,
        "birth_weight_g": None if weight is None else max(weight, float(MIN_WEIGHT_G)),
        "sex": final.sex,
    }
    before = mismatch.before.case._replace(**known, los_days=1.0, discharge_way=None)
    after = final._replace(**known, los_days=max(1.0, min(final.los_days or 1.0, 300.0)))
    return mismatch._replace(
        before=mismatch.before._replace(case=before), after=mismatch.after._replace(case=after)
    )


def keep(store: Store, asker: Asker, number: str, mismatch: Mismatch) -> None:
    """Let a stay be lived: its first day, the forecast of that day, and what came to be known later."""
    before, after = mismatch.before.case, mismatch.after.case
    discharged = ADMITTED + timedelta(days=max(1, int(after.los_days or 1)))
    first = [*_fact_events(before), *_first_events(mismatch, ADMITTED + timedelta(hours=1))]
    _arrive(store, number, first, ADMITTED + timedelta(hours=2))
    fold = Fold(number)
    fold.add(first)
    row = day_of(asker, HOSPITAL, number, fold.state(), ADMITTED + timedelta(hours=12))
    assert row is not None, "nothing was foretold"
    store.record(row)
    by_then, later = ADMITTED + timedelta(hours=3), ADMITTED + timedelta(days=1)
    events = [*_later_events(mismatch, by_then, later), _discharge_event(after, discharged)]
    _arrive(store, number, events, later + timedelta(hours=1))


def tell_coder(store: Store, number: str, mismatch: Mismatch, *, codes: bool) -> None:
    """Tell the coder's group by an event, with codes or without."""
    outcome = {"source": "OUTCOME_SOURCE_CODER", "outcome": _told(mismatch, codes=codes)}
    event = _event("z", ADMITTED + timedelta(days=400), {"outcome": outcome})
    _arrive(store, number, [event], ADMITTED + timedelta(days=400))


def tell_bureau(store: Store, folder: Path, mismatches: Mapping[str, Mismatch]) -> None:
    """Tell the bureau's groups by a file."""
    lines = ["encounter,group,pack_version,diagnoses,procedures"]
    for number, mismatch in mismatches.items():
        told = _told(mismatch, codes=True)
        codes = ("|".join(told[kind]) for kind in ("diagnoses", "procedures"))
        lines.append(",".join((number, told["group"], told.get("pack_version", ""), *codes)))
    file = folder / "settled.csv"
    file.write_text("\n".join(lines) + "\n", "utf-8")
    settle(store, file, "bureau", HOSPITAL)


def hold(store: Store, versions: Versions) -> list[HeldStay]:
    """Hold all stays of a store against their final groups."""
    return store.read_now(
        lambda reading: list(held_stays(reading, versions, ZONE, "0001-01-01", "9999-12-31"))
    )


def _told(mismatch: Mismatch, *, codes: bool) -> dict[str, Any]:
    case, version = mismatch.after.case, mismatch.after.version
    told: dict[str, Any] = {"group": mismatch.groups[1]}
    if version.sha256 != mismatch.before.version.sha256:
        told["pack_version"] = version.header.version
    if codes:
        told |= {"diagnoses": list(case.diagnoses), "procedures": list(case.procedures)}
    return told


def _arrive(store: Store, number: str, events: Sequence[living_pb2.EncounterEvent], at: datetime) -> None:
    def work(writing: Writing) -> None:
        row, _ = writing.lock(HOSPITAL, number, at)
        writing.add_events(row, [_stored(event) for event in events], at)

    store.write_now(work)


def _stored(event: living_pb2.EncounterEvent) -> StoredEvent:
    data = event.SerializeToString(deterministic=True)
    return StoredEvent(event.event_id, hashlib.sha256(data).digest(), data)


def _event(number: str, time: datetime, content: Mapping[str, Any]) -> living_pb2.EncounterEvent:
    values = {"eventId": number, "time": time.isoformat(), **content}
    return json_format.ParseDict(values, living_pb2.EncounterEvent())


def _fact_events(case: Case) -> Iterator[living_pb2.EncounterEvent]:
    values: dict[str, Any] = {"admissionTime": ADMITTED.isoformat()}
    if case.sex:
        values["sex"] = _SEX[case.sex]
    if case.age_years is not None:
        values["age"] = {"years": int(case.age_years)}
        if case.age_days is not None:
            values["age"]["days"] = int(case.age_days)
    if case.birth_weight_g is not None:
        values["newborn"] = {"birthWeightG": int(case.birth_weight_g)}
    if case.icu_hours is not None:
        values["icuHours"] = case.icu_hours
    yield _event("facts", ADMITTED, {"facts": {"values": values}})
    if case.department:
        segment = {"department": case.department, "startTime": ADMITTED.isoformat()}
        yield _event("segment", ADMITTED, {"segment": {"id": "s1", "segment": segment}})


def _discharge_event(case: Case, at: datetime) -> living_pb2.EncounterEvent:
    values = {"dischargeTime": at.isoformat()}
    if case.discharge_way:
        values["dischargeWay"] = f"DISCHARGE_WAY_{_WAY[case.discharge_way]}"
    return _event("discharge", at, {"facts": {"values": values}})


_KINDS: Final = {"diagnoses": "diagnosis", "procedures": "procedure"}

_Item = tuple[str, int]
"""A code, and how often it stood before in the same list."""


def _items(codes: Sequence[str]) -> list[_Item]:
    seen: Counter[str] = Counter()
    items = []
    for code in codes:
        items.append((code, seen[code]))
        seen[code] += 1
    return items


def _places(codes: Sequence[str], final: Mapping[_Item, int]) -> dict[_Item, int]:
    """Return places that keep codes in order, the same as the final ones where that is possible."""
    places: dict[_Item, int] = {}
    last = -1
    for item in _items(codes):
        last = final[item] if final.get(item, -1) > last else last + 1
        places[item] = last
    return places


def _final_places(codes: Sequence[str]) -> dict[_Item, int]:
    return {item: 10 * at for at, item in enumerate(_items(codes))}


def _code_event(
    name: str, kind: str, item: _Item, place: int | None, time: datetime
) -> living_pb2.EncounterEvent:
    """A code that is recorded, or gone where it has no place."""
    single = _KINDS[kind]
    number = f"{kind}-{item[0]}-{item[1]}"[:64]
    content: dict[str, Any] = {"id": number}
    if place is not None:
        content |= {single: {"code": item[0]}, "position": place}
    return _event(f"{name}{number}"[:64], time, {single: content})


def _first_events(mismatch: Mismatch, time: datetime) -> Iterator[living_pb2.EncounterEvent]:
    for kind in _KINDS:
        final = _final_places(getattr(mismatch.after.case, kind))
        for item, place in _places(getattr(mismatch.before.case, kind), final).items():
            yield _code_event("a", kind, item, place, time)


def _later_events(
    mismatch: Mismatch, by_then: datetime, later: datetime
) -> Iterator[living_pb2.EncounterEvent]:
    """What came to be known on the next day: late, if it had come about by then; else new of that day."""
    for kind in _KINDS:
        final = _final_places(getattr(mismatch.after.case, kind))
        stood = _places(getattr(mismatch.before.case, kind), final)
        came = mismatch.late.came(kind)
        for item, place in final.items():
            if stood.get(item) != place:
                yield _code_event("b", kind, item, place, by_then if item[0] in came else later)
        for item in stood:
            if item not in final:
                yield _code_event("b", kind, item, None, later)
