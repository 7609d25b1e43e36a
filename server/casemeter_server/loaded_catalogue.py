"""A loaded DIP catalogue."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from casemeter.v1 import pack_pb2, verdict_pb2
from casemeter_grouper.benchmark.benchmark import GroupBenchmark
from casemeter_grouper.case import Case
from casemeter_grouper.dip.catalogue import MICRO_YUAN_PER_FEN, MILLIONTHS, CatalogueGroup
from casemeter_grouper.dip.compiled import CompiledCatalogue
from casemeter_grouper.dip.explain import explain
from casemeter_grouper.dip.grouping import CatalogueGrouper, CatalogueOutcome
from casemeter_grouper.dip.near_misses import CatalogueNearMisses
from casemeter_grouper.dip.options import COST
from casemeter_grouper.rounding import half_up
from casemeter_server.catalogue_verdicts import fill_catalogue_explanation, fill_catalogue_near_misses
from casemeter_server.loaded import GroupFacts, LoadedPack
from casemeter_server.prepare import Prepared
from casemeter_server.refs import pack_ref
from casemeter_server.verdicts import REASONS, STATUSES, fill_case


class LoadedCatalogue(LoadedPack[CatalogueOutcome]):
    """One compiled catalogue with all that answering from it needs."""

    def __init__(self, catalogue: CompiledCatalogue) -> None:
        self.catalogue = self.codes = catalogue
        self.header = catalogue.header
        invented: bool = catalogue.manifest["demonstration"]
        self.ref = pack_ref(catalogue.header, catalogue.sha256, invented)
        self._grouper = CatalogueGrouper(catalogue)
        self._near_misses = CatalogueNearMisses(self._grouper)
        self._facts = tuple(_facts_of(group, invented) if group else None for group in catalogue.groups)
        self._by_code = {facts.code: facts for facts in self._facts if facts}
        self.ties_by_cost = COST in catalogue.catalogue.options.ties
        # The first calls load the compiled code: that is paid here and not by a physician.
        self._grouper.group(Case(diagnoses=("",)), None)
        self._near_misses.find(Case(diagnoses=("",)), None)

    def group(self, case: Case, cost_fen: int | None) -> CatalogueOutcome:
        """See :class:`~casemeter_server.loaded.LoadedPack`."""
        return self._grouper.group(case, cost_fen)

    def is_tied(self, outcome: CatalogueOutcome) -> bool:
        """See :class:`~casemeter_server.loaded.LoadedPack`."""
        return bool(outcome.rivals)

    def facts_of_group(self, code: str) -> GroupFacts | None:
        """See :class:`~casemeter_server.loaded.LoadedPack`."""
        return self._by_code.get(code)

    def facts(self, outcome: CatalogueOutcome) -> GroupFacts | None:
        """See :class:`~casemeter_server.loaded.LoadedPack`."""
        return self._facts[outcome.number]

    def fill(self, verdict: verdict_pb2.Verdict, outcome: CatalogueOutcome, prepared: Prepared) -> None:
        """See :class:`~casemeter_server.loaded.LoadedPack`."""
        verdict.status = STATUSES[outcome.status]
        verdict.pack.CopyFrom(self.ref)
        if outcome.group:
            group = outcome.group
            verdict.group.code, verdict.group.name = group.code, group.name
            verdict.group.catalogue_kind = str(group.kind)
        if outcome.reason:
            verdict.ungroupable_reason = REASONS[outcome.reason]
        for rival in outcome.rivals:
            entry = verdict.rivals.add(code=rival.code, name=rival.name, score=_score(rival))
            if rival.mean_cost is not None:
                entry.mean_cost_fen = half_up(Fraction(rival.mean_cost, MICRO_YUAN_PER_FEN))
        fill_case(verdict, prepared)

    def explain(self, verdict: verdict_pb2.Verdict, case: Case, cost_fen: int | None) -> None:
        """See :class:`~casemeter_server.loaded.LoadedPack`."""
        fill_catalogue_explanation(
            verdict.explanation, explain(self.catalogue.catalogue, case, cost_fen), self.catalogue
        )

    def find_near_misses(
        self, verdict: verdict_pb2.Verdict, prepared: Prepared, cost_fen: int | None
    ) -> None:
        """See :class:`~casemeter_server.loaded.LoadedPack`."""
        found = self._near_misses.find(prepared.case, cost_fen)
        fill_catalogue_near_misses(verdict.near_misses, found, prepared, self.catalogue)

    def describe(self, is_default: bool) -> pack_pb2.Pack:
        """See :class:`~casemeter_server.loaded.LoadedPack`."""
        return pack_pb2.Pack(
            ref=self.ref,
            kind="dip",
            title=self.header.title,
            valid_from=self.header.valid_from,
            valid_until=self.header.valid_until,
            diagnosis_system=self.header.diagnosis_system,
            procedure_system=self.header.procedure_system,
            group_count=len(self.catalogue.groups) - 1,
            dictionary_sha256=self.catalogue.manifest["dictionary_sha256"],
            demonstration=self.catalogue.manifest["demonstration"],
            is_default=is_default,
        )


def _facts_of(group: CatalogueGroup, demonstration: bool) -> GroupFacts:
    measured = None
    if group.mean_cost is not None:
        measured = GroupBenchmark(
            code=group.code,
            mean_cost_fen=Fraction(group.mean_cost, MICRO_YUAN_PER_FEN),
            median_cost_fen=None,
            cv=group.cv,
            mean_los_days=group.mean_los_days,
            cases=group.cases,
            structure={},
            cost_by_day=(),
        )
    return GroupFacts(group.code, group.name, Fraction(group.score, MILLIONTHS), measured, demonstration)


def _score(group: CatalogueGroup) -> str:
    return f"{Decimal(group.score).scaleb(-6):f}"
