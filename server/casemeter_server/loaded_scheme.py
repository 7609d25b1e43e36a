"""A loaded DRG scheme."""

from __future__ import annotations

from datetime import UTC
from fractions import Fraction

from casemeter.v1 import pack_pb2, verdict_pb2
from casemeter_grouper.case import Case
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.explain import explain
from casemeter_grouper.grouping import Grouper, Outcome
from casemeter_grouper.near_misses import NearMisses
from casemeter_server.loaded import GroupFacts, LoadedPack
from casemeter_server.plain.calendar import offsets_of
from casemeter_server.plain.reader import PlainReader
from casemeter_server.prepare import Prepared
from casemeter_server.refs import pack_ref
from casemeter_server.verdicts import KnownParts, fill_explanation, fill_near_misses


class LoadedScheme(LoadedPack[Outcome]):
    """One compiled scheme with all that answering from it needs."""

    plain: PlainReader

    def __init__(self, scheme: CompiledScheme) -> None:
        self.scheme = self.codes = scheme
        self.header = scheme.header
        self.ref = pack_ref(scheme.header, scheme.sha256)
        self._grouper = Grouper(scheme)
        self._known_parts = KnownParts(self._grouper, self.ref)
        self._near_misses = NearMisses(self._grouper)
        groups = {
            code: GroupFacts(code, scheme.names.get(code, ""), weight_of(scheme, code))
            for code in {leaf.group for leaf in scheme.leaves if leaf}
        }
        self._groups = groups
        self._facts = tuple(groups[leaf.group] if leaf else None for leaf in scheme.leaves)
        self.plain = PlainReader(self._grouper, self._known_parts)
        self._warm()

    def _warm(self) -> None:
        # The first calls load the compiled code: that is paid here and not by a physician.
        self._grouper.group(Case(diagnoses=("",)))
        self._near_misses.find(Case(diagnoses=("",)))
        self.plain.answer(b"", 0.0, False, offsets_of(UTC))

    def group(self, case: Case, cost_fen: int | None) -> Outcome:  # noqa: ARG002  # DRGs do not ask for it
        """See :class:`~casemeter_server.loaded.LoadedPack`."""
        return self._grouper.group(case)

    def facts(self, outcome: Outcome) -> GroupFacts | None:
        """See :class:`~casemeter_server.loaded.LoadedPack`."""
        return self._facts[outcome.number]

    def facts_of_group(self, code: str) -> GroupFacts | None:
        """See :class:`~casemeter_server.loaded.LoadedPack`."""
        return self._groups.get(code)

    def facts_of_leaf(self, leaf: int) -> GroupFacts | None:
        """See :class:`~casemeter_server.loaded.LoadedPack`."""
        return self._facts[leaf]

    def fill(self, verdict: verdict_pb2.Verdict, outcome: Outcome, prepared: Prepared) -> None:
        """See :class:`~casemeter_server.loaded.LoadedPack`."""
        self._known_parts.fill(verdict, outcome, prepared)

    def explain(
        self,
        verdict: verdict_pb2.Verdict,
        case: Case,
        cost_fen: int | None,  # noqa: ARG002
    ) -> None:
        """See :class:`~casemeter_server.loaded.LoadedPack`."""
        fill_explanation(verdict.explanation, explain(self.scheme.tree, self.scheme, case), self.scheme)

    def find_near_misses(
        self,
        verdict: verdict_pb2.Verdict,
        prepared: Prepared,
        cost_fen: int | None,  # noqa: ARG002
    ) -> None:
        """See :class:`~casemeter_server.loaded.LoadedPack`."""
        found = self._near_misses.find(prepared.case)
        fill_near_misses(verdict.near_misses, found, prepared, self.scheme)

    def describe(self, is_default: bool) -> pack_pb2.Pack:
        """See :class:`~casemeter_server.loaded.LoadedPack`."""
        tree = self.scheme.tree
        rules = [rule for mdc in tree.mdcs for rule in mdc.rules]
        return pack_pb2.Pack(
            ref=self.ref,
            kind="drg",
            title=self.header.title,
            valid_from=self.header.valid_from,
            valid_until=self.header.valid_until,
            diagnosis_system=self.header.diagnosis_system,
            procedure_system=self.header.procedure_system,
            mdc_count=len(tree.mdcs),
            adrg_count=len({rule.adrg for rule in rules}),
            group_count=len(self._groups),
            dictionary_sha256=self.scheme.manifest["dictionary_sha256"],
            is_default=is_default,
        )


def weight_of(scheme: CompiledScheme, group: str) -> Fraction | None:
    """Return the weight that a scheme gives a group."""
    written = scheme.manifest["weights"].get(group)
    return Fraction(written) if written else None
