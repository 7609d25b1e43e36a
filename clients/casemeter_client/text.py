"""Verdicts in words, Chinese or English: what a physician would read.

The server sends data only; sentences are made here, where they are shown. The words are in ``phrases.toml``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from casemeter.v1 import explanation_pb2 as expl
from casemeter.v1 import verdict_pb2 as pb
from casemeter.v1.pack_pb2 import PackRef
from casemeter_client import catalogue_text, findings_text, forecast_text, meter_text
from casemeter_client._phrases import LANGUAGES, Speaker, code_text

__all__ = ("LANGUAGES", "MAX_NEAR_MISSES", "lines")

MAX_NEAR_MISSES = 6
"""How many near misses are shown; the rest is counted."""

_WORD = re.compile(r"[^\s()]+")


def lines(verdict: pb.Verdict, language: str = "zh") -> list[str]:
    """Return a verdict as lines of text.

    Args:
        verdict: as the server sent it; money, forecast, findings, explanation and near misses are shown if
            they are in it.
        language: ``zh`` or ``en``.

    Raises:
        ValueError: another language.
    """
    if language not in LANGUAGES:
        raise ValueError(f"language '{language}' is not one of {', '.join(LANGUAGES)}")
    return list(_Writer(language).verdict(verdict))


class _Writer:
    def __init__(self, language: str) -> None:
        self._speaker = Speaker(language)
        self.say = self._speaker.say

    def verdict(self, verdict: pb.Verdict) -> Iterator[str]:
        yield from self._head(verdict)
        yield from ("  " + line for line in meter_text.lines(verdict, self._speaker))
        yield from ("  " + line for line in catalogue_text.rivals(verdict, self._speaker))
        yield from ("  " + line for line in forecast_text.lines(verdict, self._speaker))
        yield from ("  " + line for line in findings_text.lines(verdict, self._speaker))
        for changed in verdict.code_notes:
            key = pb.CodeChange.Name(changed.change)
            yield "  · " + self.say("change", key, sent=changed.sent, used=changed.used)
        for note in verdict.notes:
            yield "  ! " + self.say("note", pb.NoteKind.Name(note.kind), code=note.code)
        if verdict.HasField("explanation"):
            yield from ("  " + line for line in self._explanation(verdict.explanation))
        if verdict.HasField("near_misses"):
            yield from ("  ~ " + line for line in self._near_misses(verdict.near_misses))

    def _head(self, verdict: pb.Verdict) -> Iterator[str]:
        status = self.say("status", pb.GroupStatus.Name(verdict.status))
        if verdict.HasField("group"):
            group = verdict.group
            yield self.say("line", "group", status=status, code=group.code, name=group.name)
            yield "  " + self._where(group, verdict.pack)
        elif verdict.ungroupable_reason:
            reason = self.say("reason", pb.UngroupableReason.Name(verdict.ungroupable_reason))
            yield self.say("line", "ungroupable", reason=reason)
            if verdict.failed_tests:
                tests = self._speaker.joined(map(self.test, verdict.failed_tests))
                yield "  " + self.say("line", "failed", tests=tests)
        else:
            yield status

    def _where(self, group: pb.Group, pack: PackRef) -> str:
        if group.catalogue_kind:  # a DIP catalogue has no MDC and no ADRG
            kind = self._speaker.name("catalogue_kind", group.catalogue_kind)
            text = self.say("catalogue", "where", kind=kind, pack=pack.id)
        else:
            where = {"mdc": group.mdc, "adrg": group.adrg, "rule": group.rule}
            text = self.say("line", "where", **where, pack=pack.id)
        return self._speaker.marked(text, pack.demonstration)

    def _explanation(self, explanation: expl.Explanation) -> Iterator[str]:
        yield from catalogue_text.candidates(explanation, self._speaker)
        for entered in explanation.entered:
            yield self.say("line", "entered", mdc=entered.mdc, why=self._results(entered.why))
        if explanation.matched:
            held = [result for result in explanation.matched if result.holds]
            yield self.say("line", "matched", tests=self._results(held or explanation.matched))
        for row in explanation.rows:
            key = "row_yes" if row.holds else "row_no"
            yield self.say("line", key, group=row.group, condition=self.test(row.condition))
        for found in explanation.complications:
            key = "counted" if found.counted else "excluded"
            code = code_text(found.code)
            yield self.say("line", key, level=found.level, code=code, table=found.exclusion_table)
        for close in explanation.close:
            met, missed = self._results(close.met), self.test(close.missed.test)
            adrg = f"{close.adrg} {close.name}".rstrip()
            yield self.say("line", "close", adrg=adrg, met=met, missed=missed)
        if explanation.provisional:
            yield self.say("line", "provisional", tests=self._results(explanation.provisional))

    def _near_misses(self, found: expl.NearMisses) -> Iterator[str]:
        if not found.near_misses:
            yield self.say("line", "no_near_misses")
        procedures = {miss.group for miss in found.near_misses if _adds_unnamed_procedure(miss)}
        shown = [miss for miss in found.near_misses if not _adds_unnamed_procedure(miss)]
        for miss in shown[:MAX_NEAR_MISSES]:
            values = {"group": miss.group, "name": miss.group_name, "test": self.test(miss.test)}
            if miss.HasField("code"):
                edit = self.say("edit", expl.Edit.Name(miss.edit))
                yield self.say("line", "recorded", edit=edit, code=code_text(miss.code), **values)
            elif miss.evidence:
                codes = self._speaker.joined(code_text(evidence.code) for evidence in miss.evidence)
                yield self.say("line", "added_evidence", codes=codes, **values)
            else:
                yield self.say("line", "added", **values)
        if len(shown) > MAX_NEAR_MISSES:
            yield self.say("line", "more", count=len(shown) - MAX_NEAR_MISSES)
        if procedures:
            yield self.say("line", "procedures", count=len(procedures))

    def test(self, text: str) -> str:
        """A test or condition of a scheme with its words replaced."""
        return _WORD.sub(lambda found: self._speaker.name("word", found[0]), text)

    def _results(self, results: Iterable[expl.TestResult]) -> str:
        shown = []
        for result in results:
            codes = self._speaker.joined(map(code_text, result.codes))
            shown.append(f"{self.test(result.test)} [{codes}]" if codes else self.test(result.test))
        return self._speaker.joined(shown)


def _adds_unnamed_procedure(miss: expl.NearMiss) -> bool:
    """Whether it would add a procedure that nothing in the request speaks for; these are only counted."""
    return miss.edit == expl.EDIT_ADD_PROCEDURE and not miss.evidence
