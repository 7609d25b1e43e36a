"""From the text of a condition to its parsed form."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rapidfuzz import process

from casemeter_grouper.condition.faults import ConditionError
from casemeter_grouper.condition.nodes import (
    COMPARISONS,
    FIELDS,
    FLAGS,
    NUMBERS,
    SLOTS,
    And,
    Compare,
    Condition,
    Const,
    Flag,
    InSet,
    Not,
    OneOf,
    Or,
)

MAX_LENGTH = 20_000
"""The longest condition that is read, in characters."""

MAX_DEPTH = 50
"""How deep parentheses and ``not`` may nest."""

_TOKEN = re.compile(r"\s*(?:(<=|>=|<|>|=|\(|\)|,)|([^\s()<>=,]+))")
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,15})?\Z")
_KEYWORDS = ("and", "or", "not", "in", "always", "never")
_STARTS = SLOTS + NUMBERS + FIELDS + FLAGS + ("not", "always", "never")


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    column: int


def parse(text: str) -> Condition:
    """Read one condition.

    Args:
        text: for example ``pdx in FA1_dx and (mcc or age_years < 17)``.

    Raises:
        ConditionError: the text is not a condition; the error says where and how to mend it.
    """
    if len(text) > MAX_LENGTH:
        raise ConditionError(MAX_LENGTH, "too_long", "too_long", limit=MAX_LENGTH)
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
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
            raise ConditionError(token.column, "expected_text", mend, token.text, text=text, word=word)

    def whole(self) -> Condition:
        condition = self._either(0)
        token = self._peek()
        if token.text:
            raise ConditionError(token.column, "not_continued", "join", token.text)
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
        word = token.text
        if word in ("always", "never"):
            return Const(word == "always")
        if word in FLAGS:
            return Flag(word)
        if word in SLOTS:
            self._expect("in", "in_set", word)
            return InSet(word, self._word("set").text)
        if word in NUMBERS:
            return self._comparison(word)
        if word in FIELDS:
            return self._one_of(word)
        # A joining word in the wrong place is not a test misspelt.
        near = (
            None if word in ("", *_KEYWORDS) else process.extractOne(word.lower(), _STARTS, score_cutoff=60)
        )
        if near:
            raise ConditionError(token.column, "expected_test", "did_you_mean", word, near=near[0])
        raise ConditionError(token.column, "expected_test", "begin_with", word, starts=", ".join(_STARTS))

    def _word(self, what: str) -> _Token:
        token = self._take()
        if not token.text or token.text in _KEYWORDS or token.text in (*COMPARISONS, "(", ")", ","):
            raise ConditionError(token.column, f"expected_{what}", f"write_{what}", token.text)
        return token

    def _comparison(self, number: str) -> Condition:
        op = self._take()
        if op.text not in COMPARISONS:
            raise ConditionError(op.column, "expected_comparison", "compare", op.text, word=number)
        value = self._word("number")
        if not _NUMBER.match(value.text):
            raise ConditionError(value.column, "not_a_number", "write_digits", value.text)
        return Compare(number, op.text, float(value.text))

    def _one_of(self, field: str) -> Condition:
        if self._take_if("="):
            return OneOf(field, (self._word("value").text,))
        self._expect("in", "in_or_equals", field)
        self._expect("(", "open_list")
        values = [self._word("value").text]
        while self._take_if(","):
            values.append(self._word("value").text)
        self._expect(")", "close_list")
        return OneOf(field, tuple(dict.fromkeys(values)))
