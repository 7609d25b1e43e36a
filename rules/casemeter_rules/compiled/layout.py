"""How compiled rules lie in their arrays, and how what is recorded lies beside them."""

from __future__ import annotations

from typing import Final

from casemeter_rules.checks import NUMBERS, VALUES

ARRAYS: Final = (
    "key_hash",  # uint64, K: hashes of the keys, ascending
    "key_bucket",  # uint32, 2^b + 1: first key by the upper bits of the hash
    "post_at",  # uint32, K + 1: first posting of each key
    "post_clause",  # uint32: clauses that a key triggers
    "clauses",  # int32, C x CLAUSE_WIDTH
    "bounds",  # float64, C x 2: lowest and highest, or limits
    "set_at",  # uint64, S + 1: first member of each set
    "set_key",  # uint32: members, ascending within a set
    "prefix_lengths",  # uint64, 3 x PREFIX_WORDS: bit n: the space has prefixes of n + 1 bytes
)

ITEM_SIZES: Final = {
    "key_hash": 8,
    "key_bucket": 4,
    "post_at": 4,
    "post_clause": 4,
    "clauses": 4,
    "bounds": 8,
    "set_at": 8,
    "set_key": 4,
    "prefix_lengths": 8,
}

OP, PHASES, POSITIONS, UNLESS, FACT, ALLOWED, SET, WINDOW = range(8)
PERIOD, FROM, UNTIL, WHOLE, SPACE, RULE = range(8, 14)
CLAUSE_WIDTH: Final = 16
"""A clause is one check of one rule: 16 numbers, one line of a cache."""

PRESENT, BETWEEN, AMONG, NEEDS, EXCLUDES, QUANTITY, DAYS, APART, ASKED = range(9)
"""What a clause asks. ASKED: no code brings it up, the kind's own function decides."""

CODE_START, CODE_LENGTH, CODE_SPACE, CODE_KNOWN = range(4)
CODE_WIDTH: Final = 4
"""A code is one of the different codes that are recorded. KNOWN: 0 of one that no dictionary knows."""

CODE, POSITION, MINUTE, AMOUNT = range(4)
ENTRY_WIDTH: Final = 4
"""An entry is one recorded code: number of the code, its part, and minute and quantity, -1: unknown."""

MAX_PREFIX: Final = 256
"""In bytes: 64 characters of up to four."""

PREFIX_WORDS: Final = MAX_PREFIX // 64

MISSING: Final = (*NUMBERS, *VALUES, "diagnoses", "procedures", "items", "item_time", "item_quantity")
"""What may be missing for a clause to be decided."""

NO_DIAGNOSES, NO_PROCEDURES, NO_ITEMS, NO_TIME, NO_QUANTITY = range(len(NUMBERS) + len(VALUES), len(MISSING))

NONE: Final = -1
"""No set."""
