"""What can be asked of the store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, bindparam, func, select

from casemeter_server.store.rows import (
    Access,
    Answer,
    EncounterRow,
    ForecastDay,
    Seal,
    SettingsRow,
    ShownAlert,
    StoredEvent,
    ToldOutcome,
)
from casemeter_server.store.tables import (
    accesses,
    alerts,
    answers,
    encounters,
    events,
    forecast_days,
    outcomes,
    seals,
    settings,
)

_BLOCK: Final = 1_000
"""Rows that are fetched at once where there may be very many."""

# Statements that are asked often are built once: building one takes as long as running it.
_ENCOUNTERS: Final = select(*(encounters.c[name] for name in EncounterRow._fields))
ENCOUNTER: Final = _ENCOUNTERS.where(
    encounters.c.hospital == bindparam("of"), encounters.c.encounter == bindparam("number")
)
_EVENTS: Final = (
    select(*(events.c[name] for name in StoredEvent._fields))
    .where(
        events.c.hospital == bindparam("of"),
        events.c.encounter == bindparam("number"),
        events.c.version > bindparam("after"),
    )
    .order_by(events.c.version, events.c.event_id)
)
_ANSWERS: Final = select(*(answers.c[name] for name in Answer._fields))
_ACCESSES: Final = select(*(accesses.c[name] for name in Access._fields))
_SEALS: Final = select(*(seals.c[name] for name in Seal._fields))
_DAYS: Final = select(*(forecast_days.c[name] for name in ForecastDay._fields))
_OUTCOMES: Final = select(*(outcomes.c[name] for name in ToldOutcome._fields))
_ARRIVALS: Final = select(events.c.kept_at, *(events.c[name] for name in StoredEvent._fields))
_SETTINGS: Final = select(*(settings.c[name] for name in SettingsRow._fields))
_SAME: Final = answers.alias("same")
_LAST_ANSWER: Final = (
    select(func.max(_SAME.c.id))
    .where(
        _SAME.c.hospital == alerts.c.hospital,
        _SAME.c.encounter == alerts.c.encounter,
        _SAME.c.alert_key == alerts.c.alert_key,
    )
    .correlate(alerts)
    .scalar_subquery()
)
_ALERTS: Final = select(
    *(alerts.c[name] for name in ShownAlert._fields if name in alerts.c),
    func.coalesce(answers.c.answer, ""),
    func.coalesce(answers.c.reason, ""),
    func.coalesce(answers.c.text, ""),
    answers.c.at,
).select_from(alerts.outerjoin(answers, answers.c.id == _LAST_ANSWER))


class Reading:
    """Looks into the store, all at one moment. It ends with the work that it was given to.

    What is returned as an iterator streams, and must be read within that work.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def encounter(self, hospital: str, encounter: str) -> EncounterRow | None:
        """Return an encounter; ``None``: there is none."""
        found = self._connection.execute(ENCOUNTER, {"of": hospital, "number": encounter}).first()
        return EncounterRow._make(found) if found else None

    def events(self, hospital: str, encounter: str, after: int = 0) -> list[StoredEvent]:
        """Return the events of an encounter that came after a version of it, in the order of versions."""
        found = self._connection.execute(_EVENTS, {"of": hospital, "number": encounter, "after": after})
        return [StoredEvent._make(row) for row in found]

    def alerts(self, hospital: str, encounter: str) -> list[ShownAlert]:
        """Return what was shown of an encounter, each with the last answer to its key, in the order of time.

        Of several alerts with one key that were shown alike, only the first is among them.
        """
        statement = _ALERTS.where(*_is(alerts, hospital, encounter)).order_by(alerts.c.at, alerts.c.id)
        first: dict[tuple[str, str], ShownAlert] = {}
        for row in self._connection.execute(statement):
            shown = ShownAlert._make(row)
            first.setdefault((shown.alert_key, shown.presentation), shown)
        return list(first.values())

    def alert(self, id: str) -> ShownAlert | None:
        """Return an alert by its number; ``None``: there is none."""
        found = self._connection.execute(_ALERTS.where(alerts.c.id == id)).first()
        return ShownAlert._make(found) if found else None

    def answers(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Answer]:
        """Yield the answers from a moment on and before another one, in the order of time."""
        statement = _ANSWERS.order_by(answers.c.at, answers.c.id)
        if since:
            statement = statement.where(answers.c.at >= since)
        if until:
            statement = statement.where(answers.c.at < until)
        return map(Answer._make, self._stream(statement))

    def encounters(self, since: datetime, until: datetime, hospital: str = "") -> Iterator[EncounterRow]:
        """Yield the encounters that got events from a moment on and before another one; each as it is now.

        Args:
            since: the first moment.
            until: the first moment that is too late.
            hospital: of these only; empty: of all.
        """
        in_time = and_(events.c.kept_at >= since, events.c.kept_at < until)
        keys = select(events.c.hospital, events.c.encounter).where(in_time).distinct().subquery("keys")
        statement = _ENCOUNTERS.join(
            keys, and_(keys.c.hospital == encounters.c.hospital, keys.c.encounter == encounters.c.encounter)
        ).order_by(encounters.c.hospital, encounters.c.encounter)
        if hospital:
            statement = statement.where(encounters.c.hospital == hospital)
        return map(EncounterRow._make, self._stream(statement))

    def settings(self, name: str) -> SettingsRow | None:
        """Return settings as they are now; ``None``: none were ever made."""
        found = self._connection.execute(_SETTINGS.where(settings.c.name == name)).first()
        return SettingsRow._make(found) if found else None

    def seals(self, hospital: str, encounter: str) -> list[Seal]:
        """Return the seals of an encounter, the oldest first."""
        statement = _SEALS.where(*_is(seals, hospital, encounter)).order_by(seals.c.at, seals.c.id)
        return [Seal._make(row) for row in self._connection.execute(statement)]

    def accesses(self, hospital: str, encounter: str) -> Iterator[Access]:
        """Yield the looks at a patient of a hospital, whoever looked, in the order they were written down."""
        statement = _ACCESSES.where(
            accesses.c.of_hospital == hospital, accesses.c.encounter == encounter
        ).order_by(accesses.c.id)
        return map(Access._make, self._stream(statement))

    def arrivals(self, hospital: str, encounter: str) -> list[tuple[datetime, StoredEvent]]:
        """Return the events of an encounter in the order of versions, each with the moment it was kept."""
        statement = _ARRIVALS.where(*_is(events, hospital, encounter))
        found = self._connection.execute(statement.order_by(events.c.version, events.c.event_id))
        return [(kept_at, StoredEvent._make(row)) for kept_at, *row in found]

    def forecast_days(self, since: str, until: str, hospital: str = "") -> Iterator[ForecastDay]:
        """Yield the forecasts of the days from one to another, both included.

        Those of one stay come together, in the order of days.

        Args:
            since: the first day, as ``YYYY-MM-DD``.
            until: the last one.
            hospital: of this one only; empty: of all.
        """
        key = forecast_days.c
        statement = _DAYS.where(key.day >= since, key.day <= until)
        if hospital:
            statement = statement.where(key.hospital == hospital)
        return map(ForecastDay._make, self._stream(statement.order_by(key.hospital, key.encounter, key.day)))

    def count_forecast_days(self, since: str, until: str, hospital: str = "") -> int:
        """Return how many :meth:`forecast_days` yields."""
        key = forecast_days.c
        statement = select(func.count()).where(key.day >= since, key.day <= until)
        if hospital:
            statement = statement.where(key.hospital == hospital)
        return self._connection.execute(statement).scalar_one()

    def outcomes(self, hospital: str, encounter: str) -> list[ToldOutcome]:
        """Return the final groups of an encounter that were told otherwise than by events, by source."""
        statement = _OUTCOMES.where(*_is(outcomes, hospital, encounter)).order_by(outcomes.c.source)
        return [ToldOutcome._make(row) for row in self._connection.execute(statement)]

    def _stream(self, statement: Select[Any]) -> Iterator[Any]:
        return iter(self._connection.execute(statement, execution_options={"yield_per": _BLOCK}))


def _is(table: Any, hospital: str, encounter: str) -> tuple[Any, Any]:
    return table.c.hospital == hospital, table.c.encounter == encounter
