"""What an EMR shows its users of an answer, line by line, in Chinese or English."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from itertools import islice
from typing import Any

from casemeter.v1 import verdict_pb2
from casemeter.v1.forecast_pb2 import Forecast
from casemeter.v1.living_pb2 import EncounterChange, EncounterEvent, OutcomeEvent, OutcomeSource
from casemeter_client import findings_text, forecast_text, meter_text, text
from casemeter_client._phrases import Speaker

_NAMED = {"diagnosis": "diagnosis", "procedure": "procedure", "order": "order", "charge": "line"}


class Screen:
    """Writes lines in one language."""

    def __init__(self, language: str) -> None:
        """Take the language, ``zh`` or ``en``."""
        self._language = language
        self._speaker = Speaker(language)

    def say(self, key: str, **values: Any) -> str:
        """Return a phrase of this EMR."""
        phrase: str = _words()["say"][key][self._language]
        return phrase.format(**values)

    def choose(self, zh: str, en: str) -> str:
        """Return the text in this language; the other where it is empty."""
        return self._speaker.choose((zh, en))

    def event(self, event: EncounterEvent) -> str:
        """Return what happened, in a few words."""
        kind = event.WhichOneof("what") or "correction"
        parts = [_words()["event"][kind][self._language], self._subject(event, kind)]
        if event.corrects and kind != "correction":
            parts.append(self.say("corrects", event=event.corrects))
        return " ".join(filter(None, parts))

    def change(self, change: EncounterChange, before: EncounterChange | None) -> list[str]:
        """Return what is new in an answer: the group, where it is heading, findings, what is withdrawn, cost.

        Args:
            change: the answer, told against the one before it.
            before: that; ``None``: there was none.
        """
        if change.HasField("error"):
            faults = "; ".join(fault.message for fault in change.error.faults)
            return [self.say("no_verdict", message=faults or change.error.message)]
        verdict = change.verdict
        old = before.verdict if before is not None else verdict_pb2.Verdict()
        found: list[str] = []
        if before is None or "group" in change.changed or not before.HasField("verdict"):
            head = text.lines(verdict, self._language)[0]
            found.append(f"→ {head}" if before is not None else head)
        found += self._forecast(verdict, old)
        found += self._money(verdict, old)
        keys = {one.alert_key for one in (verdict.findings if before is None else ())} | set(change.appeared)
        new = [one for one in verdict.findings if one.alert_key in keys]
        found += findings_text.lines(verdict_pb2.Verdict(findings=new, rules={}), self._speaker)
        for gone in change.withdrawn:
            found.append(self.say("withdrawn", text=self.choose(gone.text_zh, gone.text_en)))
        return found

    def audit(self, finding: Mapping[str, Any]) -> str:
        """Return one finding of a reply to 3101 or 3102."""
        grade = _words()["severity"].get(finding["sev_deg"], {}).get(self._language, finding["sev_deg"])
        return self.say("audit", mark="!", grade=grade, rule=finding["rule_name"], text=finding["vola_cont"])

    def card(self, card: Mapping[str, Any]) -> list[str]:
        """Return one card of CDS Hooks."""
        mark = "‼" if card["indicator"] == "critical" else "!" if card["indicator"] == "warning" else "·"
        lines = [self.say("card", mark=mark, indicator=card["indicator"], text=card["summary"])]
        lines += [self.say("suggestion", label=one["label"]) for one in card.get("suggestions", ())]
        reasons = [one["display"] for one in card.get("overrideReasons", ())]
        if reasons:
            lines.append(self.say("reasons", reasons=" / ".join(reasons)))
        return lines

    def check(self, output: Mapping[str, Any]) -> list[str]:
        """Return what the check of a page says."""
        group = output.get("group", {})
        name = f"{group.get('code', '')} {group.get('name', '')}".strip() or group.get("status", "")
        status = _words()["status"].get(output["status"], {}).get(self._language, output["status"])
        lines = [self.say("checked", status=status, group=name)]
        for finding in output.get("findings", ()):
            grade = _words()["tier"].get(finding["tier"], {}).get(self._language, finding["tier"])
            said = self.choose(finding["text_zh"], finding["text_en"])
            places = ", ".join(finding["places"])
            lines.append(self.say("found", mark="!", grade=grade, text=said, places=places))
        if seal := output.get("seal"):
            lines.append(self.say("sealed", seal=shortened(seal)))
        return lines

    def _subject(self, event: EncounterEvent, kind: str) -> str:
        """Return what an event is about."""
        if kind == "facts":
            names = [field.name for field, _ in event.facts.values.ListFields()]
            return ", ".join([*names, *(f"-{name}" for name in event.facts.cleared)])
        if kind == "front_page":
            return event.front_page.name
        if kind == "correction":
            return event.corrects
        if kind == "closing":
            return self.say("closed" if event.closing.closed else "opened")
        if kind == "outcome":
            return self._outcome(event.outcome)
        said = getattr(event, kind)
        if kind not in _NAMED:
            return str(said.id)
        if not said.HasField(_NAMED[kind]):
            return self.say("removed", number=said.id)
        thing = getattr(said, _NAMED[kind])
        code = thing.code if hasattr(thing, "code") else thing.item
        name = f"{code or said.id} {thing.name}".rstrip()
        return self.say("planned", procedure=name) if kind == "procedure" and said.planned else name

    def _outcome(self, said: OutcomeEvent) -> str:
        source = _words()["source"].get(OutcomeSource.Name(said.source), {}).get(self._language, "")
        return (
            f"{source} {said.outcome.group}"
            if said.HasField("outcome")
            else self.say("removed", number=source)
        )

    def _forecast(self, verdict: verdict_pb2.Verdict, old: verdict_pb2.Verdict) -> Iterator[str]:
        """Yield where the stay is heading, if the likeliest group or the set of groups has changed."""
        now = _heading(verdict.forecast)
        if now[0] and now != _heading(old.forecast):
            yield from (f"↗ {line}" for line in islice(forecast_text.lines(verdict, self._speaker), 1))

    def _money(self, verdict: verdict_pb2.Verdict, old: verdict_pb2.Verdict) -> Iterator[str]:
        """Yield the signals that are new, and the cost where it has moved."""
        known = {(one.kind, one.limit) for one in old.meter.signals}
        new = [one for one in verdict.meter.signals if (one.kind, one.limit) not in known]
        signals = verdict_pb2.Verdict(payment=verdict.payment, meter={"signals": new})
        yield from islice(meter_text.lines(signals, self._speaker), len(new))
        now, then = _multiple(verdict), _multiple(old)
        if now and now != then:
            said = self._speaker.say("meter", "of_payment", multiple=now)
            yield self._speaker.marked(f"  {said}", verdict.payment.demonstration)


def shortened(seal: str) -> str:
    """Return a seal as it can be shown in a line."""
    return f"{seal[:24]}…{seal[-8:]}"


def _multiple(verdict: verdict_pb2.Verdict) -> str:
    meter = verdict.meter
    return f"{meter.multiple_of_payment:.2f}" if meter.HasField("multiple_of_payment") else ""


def _heading(forecast: Forecast) -> tuple[str, frozenset[str]]:
    """Return the likeliest group and the set of groups that holds the final one."""
    codes = [one.code for one in forecast.groups]
    return (codes[0] if codes else ""), frozenset(codes[: forecast.set_size])


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads(resources.files("casemeter_client.emr").joinpath("screen.toml").read_text("utf-8"))
