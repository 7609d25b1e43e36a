"""What a DIP catalogue says of a case, in words: the groups compared, and those that match equally."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter.v1 import explanation_pb2 as expl
from casemeter.v1 import verdict_pb2 as pb
from casemeter_client._phrases import Speaker, code_text, yuan

MAX_CLOSE = 4
"""How many groups that come close are shown; the rest is counted."""


def candidates(explanation: expl.Explanation, speaker: Speaker) -> Iterator[str]:
    """Yield a line for the chosen group, for those that match too, and for those that come close."""
    close = 0
    for found in explanation.candidates:
        fails = bool(found.missing) or found.HasField("kept_away_by")
        close += fails and not found.chosen
        if close > MAX_CLOSE:
            continue
        key = "chosen" if found.chosen else "close" if fails else "matches"
        kind = speaker.name("catalogue_kind", found.kind)
        group = f"{found.group} {found.name}".rstrip()
        why = speaker.joined(_why(found, speaker))
        # A group may match for its diagnosis alone: then there is nothing to say after the colon.
        yield speaker.say("catalogue", key, group=group, kind=kind, why=why).rstrip(":： ")
    if close > MAX_CLOSE:
        yield speaker.say("catalogue", "more", count=close - MAX_CLOSE)


def _why(found: expl.CatalogueCandidate, speaker: Speaker) -> Iterator[str]:
    if found.chosen:
        yield speaker.name("decided_by", found.decided_by)
    for key, codes in (("met", found.met), ("missing", found.missing)):
        if codes:
            yield speaker.say("catalogue", key, codes=speaker.joined(map(code_text, codes)))
    if found.HasField("deciding_procedure"):
        yield speaker.say("catalogue", "deciding", code=code_text(found.deciding_procedure))
    if found.HasField("kept_away_by"):
        yield speaker.say("catalogue", "kept_away", code=code_text(found.kept_away_by))


def rivals(verdict: pb.Verdict, speaker: Speaker) -> Iterator[str]:
    """Yield a line for each group that matches as well as the chosen one, and what told them apart."""
    for rival in verdict.rivals:
        details = [f"{rival.code} {rival.name}".rstrip()]
        if rival.score:
            details.append(speaker.say("catalogue", "score", score=rival.score))
        if rival.HasField("mean_cost_fen"):
            details.append(speaker.say("catalogue", "mean", money=yuan(rival.mean_cost_fen)))
        text = speaker.say("catalogue", "rival", details=speaker.joined(details))
        yield speaker.marked(text, verdict.pack.demonstration)
    if verdict.tie_cost:
        yield speaker.say("tie_cost", pb.TieCost.Name(verdict.tie_cost))
