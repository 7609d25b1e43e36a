"""What the store holds, row by row. It knows of no message and of no rule."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class StoredEvent(NamedTuple):
    """An event of an encounter.

    Attributes:
        event_id: the sender's number of it, unique within the encounter.
        digest: tells contents apart.
        data: the event itself, in its own encoding.
    """

    event_id: str
    digest: bytes
    data: bytes


class EncounterRow(NamedTuple):
    """An encounter.

    Attributes:
        hospital: whose stay it is.
        encounter: the hospital's number of the stay, unique within the hospital.
        version: counts what was acknowledged for it; 0: nothing was so far.
        opened_at: when it was first heard of.
        changed_at: when the latest version came about.
    """

    hospital: str
    encounter: str
    version: int
    opened_at: datetime
    changed_at: datetime


class ShownAlert(NamedTuple):
    """A finding as a reply showed it, with the last answer to its key.

    Attributes:
        id: number of the alert, unique.
        hospital: of the encounter.
        encounter: its number.
        at: when it was shown.
        rule: id of the rule.
        alert_key: what makes it the same alert in the next reply.
        tier: how grave it was.
        band: step of severity.
        presentation: how it was shown.
        state_hash: state that it was shown with; empty: none was kept.
        role: to whom it was shown.
        user: to whom it was shown.
        door: where the question came in.
        answer: the last answer; empty: none came.
        reason: code of the override reason.
        text: what was added in words.
        answered_at: when; ``None``: no answer came.
    """

    id: str
    hospital: str
    encounter: str
    at: datetime
    rule: str
    alert_key: str
    tier: int
    band: str
    presentation: str
    state_hash: str
    role: str
    user: str
    door: str
    answer: str = ""
    reason: str = ""
    text: str = ""
    answered_at: datetime | None = None


class Answer(NamedTuple):
    """An answer to a finding.

    Attributes:
        hospital: of the encounter.
        encounter: its number.
        rule: id of the rule.
        alert_key: of the alert.
        at: when it was answered.
        answer: accepted, overridden, ignored or cause_gone.
        reason: code of the override reason; empty: none.
        text: what was added in words; empty: nothing.
        state_hash: state that was answered to.
        user: who answered.
        role: who answered.
        alert: number of the alert; empty: not known.
    """

    hospital: str
    encounter: str
    rule: str
    alert_key: str
    at: datetime
    answer: str
    reason: str
    text: str
    state_hash: str
    user: str
    role: str
    alert: str = ""


class Access(NamedTuple):
    """One look at a patient.

    Attributes:
        at: when.
        hospital: whose user looked.
        user: who looked.
        role: who looked.
        department: where the user works.
        call: what was called.
        encounter: number of the encounter that was looked at.
        of_hospital: whose encounter it is.
    """

    at: datetime
    hospital: str
    user: str
    role: str
    department: str
    call: str
    encounter: str
    of_hospital: str


class Seal(NamedTuple):
    """A seal of a checked front page.

    Attributes:
        id: number of the seal, unique.
        hospital: of the encounter.
        encounter: its number.
        at: when it was sealed.
        user: who sealed it.
        content_sha256: hash of what was sealed.
        token: the seal itself.
    """

    id: str
    hospital: str
    encounter: str
    at: datetime
    user: str
    content_sha256: str
    token: str


class SettingsRow(NamedTuple):
    """Settings.

    Attributes:
        name: which.
        content: the text of them.
        version: counts the changes, from 1.
        changed_by: who made the last one.
        changed_at: when.
    """

    name: str
    content: str
    version: int
    changed_by: str
    changed_at: datetime


class ForecastDay(NamedTuple):
    """The last forecast of a stay on one day of the hospital's calendar.

    Attributes:
        hospital: of the encounter.
        encounter: its number.
        day: as ``YYYY-MM-DD``.
        at: when it was made; of two of one day the later one is kept.
        day_of_stay: the day of admission is 1.
        state_hash: of the state that it was made from.
        pack: id of the pack that grouped.
        pack_version: its version.
        pack_sha256: hash of its bundle.
        bundle_sha256: hash of the forecast bundle.
        group: the group as recorded; empty: none.
        planned_group: the group with the planned procedures done; empty: not told.
        content: the forecast, and the case that it was made of, as JSON.
    """

    hospital: str
    encounter: str
    day: str
    at: datetime
    day_of_stay: int
    state_hash: str
    pack: str
    pack_version: str
    pack_sha256: str
    bundle_sha256: str
    group: str
    planned_group: str
    content: str


class ToldOutcome(NamedTuple):
    """The final group of a stay, as it was told by another way than an event.

    Attributes:
        hospital: of the encounter.
        encounter: its number.
        source: who puts it there: ``coder`` or ``bureau``.
        at: when it was told; of two of one source the later one is kept.
        way: how: ``seal`` or ``file``.
        group: its code.
        pack: id of the pack; empty: the hospital's default.
        pack_version: its version; empty: that of the day of discharge.
        content: codes, cost and payment as far as they were told, as JSON.
    """

    hospital: str
    encounter: str
    source: str
    at: datetime
    way: str
    group: str
    pack: str
    pack_version: str
    content: str


Recorded = ShownAlert | Access | ForecastDay
"""What is written down beside a reply, which does not wait for it."""
