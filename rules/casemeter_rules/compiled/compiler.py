"""From the rules of a pack to the arrays of its bundle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from casemeter_grouper.compiled.bundle import Arrays
from casemeter_rules.checks import (
    NUMBERS,
    VALUES,
    Among,
    Apart,
    Between,
    Check,
    DaysWithin,
    Excludes,
    Needs,
    Present,
    QuantityWithin,
)
from casemeter_rules.codes import CodeSet, Key, Space
from casemeter_rules.compiled import layout
from casemeter_rules.facts import Phase
from casemeter_rules.kernel import hash_keys
from casemeter_rules.kind import Kind, Rule

PHASE_BITS: Final = {phase: 1 << at for at, phase in enumerate(Phase)}
_BUCKET_KEYS: Final = 2
"""About how many keys share a bucket."""

_VALUE_FACTS: Final = tuple(VALUES)


class Compiler:
    """Collects rules and turns them into arrays. Equal rules give equal arrays, whatever their order."""

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self._kinds = kinds
        self._sets: dict[CodeSet, int] = {}
        self._keys: dict[Key, int] = {}
        self._key_order: list[Key] = []

    def compile(self, rules: Sequence[Rule]) -> Arrays:
        """Return the arrays of rules, which are in order of their ids."""
        clauses: list[list[int]] = []
        bounds: list[tuple[float, float]] = []
        posting_keys: list[int] = []
        posting_clauses: list[int] = []
        asked: list[int] = []
        for number, rule in enumerate(rules):
            kind = self._kinds[rule.kind]
            if kind.decide is not None and not rule.triggers:
                asked.append(len(clauses))
                clauses.append(self.clause(rule, kind, None, number))
                bounds.append((0.0, 0.0))
            triggers = [self._key(key) for key in rule.triggers]
            for check in rule.checks:
                clause = self.clause(rule, kind, check, number)
                posting_keys += triggers
                posting_clauses += [len(clauses)] * len(triggers)
                clauses.append(clause)
                bounds.append(_bounds(check))
        set_at, set_members = self._members()
        hashes = hash_of_keys(self._key_order)
        order = np.argsort(hashes, kind="stable")
        if len(hashes) and (np.diff(hashes[order]) == 0).any():
            raise AssertionError("two keys share a hash")
        rank = np.empty(len(order), np.uint32)
        rank[order] = np.arange(len(order), dtype=np.uint32)
        ranked = rank[np.array(posting_keys, np.int64)]
        by_key = np.lexsort((np.array(posting_clauses, np.int64), ranked))
        counts = np.bincount(ranked, minlength=len(order)) if len(ranked) else np.zeros(len(order), np.int64)
        meta = [meta_of(rule) for rule in rules]
        return {
            "key_hash": hashes[order],
            "key_bucket": buckets(hashes[order]),
            "post_at": np.concatenate([[0], np.cumsum(counts)]).astype(np.uint32),
            "post_clause": np.array(posting_clauses, np.uint32)[by_key],
            "clauses": np.array(clauses, np.int32).reshape(-1, layout.CLAUSE_WIDTH),
            "bounds": np.array(bounds, np.float64).reshape(-1, 2),
            "set_at": set_at,
            "set_key": sorted_members(set_at, rank, set_members),
            "asked": np.array(asked, np.uint32),
            "prefix_lengths": _prefix_lengths(self._key_order),
            "meta_at": np.cumsum([0, *map(len, meta)]).astype(np.uint64),
            "meta": np.frombuffer(b"".join(meta), np.uint8),
        }

    def _key(self, key: Key) -> int:
        number = self._keys.setdefault(key, len(self._key_order))
        if number == len(self._key_order):
            self._key_order.append(key)
        return number

    def _set(self, codes: CodeSet | None) -> int:
        return layout.NONE if codes is None else self._sets.setdefault(codes, len(self._sets))

    def _members(self) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        lists = [[self._key(key) for key in sorted(codes.keys)] for codes in self._sets]
        flat = [number for members in lists for number in members]
        return np.cumsum([0, *map(len, lists)]).astype(np.uint64), np.array(flat, np.int64)

    def clause(self, rule: Rule, kind: Kind, check: Check | None, number: int) -> list[int]:
        """Return the numbers of a clause; its sets are kept, to be told apart."""
        row = [0] * layout.CLAUSE_WIDTH
        row[layout.PHASES] = sum(PHASE_BITS[phase] for phase in rule.phases)
        row[layout.POSITIONS] = int(kind.positions)
        row[layout.UNLESS] = self._set(kind.unless)
        row[layout.SET] = layout.NONE
        row[layout.FROM], row[layout.UNTIL] = rule.valid_from, rule.valid_until
        row[layout.RULE] = number
        match check:
            case None:
                row[layout.OP] = layout.ASKED
            case Present():
                row[layout.OP] = layout.PRESENT
            case Between():
                row[layout.OP], row[layout.FACT] = layout.BETWEEN, NUMBERS.index(check.fact)
            case Among():
                row[layout.OP], row[layout.FACT] = layout.AMONG, _VALUE_FACTS.index(check.fact)
                row[layout.ALLOWED] = sum(1 << VALUES[check.fact].index(value) for value in check.values)
            case Needs():
                row[layout.OP], row[layout.FACT] = layout.NEEDS, check.slot
                row[layout.SET], row[layout.WINDOW] = self._set(check.codes), check.window
            case Excludes():
                row[layout.OP], row[layout.FACT] = layout.EXCLUDES, check.slot
                row[layout.SET], row[layout.WINDOW] = self._set(check.codes), check.window
                row[layout.WHOLE] = check.whole
            case QuantityWithin():
                row[layout.OP], row[layout.PERIOD] = layout.QUANTITY, check.period_days
            case DaysWithin():
                row[layout.OP] = layout.DAYS
            case Apart():
                row[layout.OP] = layout.APART
        return row


def _bounds(check: Check) -> tuple[float, float]:
    match check:
        case Between():
            return check.low, check.high
        case QuantityWithin() | DaysWithin():
            return 0.0, float(check.most)
        case Apart():
            return float(check.days), 0.0
        case _:
            return 0.0, 0.0


def meta_of(rule: Rule) -> bytes:
    """Return what is said of a rule when it is broken, as JSON."""
    said: dict[str, Any] = {
        "id": rule.id,
        "kind": rule.kind,
        "official": rule.official_type,
        "bases": rule.bases,
        "state": rule.state,
        "tier": int(rule.tier),
        "values": rule.values,
    }
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS)


def hash_of_keys(keys: Iterable[Key]) -> NDArray[np.uint64]:
    """Return the hash of each key, as the kernel finds it."""
    listed = list(keys)
    texts = [key.text.encode() for key in listed]
    at = np.cumsum([0, *map(len, texts)]).astype(np.int64)
    spaces = np.array([key.space for key in listed], np.uint64)
    prefix = np.array([key.prefix for key in listed], np.bool_)
    return np.asarray(hash_keys(np.frombuffer(b"".join(texts) or b"\0", np.uint8), at, spaces, prefix))


def buckets(hashes: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Return the first key of each bucket: keys by the upper bits of their hashes, which are ascending."""
    bits = max(1, (len(hashes) // _BUCKET_KEYS).bit_length())
    tops = (hashes >> np.uint64(64 - bits)).astype(np.int64)
    return np.searchsorted(tops, np.arange((1 << bits) + 1)).astype(np.uint32)


def sorted_members(
    set_at: NDArray[np.uint64], rank: NDArray[np.uint32], members: NDArray[np.int64]
) -> NDArray[np.uint32]:
    """Return the members of all sets by the rank of their keys, ascending within each set."""
    if not len(members):
        return np.empty(0, np.uint32)
    sets = np.repeat(np.arange(len(set_at) - 1), np.diff(set_at).astype(np.int64))
    ranked = rank[members]
    return np.asarray(ranked[np.lexsort((ranked, sets))])


def _prefix_lengths(keys: Iterable[Key]) -> NDArray[np.uint64]:
    words = np.zeros((len(Space), layout.PREFIX_WORDS), np.uint64)
    for space, length in {(key.space, len(key.text.encode())) for key in keys if key.prefix}:
        words[space, (length - 1) >> 6] |= np.uint64(1 << ((length - 1) & 63))
    return words.reshape(-1)
