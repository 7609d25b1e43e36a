"""From pairs on disk to the arrays of a bundle: the second of the two ways through them.

What comes out is what the compiler makes of the same rules in memory (a test compares), but only codes, one
bucket of pairs and the arrays' short columns are ever held; members of sets and what is said of rules go to
files without names, from which the bundle is written.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.compiled.bundle import Arrays
from casemeter_grouper.pack.progress import advance
from casemeter_rules.bulk.read import Pairs
from casemeter_rules.bulk.rules import rule_of
from casemeter_rules.bulk.spill import BUCKETS, Growing
from casemeter_rules.checks import Needs, Slot
from casemeter_rules.codes import CodeSet, Key, Space
from casemeter_rules.compiled import layout
from casemeter_rules.compiled.compiler import Compiler, buckets, hash_of_keys, meta_of
from casemeter_rules.kinds import kinds

_LOW: Final = np.uint64(0xFFFFFFFF)
_SHORT: Final = 5
"""Up to so many diagnoses of a rule are named in its sentences."""


def with_pairs(arrays: Arrays, pairs: Pairs) -> Arrays:
    """Return the arrays of a pack's other rules with those of a table of pairs behind them.

    Args:
        arrays: of the compiler.
        pairs: a table without faults.
    """
    if not pairs.items:
        return arrays
    keys = _Keys.of(arrays["key_hash"], pairs)
    order = np.argsort(pairs.hashes)
    if (np.diff(pairs.hashes[order]) == 0).any():
        raise AssertionError("two items share a rule id")
    with Growing(np.uint32) as members, Growing(np.uint8) as meta:
        members.add(keys.moved[arrays["set_key"]])
        meta.add(arrays["meta"])
        body = _Body(pairs, keys, order, members, meta, arrays)
        for bucket in range(BUCKETS):
            body.add(bucket)
            advance(f"{pairs.kind.name} → bundle", bucket + 1, BUCKETS)
        return _joined(arrays, keys, keys.items[order], body) | {
            "set_key": members.array(),
            "meta": meta.array(),
        }


@dataclass(frozen=True, slots=True)
class _Keys:
    """The keys of all rules.

    Attributes:
        hashes: uint64, ascending.
        moved: uint32, the place of each key of the other rules.
        items: uint32, the place of each item of the pairs.
        diagnoses: uint32, the place of each diagnosis of the pairs.
    """

    hashes: NDArray[np.uint64]
    moved: NDArray[np.uint32]
    items: NDArray[np.uint32]
    diagnoses: NDArray[np.uint32]

    @classmethod
    def of(cls, others: NDArray[np.uint64], pairs: Pairs) -> _Keys:
        items = hash_of_keys(Key(Space.ITEM, code) for code in pairs.items)
        diagnoses = hash_of_keys(Key(Space.DIAGNOSIS, code) for code in pairs.diagnoses)
        own = np.unique(np.concatenate([items, diagnoses]))
        if len(own) < len(items) + len(diagnoses):
            raise AssertionError("two keys share a hash")
        hashes = np.union1d(others, own)

        def place(which: NDArray[np.uint64]) -> NDArray[np.uint32]:
            return np.searchsorted(hashes, which).astype(np.uint32)

        return cls(hashes, place(others), place(items), place(diagnoses))


class _Body:
    """Sets, clauses and what is said of the rules, growing bucket by bucket."""

    def __init__(
        self,
        pairs: Pairs,
        keys: _Keys,
        order: NDArray[np.int64],
        members: Growing,
        meta: Growing,
        arrays: Arrays,
    ) -> None:
        self._pairs, self._keys, self._order = pairs, keys, order
        self._members, self._meta = members, meta
        self._rank = np.empty(len(order), np.uint64)
        self._rank[order] = np.arange(len(order), dtype=np.uint64)
        self._diagnosis_at = np.zeros(len(keys.hashes), np.uint32)
        self._diagnosis_at[keys.diagnoses] = np.arange(len(keys.diagnoses), dtype=np.uint32)
        self._first_set = len(arrays["set_at"]) - 1
        self._first_rule = len(arrays["meta_at"]) - 1
        self._sets: dict[bytes, int] = {}
        self._set_of: list[int] = []
        self.set_ends: list[int] = []
        self.meta_ends: list[int] = []

    def add(self, bucket: int) -> None:
        """Add the rules of a bucket. Buckets come in the order of the rules' ids."""
        held = self._pairs.spill.bucket(bucket)
        ranks = self._rank[(held >> np.uint64(32)).astype(np.int64)]
        held = ranks << np.uint64(32) | self._keys.diagnoses[(held & _LOW).astype(np.int64)]
        held.sort()
        different = np.ones(len(held), np.bool_)
        different[1:] = held[1:] != held[:-1]
        held = held[different]
        if not len(held):
            return
        ranks = held >> np.uint64(32)
        keys = (held & _LOW).astype(np.uint32)
        starts = np.flatnonzero(np.concatenate([[True], ranks[1:] != ranks[:-1]]))
        ends = np.append(starts[1:], len(held))
        fresh = np.ones(len(held), np.bool_)
        said: list[bytes] = []
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            own = keys[start:end]
            if not self._is_new(own):
                fresh[start:end] = False
            said.append(self._said(int(ranks[start]), own))
        self._members.add(keys[fresh])
        at = self._meta.count
        self.meta_ends += (at + np.cumsum([len(each) for each in said])).tolist()
        self._meta.add(np.frombuffer(b"".join(said), np.uint8))

    def _is_new(self, members: NDArray[np.uint32]) -> bool:
        """Give the next rule its set: one that is there, if any rule before has the same diagnoses."""
        digest = hashlib.blake2b(members.data, digest_size=16).digest()
        number = self._sets.setdefault(digest, len(self._sets))
        self._set_of.append(self._first_set + number)
        if number < len(self.set_ends):
            return False
        before = self.set_ends[-1] if self.set_ends else self._members.count
        self.set_ends.append(before + len(members))
        return True

    def _said(self, rank: int, members: NDArray[np.uint32]) -> bytes:
        item = int(self._order[rank])
        few = members if len(members) <= _SHORT else members[:0]
        named = [self._pairs.diagnoses[at] for at in self._diagnosis_at[few].tolist()]
        bases = [self._pairs.bases[number] for number in self._pairs.bases_of[item]]
        rule = rule_of(self._pairs.kind, self._pairs.items[item], bases, len(members), named)
        return meta_of(rule)

    def clauses(self) -> NDArray[np.int32]:
        """Return the clause of each rule."""
        any_rule = rule_of(self._pairs.kind, "", [""], 0, [])
        needs = Needs(Slot.ANY_DIAGNOSIS, CodeSet())
        form = Compiler(kinds()).clause(any_rule, self._pairs.kind, needs, 0)
        rows = np.tile(np.array(form, np.int32), (len(self._set_of), 1))
        rows[:, layout.SET] = self._set_of
        rows[:, layout.RULE] = np.arange(self._first_rule, self._first_rule + len(rows))
        return rows


def _joined(arrays: Arrays, keys: _Keys, items: NDArray[np.uint32], body: _Body) -> Arrays:
    """Return the short arrays of the other rules with those of the pairs behind them."""
    clauses = len(arrays["clauses"])
    numbers = np.arange(clauses, clauses + len(items), dtype=np.uint32)
    post_at, post_clause = _postings(arrays, keys, items, numbers)
    return {
        **arrays,
        "key_hash": keys.hashes,
        "key_bucket": buckets(keys.hashes),
        "post_at": post_at,
        "post_clause": post_clause,
        "clauses": np.concatenate([arrays["clauses"], body.clauses()]),
        "bounds": np.concatenate([arrays["bounds"], np.zeros((len(items), 2))]),
        "set_at": np.concatenate([arrays["set_at"], np.array(body.set_ends, np.uint64)]),
        "meta_at": np.concatenate([arrays["meta_at"], np.array(body.meta_ends, np.uint64)]),
    }


def _postings(
    arrays: Arrays, keys: _Keys, items: NDArray[np.uint32], clauses: NDArray[np.uint32]
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return where the clauses of each key begin, and the clauses: those of the pairs come last."""
    ends: NDArray[np.int64] = arrays["post_at"].astype(np.int64)
    counts_before = ends[1:] - ends[:-1]
    others = np.repeat(keys.moved, counts_before)
    by_key = np.concatenate([others, items])
    named = np.concatenate([arrays["post_clause"], clauses])
    counts = np.bincount(by_key, minlength=len(keys.hashes))
    post_at = np.concatenate([[0], np.cumsum(counts)]).astype(np.uint32)
    return post_at, named[np.argsort(by_key, kind="stable")]
