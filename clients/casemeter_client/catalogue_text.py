"""What a DIP catalogue says of a case, in words: the groups compared, and those that match equally."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter.v1 import explanation_pb2 as expl
from casemeter.v1 import verdict_pb2 as pb
from casemeter_client._phrases import Speaker, code_text, yuan


def candidates(explanation: expl.Explanation, speaker: Speaker) -> Iterator[str]:
    """Yield a line for each group that was compared."""
    for found in explanation.candidates:
        why = [speaker.name("decided_by", found.decided_by)] if found.chosen else []
        for key, codes in (("met", found.met), ("missing", found.missing)):
            if codes:
                why.append(speaker.say("catalogue", key, codes=speaker.joined(map(code_text, codes))))
        if found.HasField("deciding_procedure") and found.deciding_procedure.code:
            why.append(speaker.say("catalogue", "deciding", code=code_text(found.deciding_procedure)))
        kind = speaker.name("catalogue_kind", found.kind)
        group = f"{found.group} {found.name}".rstrip()
        key = "chosen" if found.chosen else "candidate"
        yield speaker.say("catalogue", key, group=group, kind=kind, why=speaker.joined(why)).rstrip(":： ")


def rivals(verdict: pb.Verdict, speaker: Speaker) -> Iterator[str]:
    """Yield a line for each group that matches as well as the one that was chosen."""
    for rival in verdict.rivals:
        details = [f"{rival.code} {rival.name}".rstrip()]
        if rival.score:
            details.append(speaker.say("catalogue", "score", score=rival.score))
        if rival.HasField("mean_cost_fen"):
            details.append(speaker.say("catalogue", "mean", money=yuan(rival.mean_cost_fen)))
        yield speaker.say("catalogue", "rival", details=speaker.joined(details))
