"""The rules stage of a call, whichever way the request goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from functools import cache
from math import nan
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from casemeter.v1 import finding_pb2, service_pb2, verdict_pb2
from casemeter_rules.advice import GroupOutcome
from casemeter_rules.alerting.policy import Policy
from casemeter_rules.checks import NUMBERS
from casemeter_rules.coding.lookup import Codes, looked_up
from casemeter_rules.compiled.compiler import PHASE_BITS
from casemeter_rules.engine import Seen, find
from casemeter_rules.facts import Phase, Stay
from casemeter_server.caller import Caller
from casemeter_server.care import phase_of, stay_of
from casemeter_server.facilities import Facility, insurance_kind
from casemeter_server.loaded import LoadedPack
from casemeter_server.metering import Metering
from casemeter_server.plain.calendar import iso_day, offsets_of
from casemeter_server.plain.care import PlainCare
from casemeter_server.plain.reader import PlainAnswer
from casemeter_server.prepare import Prepared, prepare
from casemeter_server.ruling import ADVISED, Ruling
from casemeter_server.snapshot import Snapshot

_MAX_DAYS: Final = 1024
_NO_CONTEXT: Final = finding_pb2.AlertContext()


class RulesStage:
    """Finds what is wrong with stays by the rules of a snapshot. Holds nothing of any stay.

    Attributes:
        has_rules: whether the snapshot has any.
    """

    def __init__(
        self, snapshot: Snapshot, zone: tzinfo, policy: Policy, facilities: Mapping[str, Facility]
    ) -> None:
        """Take what rules need.

        Args:
            snapshot: the packs.
            zone: the hospital's zone.
            policy: how findings are shown.
            facilities: hospitals, as rules ask of them.
        """
        self.has_rules = bool(snapshot.books.packs)
        self._snapshot = snapshot
        self._zone = zone
        self._policy = policy
        self._facilities = facilities
        if self.has_rules:
            for loaded in snapshot.schemes:
                # Read when they are first asked for: that is paid here and not by a physician.
                _ = loaded.codes.diagnoses.map, loaded.codes.procedures.map
            self._warm()
        # A function of the snapshot and of no patient, found once for each day.
        self._rulings: dict[str, Ruling] = {}

    def _warm(self) -> None:
        """Try the rules on nothing, both ways: the first call loads the compiled code, or compiles it."""
        book = next(iter(self._snapshot.books))
        find([book], Stay(), Phase.IN_STAY)
        numbers = np.full(len(NUMBERS), nan)
        care = PlainCare(b"", (0, 0), 0.0, offsets_of(self._zone), numbers, None, PHASE_BITS[Phase.IN_STAY])
        care.decide(book.mapped)

    def fill(
        self,
        verdict: verdict_pb2.Verdict,
        request: service_pb2.EvaluateRequest,
        caller: Caller,
        prepared: Prepared,
        as_of: float,
        day: str,
        metering: Metering,
    ) -> None:
        """Fill a verdict with what the rules find.

        Args:
            verdict: grouped.
            request: checked.
            caller: who asks.
            prepared: the case.
            as_of: in seconds since 1970.
            day: whose rules hold.
            metering: groups and weighs other codings of the case.
        """
        phase, ruling = phase_of(request), self._ruling(day)
        group = verdict.group.code
        stay = self._stay(request, metering.loaded, prepared, as_of, caller.hospital, group)
        report = ruling.find(stay, phase)
        if ruling.relations and phase in ADVISED:

            def regroup(codes: Sequence[str]) -> GroupOutcome | None:
                return metering.weigh(prepared._replace(case=prepared.case._replace(diagnoses=tuple(codes))))

            report = ruling.with_advice(report, stay, phase, regroup)
        ruling.fill(verdict, report, phase, request.alert_context, caller.role)

    def plain(
        self,
        data: bytes,
        caller: Caller,
        loaded: LoadedPack[Any],
        answer: PlainAnswer,
        offsets: NDArray[np.int64],
    ) -> bytes | None:
        """Return what the rules find in a plain request, serialised; ``None``: its coding needs advice.

        Args:
            data: the request.
            caller: who asks.
            loaded: the pack that grouped it.
            answer: so far.
            offsets: the zone, see :func:`~casemeter_server.plain.calendar.offsets_of`.
        """
        phase = Phase.DISCHARGE if answer.stay.is_discharged else Phase.IN_STAY
        ruling = self._ruling(iso_day(answer.day))
        if ruling.relations and phase in ADVISED:
            return None
        level = self._facility(caller.hospital).level
        numbers = np.array((*answer.numbers, nan if level is None else level), np.float64)
        insurance = insurance_kind(answer.stay.insurance, self_pay=False)
        care = PlainCare(data, answer.encounter, answer.as_of, offsets, numbers, insurance, PHASE_BITS[phase])

        @cache
        def stay() -> Stay:
            request = service_pb2.EvaluateRequest.FromString(data)
            prepared = prepare(request.encounter, loaded.codes, answer.as_of, self._zone)
            facts = loaded.facts_of_leaf(answer.leaf)
            group = facts.code if facts else ""
            return self._stay(request, loaded, prepared, answer.as_of, caller.hospital, group)

        report = ruling.find_in(Seen(care.decide, care.phase, care.day, True, care.entry, stay))
        verdict = verdict_pb2.Verdict()
        ruling.fill(verdict, report, phase, _NO_CONTEXT, caller.role)
        return verdict.SerializeToString(deterministic=True)

    def _stay(
        self,
        request: service_pb2.EvaluateRequest,
        loaded: LoadedPack[Any],
        prepared: Prepared,
        as_of: float,
        hospital: str,
        group: str,
    ) -> Stay:
        facility, codes = self._facility(hospital), loaded.codes
        stay = stay_of(request.encounter, prepared, codes, as_of, self._zone, facility, group)
        return looked_up(
            stay,
            *(Codes(space.number, space.map, space.name) for space in (codes.diagnoses, codes.procedures)),
        )

    def _facility(self, hospital: str) -> Facility:
        return self._facilities.get(hospital) or Facility()

    def _ruling(self, day: str) -> Ruling:
        found = self._rulings.get(day)
        if found is None:
            if len(self._rulings) >= _MAX_DAYS:
                self._rulings.clear()
            found = self._rulings[day] = Ruling.on(self._snapshot, self._policy, day)
        return found
