"""Searching for the codes of what a physician types."""

from __future__ import annotations

from functools import cached_property
from threading import Lock
from typing import Final

from casemeter.v1 import error_pb2, terms_pb2
from casemeter_grouper.pack.dictionaries import shipped_dictionary
from casemeter_rules.terms import LONGEST, Mention, Synonym, TermIndex, shipped_synonyms
from casemeter_server.errors import fault, invalid

DEFAULT_LIMIT: Final = 10
MAX_LIMIT: Final = 50
_SPACES: Final = frozenset(terms_pb2.TermSpace.values())


class Terms:
    """Searches the names of the dictionary and the synonyms of the packs. Holds nothing of any search."""

    def __init__(self, synonyms: tuple[Synonym, ...] = ()) -> None:
        self._synonyms = synonyms
        self._lock = Lock()

    def warm(self) -> None:
        """Build the index, which takes about a second; the first search does, else."""
        with self._lock:
            _ = self._index

    @cached_property
    def _index(self) -> TermIndex:
        dictionary = shipped_dictionary()
        synonyms = (*shipped_synonyms(), *self._synonyms)
        return TermIndex.build(dictionary.diagnoses, dictionary.procedures, synonyms)

    def search(self, request: terms_pb2.SearchTermsRequest) -> terms_pb2.SearchTermsResponse:
        """Answer one search. Takes milliseconds: not for the loop that answers orders.

        Raises:
            RequestError: the request cannot be answered; every fault is listed.
        """
        faults: list[error_pb2.FieldFault] = []
        if not request.text:
            faults.append(fault("text", "REQUIRED"))
        if len(request.text) > LONGEST:
            faults.append(fault("text", "TOO_LONG", count=len(request.text), limit=LONGEST))
        if request.space not in _SPACES:
            faults.append(fault("space", "UNKNOWN_VALUE", value=request.space))
        if not 0 <= request.limit <= MAX_LIMIT:
            faults.append(fault("limit", "OUT_OF_RANGE", value=request.limit, low=1, high=MAX_LIMIT))
        if faults:
            raise invalid(faults)
        self.warm()
        procedures = request.space == terms_pb2.TERM_SPACE_PROCEDURE
        found = self._index.search(
            request.text, "procedure" if procedures else "diagnosis", request.limit or DEFAULT_LIMIT
        )
        return terms_pb2.SearchTermsResponse(mentions=map(_mention, found))


def _mention(mention: Mention) -> terms_pb2.TermMention:
    qualifiers = (mention.qualifiers.side, mention.qualifiers.stage)
    return terms_pb2.TermMention(
        text=mention.text,
        start=mention.start,
        end=mention.end,
        state=f"TERM_STATE_{mention.state.upper()}",
        qualifiers=[text for text in qualifiers if text],
        hits=[
            terms_pb2.TermHit(code=hit.code, name=hit.name, score=hit.score, how=hit.how)
            for hit in mention.hits
        ],
    )
