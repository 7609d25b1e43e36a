"""What can be kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Insert, Update, bindparam, insert, select, update

from casemeter_server.store.database import SETTINGS, Database, Key
from casemeter_server.store.reading import ENCOUNTER, Reading
from casemeter_server.store.rows import Answer, EncounterRow, Seal, SettingsRow, StoredEvent, ToldOutcome
from casemeter_server.store.tables import answers, encounters, events, outcomes, seals, settings

_IDS_AT_ONCE: Final = 500
# On SQLite these are plain: whoever may write is alone.
_WAIT_FOR: Final = ENCOUNTER.with_for_update()
_FIND_FREE: Final = ENCOUNTER.with_for_update(skip_locked=True)
_OPEN: Final = insert(encounters)
_KNOWN: Final = select(events.c.event_id, events.c.digest).where(
    events.c.hospital == bindparam("of"),
    events.c.encounter == bindparam("number"),
    events.c.event_id.in_(bindparam("ids", expanding=True)),
)
_ADD: Final = insert(events)


class Held(Exception):
    """Another process holds what is asked for, and waiting for it here could make two wait for each other."""


class Writing(Reading):
    """Keeps something; all of it or, if the work fails, nothing.

    Attributes:
        changed: what is announced once it is committed.
        wrote: whether anything was written so far.
    """

    def __init__(self, connection: Connection, database: Database, *, wait: bool) -> None:
        """Begin.

        Args:
            connection: in a transaction.
            database: that it belongs to.
            wait: whether nothing is held yet in this transaction. Only then is it safe to wait for what
                others hold: whoever waits holds nothing that another one may wait for.
        """
        super().__init__(connection)
        self._database, self._wait = database, wait
        self.changed: set[Key] = set()
        self.wrote = False

    def lock(self, hospital: str, encounter: str, at: datetime) -> tuple[EncounterRow, bool]:
        """Hold an encounter until this work is committed; nobody else changes it meanwhile.

        Args:
            hospital: of the encounter.
            encounter: its number.
            at: when it is opened, if there is none.

        Returns:
            The encounter, and whether it was opened now: it then is at version 0.
        """
        found = self._find(hospital, encounter)
        if not found:
            self._hold((hospital, encounter))
            # Somebody may have opened it while this one waited.
            found = self._find(hospital, encounter)
        if found:
            return found, False
        row = EncounterRow(hospital, encounter, 0, at, at)
        self._write(_OPEN, {**row._asdict(), "change": 0})
        return row, True

    def known(self, hospital: str, encounter: str, event_ids: Iterable[str]) -> dict[str, bytes]:
        """Return the digests of those events that are kept already, by event_id."""
        asked = list(dict.fromkeys(event_ids))
        found: dict[str, bytes] = {}
        for at in range(0, len(asked), _IDS_AT_ONCE):
            place = {"of": hospital, "number": encounter, "ids": asked[at : at + _IDS_AT_ONCE]}
            found.update((id, digest) for id, digest in self._connection.execute(_KNOWN, place))
        return found

    def add_events(self, row: EncounterRow, new: Sequence[StoredEvent], at: datetime) -> int:
        """Keep events of an encounter that is held; return its version with them, one more than before."""
        version = self._move_on(row, at)
        place = {"hospital": row.hospital, "encounter": row.encounter, "version": version, "kept_at": at}
        self._write(_ADD, [{**place, **event._asdict()} for event in new])
        return version

    def add_answer(self, answer: Answer) -> int:
        """Keep an answer; return the version of its encounter with it, 0 if none is open."""
        row = self._find(answer.hospital, answer.encounter)
        self._write(insert(answers), answer._asdict())
        return self._move_on(row, answer.at) if row else 0

    def put_settings(
        self, name: str, content: str, if_version: int, by: str, at: datetime
    ) -> SettingsRow | None:
        """Change settings, unless somebody else has done so meanwhile.

        Args:
            name: which.
            content: the text of them.
            if_version: the version that the change was made from; 0: there was none.
            by: who changes them.
            at: when.

        Returns:
            As they are now; ``None``: they are of another version by now, and nothing was changed.
        """
        self._hold(("settings", name))
        before = self.settings(name)
        if (before.version if before else 0) != if_version:
            return None
        row = SettingsRow(name, content, if_version + 1, by, at)
        values = {**row._asdict(), "change": self._database.change}
        how = update(settings).where(settings.c.name == name) if before else insert(settings)
        self._write(how.values(values))
        self.changed.add(SETTINGS)
        return row

    def add_seal(self, seal: Seal) -> None:
        """Keep a seal."""
        self._write(insert(seals), seal._asdict())

    def put_outcomes(self, told: Sequence[ToldOutcome]) -> None:
        """Keep final groups; one of the same stay and source is replaced, unless it was told later."""
        self._write(self._database.put_later(outcomes), [outcome._asdict() for outcome in told])

    def _find(self, hospital: str, encounter: str) -> EncounterRow | None:
        """Return an encounter and hold it; ``None``: there is none."""
        statement = _WAIT_FOR if self._wait else _FIND_FREE
        found = self._connection.execute(statement, {"of": hospital, "number": encounter}).first()
        if not found and not self._wait and self.encounter(hospital, encounter):
            raise Held
        return EncounterRow._make(found) if found else None

    def _hold(self, key: Key) -> None:
        """Hold something that may not be there yet."""
        if not self._database.hold(self._connection, key, wait=self._wait):
            raise Held

    def _move_on(self, row: EncounterRow, at: datetime) -> int:
        self.changed.add((row.hospital, row.encounter))
        version = row.version + 1
        values = {"of": row.hospital, "number": row.encounter, "new_version": version, "at": at}
        self._write(self._database.move_on, values)
        return version

    def _write(self, statement: Insert | Update, values: Any = None) -> None:
        self.wrote = True
        self._connection.execute(statement, values)
