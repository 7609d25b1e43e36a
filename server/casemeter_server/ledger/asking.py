"""Asking for what is kept: the verdict on a stay as nobody is shown it, money and all, without rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple

from casemeter.v1 import encounter_pb2, service_pb2, verdict_pb2
from casemeter_grouper.case import Case
from casemeter_server.caller import Caller
from casemeter_server.evaluation import Evaluator
from casemeter_server.meter_settings import HospitalSettings, MeterSettings
from casemeter_server.prepare import prepare
from casemeter_server.shelf import Shelf

CALL: Final = "ledger"


class Asked(NamedTuple):
    """What is known of a stay at a moment.

    Attributes:
        verdict: on it.
        case: as it was grouped.
        planned: procedures that are planned, as they are used.
        cost_fen: running cost; ``None``: unknown.
        day_of_stay: ``None``: unknown.
        group: by the running cost; empty: none.
    """

    verdict: verdict_pb2.Verdict
    case: Case
    planned: tuple[str, ...]
    cost_fen: int | None
    day_of_stay: int | None
    group: str


class Asker:
    """Asks an evaluator on behalf of nobody. Immutable."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.of = evaluator
        snapshot = replace(evaluator.snapshot, books=Shelf.of([]))
        settings = evaluator.settings
        seen = MeterSettings(
            _seen(settings.default), {name: _seen(one) for name, one in settings.hospitals.items()}
        )
        self._evaluator = replace(evaluator, snapshot=snapshot, settings=seen)

    def ask(self, hospital: str, encounter: encounter_pb2.Encounter, at: datetime, pack: str = "") -> Asked:
        """Ask for a stay as it is known at a moment.

        Raises:
            RequestError: there is no verdict on it.
        """
        request = service_pb2.EvaluateRequest(call_id=CALL, pack=pack, encounter=encounter)
        request.as_of.FromDatetime(at)
        verdict = self._evaluator.evaluate(request, Caller(hospital)).verdict
        versions = self.of.snapshot.schemes.packs[verdict.pack.id]
        loaded = next(one for one in versions if one.ref.bundle_sha256 == verdict.pack.bundle_sha256)
        prepared = prepare(encounter, loaded.codes, at.timestamp(), self.of.zone)
        cost = verdict.meter.cost_fen if verdict.meter.HasField("cost_fen") else None
        facts = loaded.facts(loaded.group(prepared.case, cost))
        return Asked(
            verdict, prepared.case, prepared.planned, cost, prepared.day_of_stay, facts.code if facts else ""
        )


class Asking:
    """Asks the present evaluator, whichever that is."""

    def __init__(self, evaluator: Callable[[], Evaluator]) -> None:
        """Take what gives the present one."""
        self._evaluator = evaluator
        self._asker: Asker | None = None

    @property
    def asker(self) -> Asker:
        """Asks the evaluator of this moment."""
        evaluator = self._evaluator()
        # Making one takes a while, and evaluators seldom change.
        if self._asker is None or self._asker.of is not evaluator:
            self._asker = Asker(evaluator)
        return self._asker


def _seen(settings: HospitalSettings) -> HospitalSettings:
    return replace(settings, money_for=None)
