"""What the cards of one reply are made from, and the words they are made with."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from casemeter.v1 import verdict_pb2
from casemeter_server.doors.cds.call import CdsCall
from casemeter_server.doors.cds.settings import CdsSettings
from casemeter_server.doors.door import Question

Json = dict[str, Any]


@cache
def words() -> Mapping[str, Any]:
    """Return the words and codes of cards."""
    text = resources.files("casemeter_server.doors.cds").joinpath("cards.toml").read_text("utf-8")
    return tomllib.loads(text)


@dataclass(frozen=True)
class Reply:
    """What the cards of one reply are made from.

    Attributes:
        call: as it was read.
        question: as it was evaluated.
        verdict: the answer.
        ids: alert_keys, and the numbers under which the alerts were recorded.
        settings: of the door.
    """

    call: CdsCall
    question: Question
    verdict: verdict_pb2.Verdict
    ids: Mapping[str, str]
    settings: CdsSettings

    def say(self, key: str, **values: object) -> str:
        """Return a phrase with its places filled in."""
        text: str = words()["say"][key][self.settings.language]
        return text.format(**values) if values else text

    def choose(self, zh: str, en: str) -> str:
        """Return the text of the language of the cards."""
        return zh if self.settings.language == "zh" else en

    def source(self, topic: str) -> Json:
        """Return who speaks, and of what."""
        source = {"label": self.settings.label, "topic": self._topic(topic)}
        if self.settings.url:
            source["url"] = self.settings.url
        return source

    def _topic(self, name: str) -> Json:
        entry = words()["topic"][name]
        system = words()["system"] + "card-topic"
        return {"system": system, "code": entry["code"], "display": entry[self.settings.language]}
