"""Answers to alerts, one after the other, of a file or of a store; every one that cannot be counted is named.

A file is JSON lines or CSV with a header. Fields: ``rule``, ``alert_key``, ``at`` (with an offset),
``answer`` (accepted, overridden, ignored or cause_gone), ``reason`` (needed with overridden), and two that
may be left out: ``alert``, the recorder's number of the alert, and ``true``, where somebody judged the alert:
whether it was right. What else a line holds is passed over.
"""

from __future__ import annotations

import csv
import hashlib
import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from casemeter_rules.alerting.alert import AnswerKind
from casemeter_rules.alerting.overrides import Reasons, shipped_reasons

_FIELDS: Final = ("rule", "alert_key", "at", "answer")
_TRUTHS: Final[Mapping[object, bool | None]] = {
    None: None,
    "": None,
    "true": True,
    "false": False,
    "1": True,
    "0": False,
}
_MAX_LINE: Final = 64 << 10


class AnswerLine(NamedTuple):
    """One answer.

    Attributes:
        rule: id of the rule.
        alert_key: of the alert that was answered.
        at: when, with an offset.
        answer: what became of the alert.
        reason: code of the override reason; empty: none.
        true: whether somebody found the alert right afterwards; ``None``: nobody judged.
        alert: the recorder's number of the alert; empty: none.
    """

    rule: str
    alert_key: str
    at: datetime
    answer: AnswerKind
    reason: str = ""
    true: bool | None = None
    alert: str = ""


class BadLine(NamedTuple):
    """An answer that is not counted.

    Attributes:
        file: name of the file, or of where else it is from.
        line: number of the line, from 1.
        problem: what is wrong with it.
    """

    file: str
    line: int
    problem: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.problem}"


class AnswersError(Exception):
    """A file of answers that cannot be read at all."""


def read_answers(
    path: Path, fault: Callable[[BadLine], None], reasons: Reasons | None = None
) -> Iterator[AnswerLine]:
    """Yield the answers of a file, in its order; see :func:`answer_lines`.

    Args:
        path: ``.csv``, or JSON lines under any other name.
        fault: takes every line that cannot be counted.
        reasons: those there are; ``None``: those that come with the product.

    Raises:
        AnswersError: there is no such file, it is no text, or a CSV file lacks columns.
    """
    values = _csv(path) if path.suffix.casefold() == ".csv" else _json_lines(path)
    return answer_lines(path.name, values, fault, reasons)


def answer_lines(
    source: str,
    values: Iterable[tuple[int, Mapping[str, Any] | str]],
    fault: Callable[[BadLine], None],
    reasons: Reasons | None = None,
) -> Iterator[AnswerLine]:
    """Yield answers, wherever they are from, in their order.

    One that repeats rule, alert, moment and answer of an earlier one is bad: it would count twice. Only a
    short hash of each is kept, to tell.

    Args:
        source: where they are from, for those that cannot be counted.
        values: number and fields of each; a text says what is wrong with it instead.
        fault: takes every one that cannot be counted.
        reasons: those there are; ``None``: those that come with the product.
    """
    known = reasons or shipped_reasons()
    seen: set[int] = set()
    for number, value in values:
        line = _line(value, known) if isinstance(value, Mapping) else value
        if isinstance(line, AnswerLine):
            what = "\0".join((line.rule, line.alert_key, line.alert, line.at.isoformat(), line.answer))
            mark = short_hash(what)
            if mark not in seen:
                seen.add(mark)
                yield line
                continue
            line = "repeats an earlier line"
        fault(BadLine(source, number, line))


def short_hash(text: str) -> int:
    """Return 64 bits that tell texts apart."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big")


def _json_lines(path: Path) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    try:
        with path.open("rb") as file:
            number = 0
            while data := file.readline(_MAX_LINE):
                number += 1
                if len(data) == _MAX_LINE and not data.endswith(b"\n"):
                    while len(file.readline(_MAX_LINE)) == _MAX_LINE:
                        pass
                    yield number, f"longer than {_MAX_LINE:,} bytes"
                elif data.strip():
                    yield number, _parsed(data.removeprefix(b"\xef\xbb\xbf") if number == 1 else data)
    except OSError as error:
        raise AnswersError(f"{path}: cannot be read: {error.strerror or error}") from None


def _parsed(data: bytes) -> Mapping[str, Any] | str:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        return f"no JSON: {error.msg}"
    return value if isinstance(value, dict) else "no JSON object"


def _csv(path: Path) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in _FIELDS if name not in (reader.fieldnames or ())]
            if missing:
                raise AnswersError(f"{path}: the header lacks {', '.join(missing)}")
            for row in reader:
                short = None in row.values() or None in row
                yield reader.line_num, "as many cells as the header has are needed" if short else row
    except OSError as error:
        raise AnswersError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise AnswersError(f"{path}: cannot be read as CSV in UTF-8: {error}") from None


def _line(value: Mapping[str, Any], reasons: Reasons) -> AnswerLine | str:
    """Return a line, or what is wrong with it."""
    for name in _FIELDS:
        if not isinstance(value.get(name), str) or not value[name].strip():
            return f"'{name}' is {reprlib.repr(value.get(name))}; text is needed"
    rule, key, at, answer = (value[name].strip() for name in _FIELDS)
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return f"'at' is {reprlib.repr(at)}; write a time like 2026-03-01T08:30:00+08:00"
    if moment.utcoffset() is None:
        return f"'at' is {reprlib.repr(at)}; a time needs its offset, such as +08:00"
    if not 2000 <= moment.year <= 2100:
        return f"'at' is {reprlib.repr(at)}; write a time between 2000 and 2100"
    if answer not in tuple(AnswerKind):
        return f"'answer' is {reprlib.repr(answer)}; write one of {', '.join(AnswerKind)}"
    reason = value.get("reason") or ""
    known = isinstance(reason, str) and reason in reasons.by_code
    if answer == AnswerKind.OVERRIDDEN and not known:
        return f"'reason' is {reprlib.repr(reason)}; write the code of a reason"
    alert = value.get("alert") or ""
    if not isinstance(alert, str):
        return f"'alert' is {reprlib.repr(alert)}; write text"
    truth: object = value.get("true")
    if not isinstance(truth, bool):
        folded = truth.strip().casefold() if isinstance(truth, str) else truth
        if not isinstance(folded, str | None) or folded not in _TRUTHS:
            return f"'true' is {reprlib.repr(truth)}; write true, false or nothing"
        truth = _TRUTHS[folded]
    judged = truth if isinstance(truth, bool) else None
    return AnswerLine(rule, key, moment, AnswerKind(answer), str(reason), judged, alert.strip())
