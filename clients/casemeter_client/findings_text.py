"""What the rules found, in words: what is shown to this caller, the worst first, and why no more is."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter.v1 import finding_pb2 as pb
from casemeter.v1 import verdict_pb2
from casemeter_client._phrases import Speaker

MAX_FACTS = 5
"""How many missing facts are named, those that most rules wait for."""


def lines(verdict: verdict_pb2.Verdict, speaker: Speaker) -> Iterator[str]:
    """Yield the lines on findings; none when no rules pack answered.

    Args:
        verdict: as the server sent it.
        speaker: of the language.
    """
    if not verdict.HasField("rules"):
        return
    for finding in verdict.findings:
        if finding.presentation != pb.PRESENTATION_SILENT:
            yield from _finding(finding, speaker)
    report = verdict.rules
    if report.submission_refused:
        yield speaker.say("finding", "refused")
    if report.in_shadow:
        yield speaker.say("finding", "in_shadow", count=report.in_shadow)
    if report.left_out:
        yield speaker.say("finding", "left_out", count=report.left_out)
    if report.undecided:
        most = sorted(report.undecided, key=lambda undecided: (-undecided.rules, undecided.fact))
        facts = speaker.joined(
            f"{speaker.name('fact', undecided.fact)} ({undecided.rules})" for undecided in most[:MAX_FACTS]
        )
        yield speaker.say("finding", "undecided", facts=facts, count=sum(one.rules for one in most))


def _finding(finding: pb.Finding, speaker: Speaker) -> Iterator[str]:
    tier = speaker.say("finding", pb.FindingTier.Name(finding.tier))
    key = "interrupts" if finding.presentation == pb.PRESENTATION_INTERRUPT else "stands"
    text = speaker.choose((finding.text_zh, finding.text_en))
    yield speaker.say("finding", key, tier=tier, text=text)
    resolve = speaker.choose((finding.resolve_zh, finding.resolve_en))
    basis = speaker.joined(finding.bases)
    yield "  " + speaker.say("finding", "resolve", resolve=resolve, basis=basis)
