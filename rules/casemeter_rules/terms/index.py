"""The search: what is typed in, mentions with codes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self

from casemeter_rules.terms.model import Hit, Mention, Space, State, Synonym
from casemeter_rules.terms.names import Found, Names
from casemeter_rules.terms.normal import fold, key
from casemeter_rules.terms.parts import Part, parts
from casemeter_rules.terms.states import Said, closes, said
from casemeter_rules.terms.status import Status
from casemeter_rules.terms.words import only_qualifiers, qualifiers

LONGEST = 200
_ALONE = 66.0  # a part that scores less says more about the part before it
_SURE = 95.0  # two parts that score this much each are two diagnoses,
_SURE_TOGETHER = 88.0  # or one that scores this, where a word such as 伴 joins them
_TOGETHER = 0.8  # two parts are one diagnosis when one name has this much of both
_STATUS: frozenset[State] = frozenset({"history", "family_history", "post_procedure"})


@dataclass(slots=True)
class _Draft:
    """A mention in the making: ``text`` is what is searched for, ``whole`` where the line is a name."""

    start: int
    end: int
    text: str
    state: State
    opens: bool
    found: list[Found]
    whole: bool = False

    @property
    def score(self) -> float:
        return self.found[0].score if self.found else 0.0


class TermIndex:
    """Finds codes for what is typed. Read only once built, so that any number of threads may search."""

    def __init__(self, diagnoses: Names, procedures: Names, status: Status) -> None:
        """Use :meth:`build`."""
        self._names: dict[Space, Names] = {"diagnosis": diagnoses, "procedure": procedures}
        self._status = status

    @classmethod
    def build(
        cls, diagnoses: Mapping[str, str], procedures: Mapping[str, str], synonyms: Iterable[Synonym]
    ) -> Self:
        """Index two dictionaries, code to name, with the synonyms that shall hold.

        The synonyms that ship are not added by themselves: pass
        ``[*shipped_synonyms(), *those_of_the_pack]``.
        """
        synonyms = tuple(synonyms)
        return cls(
            Names(diagnoses, synonyms, "diagnosis"),
            Names(procedures, synonyms, "procedure"),
            Status(diagnoses, synonyms),
        )

    def search(self, text: str, space: Space = "diagnosis", limit: int = 10) -> tuple[Mention, ...]:
        """Return what a text says, each thing with its codes, in the order of the text.

        Args:
            text: at most 200 characters; several diagnoses may stand in it.
            space: the dictionary to search.
            limit: at most this many codes for each thing.

        Raises:
            ValueError: the text is longer than 200 characters, or the limit is below 1.
        """
        if len(text) > LONGEST:
            raise ValueError(f"text of {len(text)} characters; a search takes at most {LONGEST}")
        if limit < 1:
            raise ValueError(f"limit {limit} is below 1")
        return _Search(self._names[space], self._status, space, text, limit).mentions()


class _Search:
    """One search, with what it has looked up so far."""

    def __init__(self, names: Names, status: Status, space: Space, text: str, limit: int) -> None:
        self._names, self._status, self._space = names, status, space
        self._text, self._limit = text, limit
        self._seen: dict[str, list[Found]] = {}

    def mentions(self) -> tuple[Mention, ...]:
        folded = fold(self._text).strip()
        if not key(folded):
            return ()
        if self._names.named(folded) and "?" not in folded:
            start, end = _trimmed(self._text, 0, len(self._text))
            state = said(folded).state if self._is_status(folded) else "confirmed"
            drafts = [_Draft(start, end, folded, state, False, self._look(folded), whole=True)]
        else:
            drafts = self._drafts()
        made = (self._mention(draft) for draft in drafts)
        return tuple(mention for mention in made if mention.hits)

    def _is_status(self, folded: str) -> bool:
        found = self._look(folded)
        return bool(found) and self._names.codes[found[0].row].startswith("Z")

    def _look(self, text: str) -> list[Found]:
        if text not in self._seen:
            self._seen[text] = self._names.search(text, self._limit)
        return self._seen[text]

    def _drafts(self) -> list[_Draft]:
        drafts: list[_Draft] = []
        waiting: State | None = None
        for part in parts(self._text):
            text = fold(self._text[part.start : part.end])
            read = said(text)
            if not key(read.core):
                waiting = self._only_state(read, closes(text), drafts) or waiting
                continue
            if read.state == "confirmed" and waiting is not None:
                read, waiting = replace(read, state=waiting, opens=True), None
            elif read.state == "confirmed" and part.carries and drafts and drafts[-1].opens:
                read = replace(read, state=drafts[-1].state, opens=True)
            if part.hard or not drafts:
                drafts.append(self._new(part, read))
            else:
                self._soft(drafts, part, read)
        return drafts

    @staticmethod
    def _only_state(read: Said, behind: bool, drafts: list[_Draft]) -> State | None:
        if read.state == "confirmed":
            return None
        if drafts and (behind or not read.opens):
            drafts[-1].state = read.state
            return None
        return read.state

    def _new(self, part: Part, read: Said) -> _Draft:
        start, end = _trimmed(self._text, part.start, part.end)
        text, found = read.core, self._look(read.core)
        if read.longer:
            longer = self._look(read.longer)
            if longer and (not found or longer[0].score >= found[0].score):
                text, found = read.longer, longer
        return _Draft(start, end, text, read.state, read.opens, found)

    def _soft(self, drafts: list[_Draft], part: Part, read: Said) -> None:
        """Decide what a part is that stands behind a blank, a bracket or 伴: a diagnosis or a detail."""
        last, new = drafts[-1], self._new(part, read)
        if only_qualifiers(read.core):
            self._join(last, new, f"{last.text}{read.core}")
            return
        if new.state == last.state or new.state in _STATUS or last.state == "confirmed":
            joint = said(fold(self._text[last.start : part.end])).core
            both = self._look(joint)
            if part.joined:
                other = f"{last.text}伴{new.text}"
                joint, both = max((joint, both), (other, self._look(other)), key=_best_score)
            least = min(last.score, new.score)
            enough = least if least < _SURE else _SURE_TOGETHER if part.joined else _SURE
            if (
                both
                and self._covers(both[0], last, new)
                and both[0].score >= min(enough, 80.0 if least < _SURE else enough)
            ):
                last.state = min(last.state, new.state, key=lambda state: state == "confirmed")
                last.end, last.text, last.found = new.end, joint, both
                return
        top = {found.row for found in last.found[:3]}
        same = bool(new.found) and new.found[0].row in top
        detail = part.enclosed or same or new.score < _ALONE
        if detail and new.state in ("confirmed", last.state):
            self._absorb(last, new)
            return
        if last.score < _ALONE and last.state == "confirmed" and len(drafts) == 1 and not last.opens:
            # What stands first and says nothing by itself is a detail of what follows.
            new.start = last.start
            drafts.pop()
        if part.joined:
            new.found = self._of_the_same_site(last, new)
        drafts.append(new)

    def _of_the_same_site(self, last: _Draft, new: _Draft) -> list[Found]:
        """Put names first that add to a part only what the part before says: 膝退变伴游离体."""
        if not new.found:
            return new.found
        fits = [
            replace(found, score=new.score)
            for found in new.found
            if self._names.covers(found.row, new.text) == 1.0
            and self._names.adds_only(found.row, new.text, last.text)
        ]
        rows_first = {found.row for found in fits}
        return [*fits, *(found for found in new.found if found.row not in rows_first)]

    def _covers(self, found: Found, *drafts: _Draft) -> bool:
        return all(self._names.covers(found.row, draft.text) >= _TOGETHER for draft in drafts)

    def _join(self, last: _Draft, new: _Draft, text: str) -> None:
        last.end, last.text, last.found = new.end, text, self._look(text)

    def _absorb(self, last: _Draft, new: _Draft) -> None:
        joined = f"{last.text}{new.text}"
        both = self._look(joined)
        last.end = new.end
        best = (last.score, last.text, last.found)
        if last.score < _ALONE and new.score > last.score:
            best = (new.score, new.text, new.found)
        if both and both[0].score > best[0]:
            best = (both[0].score, joined, both)
        _, last.text, last.found = best

    def _mention(self, draft: _Draft) -> Mention:
        text = self._text[draft.start : draft.end]
        hits: tuple[Hit, ...] = tuple(self._names.hit(found) for found in draft.found)
        state = draft.state
        if self._space == "diagnosis":
            named = bool(hits) and hits[0].score >= 99.0 and self._status.knows(state, hits[0].code)
            if state in _STATUS and not named and not draft.whole:
                hits = self._status.hits(state, draft.text, hits, self._limit)
            elif state == "confirmed" and "术后" in draft.text and hits and hits[0].code.startswith("Z9"):
                state = "post_procedure"
        return Mention(text, draft.start, draft.end, state, qualifiers(fold(text)), hits)


def _best_score(tried: tuple[str, list[Found]]) -> float:
    return tried[1][0].score if tried[1] else 0.0


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
