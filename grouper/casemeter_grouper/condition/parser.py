"""From the text of a condition to its parsed form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from rapidfuzz import process

from casemeter_grouper.condition.faults import ConditionError
from casemeter_grouper.condition.nodes import (
    COMPARISONS,
    DATES,
    MEASURES,
    And,
    Compare,
    Condition,
    Const,
    Flag,
    InSet,
    Measure,
    Not,
    OneOf,
    Or,
    days_of,
)
from casemeter_grouper.condition.vocabulary import SCHEME, VOCABULARIES, Vocabulary

MAX_LENGTH = 20_000
"""The longest condition that is read, in characters."""

MAX_DEPTH = 50
"""How deep parentheses and ``not`` may nest."""

MAX_WINDOW = 3_660
"""The longest window of a measure, in days."""

MAX_DIGITS = 10
"""How many digits before the point the limit of a measure may have: with its decimals a float keeps it."""

_TOKEN = re.compile(r"\s*(?:(<=|>=|<|>|=|\(|\)|,)|([^\s()<>=,]+))")
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,15})?\Z")
_DATE = re.compile(r"(?:19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}\Z")
_WINDOW = re.compile(r"[1-9][0-9]{0,3}\Z")
_KEYWORDS = ("and", "or", "not", "in", "always", "never")
_PUNCTUATION = (*COMPARISONS, "(", ")", ",")
_PARENTHESES: Final = {"（": "(", "）": ")"}
_HALF: Final = {**_PARENTHESES, "，": ",", "、": ",", "＜": "<", "＞": ">", "＝": "="}


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    column: int


def parse(text: str, vocabulary: Vocabulary = SCHEME) -> Condition:
    """Read one condition.

    Args:
        text: for example ``pdx in FA1_dx and (mcc or age_years < 17)``.
        vocabulary: the words it may use, those of schemes or of rules.

    Raises:
        ConditionError: the text is not a condition; the error says where and how to mend it.
    """
    if len(text) > MAX_LENGTH:
        raise ConditionError(MAX_LENGTH, "too_long", "too_long", limit=MAX_LENGTH)
    return _Parser(text, vocabulary).whole()


def _fault(token: _Token, problem: str, mend: str, **details: object) -> ConditionError:
    """The fault of a token that is out of place; full-width punctuation in it is the likeliest reason."""
    return _slip(token, _HALF) or ConditionError(token.column, problem, mend, token.text, **details)


def _slip(token: _Token, half_width: dict[str, str]) -> ConditionError | None:
    for at, character in enumerate(token.text):
        if half := half_width.get(character):
            return ConditionError(token.column + at, "full_width", "half_width", character, half=half)
    return None


class _Parser:
    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._tests = 0
        self._tokens: list[_Token] = []
        at = 0
        while match := _TOKEN.match(text, at):
            self._tokens.append(_Token(match[1] or match[2], match.start(match.lastindex or 0) + 1))
            at = match.end()
        self._end = _Token("", len(text.rstrip()) + 1)
        self._at = 0

    def _peek(self) -> _Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else self._end

    def _take(self) -> _Token:
        token = self._peek()
        self._at += 1
        return token

    def _take_if(self, text: str) -> bool:
        if self._peek().text != text:
            return False
        self._at += 1
        return True

    def _expect(self, text: str, mend: str, word: str = "") -> None:
        token = self._take()
        if token.text != text:
            raise _fault(token, "expected_text", mend, text=text, word=word)

    def whole(self) -> Condition:
        condition = self._either(0)
        token = self._peek()
        if token.text:
            raise _fault(token, "not_continued", "join")
        return condition

    def _either(self, depth: int) -> Condition:
        items = [self._both(depth)]
        while self._take_if("or"):
            items.append(self._both(depth))
        return items[0] if len(items) == 1 else Or(tuple(items))

    def _both(self, depth: int) -> Condition:
        items = [self._single(depth)]
        while self._take_if("and"):
            items.append(self._single(depth))
        return items[0] if len(items) == 1 else And(tuple(items))

    def _single(self, depth: int) -> Condition:
        if depth > MAX_DEPTH:
            raise ConditionError(self._peek().column, "too_deep", "too_deep", limit=MAX_DEPTH)
        if self._take_if("not"):
            return Not(self._single(depth + 1))
        if self._take_if("("):
            condition = self._either(depth + 1)
            self._expect(")", "close_parenthesis")
            return condition
        return self._test()

    def _test(self) -> Condition:
        token = self._take()
        word, known = token.text, self._vocabulary
        self._tests += 1
        if known.max_tests is not None and self._tests > known.max_tests:
            raise ConditionError(token.column, "too_many", "too_many", limit=known.max_tests)
        if word in ("always", "never"):
            return Const(word == "always")
        if word in known.flags:
            return Flag(word)
        if word in known.slots:
            self._expect("in", "in_set", word)
            return InSet(word, self._word("set").text)
        if word in known.measures:
            return self._measure(word)
        if word in known.numbers or word in known.dates:
            return Compare(word, self._comparison(word), self._limit(word))
        if word in known.fields:
            return self._one_of(word)
        raise self._no_test(token)

    def _no_test(self, token: _Token) -> ConditionError:
        word, starts = token.text, self._vocabulary.starts
        # A joining word in the wrong place is not a test misspelt.
        if word not in ("", *_KEYWORDS):
            for other in VOCABULARIES:
                if word in other.starts:
                    return _fault(token, "expected_test", f"only_in_{other.owner}", word=word)
            if near := process.extractOne(word.lower(), starts, score_cutoff=60):
                return _fault(token, "expected_test", "did_you_mean", near=near[0])
        return _fault(token, "expected_test", "begin_with", starts=", ".join(starts))

    def _word(self, what: str) -> _Token:
        token = self._take()
        if not token.text or token.text in _KEYWORDS or token.text in _PUNCTUATION:
            raise _fault(token, f"expected_{what}", f"write_{what}")
        # The names of departments and hospitals may well hold full-width parentheses.
        allowed = _PARENTHESES if what == "value" else {}
        if self._vocabulary.strict_names and (
            slip := _slip(token, {full: half for full, half in _HALF.items() if full not in allowed})
        ):
            raise slip
        return token

    def _comparison(self, word: str) -> str:
        op = self._take()
        if op.text not in COMPARISONS:
            raise _fault(op, "expected_comparison", "compare", word=word)
        return op.text

    def _limit(self, word: str) -> float:
        if word in DATES:
            return self._date()
        value = self._word("number")
        if not _NUMBER.match(value.text):
            raise _fault(value, "not_a_number", "write_digits")
        if word in MEASURES:
            whole, _, decimals = value.text.removeprefix("-").partition(".")
            if len(whole) > MAX_DIGITS:
                raise _fault(value, "too_large", "fewer_digits", limit=MAX_DIGITS)
            if len(decimals) > (most := MEASURES[word].decimals):
                mend = "fewer_decimals" if most else "write_whole"
                raise _fault(value, "too_fine", mend, word=word, limit=most)
        return float(value.text)

    def _date(self) -> float:
        value = self._word("date")
        try:
            return days_of(date.fromisoformat(value.text if _DATE.match(value.text) else ""))
        except ValueError:
            raise _fault(value, "not_a_date", "write_date") from None

    def _measure(self, word: str) -> Condition:
        self._expect("(", "measure", word)
        name = self._word("set").text
        windowed = MEASURES[word].windowed
        days = 0
        comma = self._peek()
        if self._take_if(","):
            if not windowed:
                raise _fault(comma, "no_window", "close_whole_stay", word=word)
            days = self._window()
        self._expect(")", "close_measure" if windowed else "close_whole_stay", word)
        return Measure(word, self._comparison(word), self._limit(word), name, days)

    def _window(self) -> int:
        number = self._take()
        if not _WINDOW.match(number.text) or int(number.text) > MAX_WINDOW:
            raise _fault(number, "not_a_window", "window", limit=MAX_WINDOW)
        unit = self._take()
        if unit.text not in ("day", "days"):
            raise _fault(unit, "expected_text", "window", text="days", limit=MAX_WINDOW)
        return int(number.text)

    def _one_of(self, field: str) -> Condition:
        if self._take_if("="):
            return OneOf(field, (self._value(field),))
        self._expect("in", "in_or_equals", field)
        self._expect("(", "open_list")
        values = [self._value(field)]
        while self._take_if(","):
            values.append(self._value(field))
        self._expect(")", "close_list")
        return OneOf(field, tuple(dict.fromkeys(values)))

    def _value(self, field: str) -> str:
        token = self._word("value")
        values = self._vocabulary.fields[field]
        if values and token.text not in values:
            near = process.extractOne(token.text.lower(), values, score_cutoff=75)
            if near:
                raise _fault(token, "no_such_value", "did_you_mean", word=field, near=near[0])
            raise _fault(token, "no_such_value", "write_one_of", word=field, values=", ".join(values))
        return token.text
