"""The kernel: one compiled loop that groups cases by following the program of a scheme.

The kernel works on integers only. Codes are numbers of the scheme's own lists (0: unknown); a class per code
carries the masks of the sets it is in; a case ORs its codes' masks, and every ``in`` test is one bit. Numbers
are float64, NaN for a missing fact, and every comparison is one closed interval, which NaN lies outside.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

_MCC, _CC, _NO_PROCEDURES = 2, 4, 1


class Program(NamedTuple):
    """The arrays of a compiled scheme as the kernel reads them.

    With ``N`` nodes, ``D`` classes of diagnoses, ``P`` of procedures and ``V`` values; masks have as many
    64-bit words as their sets need. See :mod:`casemeter_grouper.compiled.compiler`.

    Attributes:
        nodes: int32, ``N x 4``: kind, bit or number tested, target when true, target when false.
        bounds: float64, ``N x 2``: the closed interval of a number.
        diagnosis_class: int32, class by number of the diagnosis.
        diagnosis_masks: uint64, ``D x words``.
        complications: int32, ``D x 3``: exclusion table as MCC, as CC and as principal diagnosis; -1: none.
        sites: uint64, ``D``: one bit per body site.
        procedure_class: int32, class by number of the procedure.
        procedure_masks: uint64, ``P x words``.
        value_masks: uint64, ``V x words``.
    """

    nodes: NDArray[np.int32]
    bounds: NDArray[np.float64]
    diagnosis_class: NDArray[np.int32]
    diagnosis_masks: NDArray[np.uint64]
    complications: NDArray[np.int32]
    sites: NDArray[np.uint64]
    procedure_class: NDArray[np.int32]
    procedure_masks: NDArray[np.uint64]
    value_masks: NDArray[np.uint64]


ARRAYS: Final = (
    *("nodes", "bounds", "diagnosis_class", "diagnosis_masks", "diagnosis_complications"),
    *("diagnosis_sites", "procedure_class", "procedure_masks", "value_masks"),
)
"""The arrays of a bundle that make a :class:`Program`, in its order."""


class Mapped(NamedTuple):
    """A program where it lies in the mapped bundle.

    One array instead of nine, for a call from Python pays for each array it passes.

    Attributes:
        body: uint8, the mapped bytes.
        places: int64, one row for each array of :data:`ARRAYS` (first byte, rows, columns), then a row with
            the root, the retry option (0 or 1) and the bit of "the main procedure is valid".
    """

    body: NDArray[np.uint8]
    places: NDArray[np.int64]


class Batch(NamedTuple):
    """Encoded cases, ``n`` of them.

    Attributes:
        diagnoses: numbers of the diagnoses of all cases, one case after the other, int32.
        diagnosis_at: ``n + 1`` places; case ``i`` has ``diagnoses[diagnosis_at[i]:diagnosis_at[i + 1]]``.
        procedures: likewise.
        procedure_at: likewise.
        numbers: shape ``(n, 5)``: age in years, age in days, birth weight in grams, length of stay in days,
            ICU hours; NaN for missing.
        values: shape ``(n, 3)``: numbers of sex, discharge way and department among the scheme's values.
    """

    diagnoses: NDArray[np.int32]
    diagnosis_at: NDArray[np.int64]
    procedures: NDArray[np.int32]
    procedure_at: NDArray[np.int64]
    numbers: NDArray[np.float64]
    values: NDArray[np.int32]


@njit(cache=True, nogil=True)
def _part(mapped, number, item):  # type: ignore[no-untyped-def]
    start, rows, columns = mapped.places[number]
    return mapped.body[start : start + rows * columns * item]


@njit(cache=True, nogil=True)
def _program(mapped):  # type: ignore[no-untyped-def]
    places = mapped.places
    return Program(
        _part(mapped, 0, 4).view(np.int32).reshape(places[0, 1], 4),
        _part(mapped, 1, 8).view(np.float64).reshape(places[1, 1], 2),
        _part(mapped, 2, 4).view(np.int32),
        _part(mapped, 3, 8).view(np.uint64).reshape(places[3, 1], places[3, 2]),
        _part(mapped, 4, 4).view(np.int32).reshape(places[4, 1], 3),
        _part(mapped, 5, 8).view(np.uint64),
        _part(mapped, 6, 4).view(np.int32),
        _part(mapped, 7, 8).view(np.uint64).reshape(places[7, 1], places[7, 2]),
        _part(mapped, 8, 8).view(np.uint64).reshape(places[8, 1], places[8, 2]),
    )


@njit(cache=True, nogil=True)
def _sites_in(mask: np.uint64) -> int:
    count = 0
    while mask:
        mask &= mask - np.uint64(1)
        count += 1
    return count


@njit(cache=True, nogil=True)
def _follow(program, root, facts, numbers, site_count, path):  # type: ignore[no-untyped-def]
    """Follow a case from the root to its leaf; ``path`` takes the nodes on the way, and the leaf's target."""
    nodes, bounds = program.nodes, program.bounds
    at = root
    step = 0
    path[0] = at
    while at >= 0:
        arg = nodes[at, 1]
        if nodes[at, 0] == 0:
            holds = (facts[arg >> 6] >> np.uint64(arg & 63)) & np.uint64(1) != 0
        else:
            number = site_count if arg == numbers.shape[0] else numbers[arg]
            holds = bounds[at, 0] <= number <= bounds[at, 1]
        at = nodes[at, 2] if holds else nodes[at, 3]
        step += 1
        path[step] = at
    return -at - 1


@njit(cache=True, nogil=True)
def _add_procedures(program, facts, start, procedures):  # type: ignore[no-untyped-def]
    width = program.procedure_masks.shape[1]
    for word in range(3 * width):
        facts[start + word] = np.uint64(0)
    for place in range(procedures.shape[0]):
        of = program.procedure_class[procedures[place]]
        own = start if place == 0 else start + 2 * width
        for word in range(width):
            mask = program.procedure_masks[of, word]
            facts[own + word] |= mask
            facts[start + width + word] |= mask


@njit(cache=True, nogil=True)
def _fact_words(program):  # type: ignore[no-untyped-def]
    widths = program.diagnosis_masks.shape[1] + program.procedure_masks.shape[1]
    return 3 * widths + program.value_masks.shape[1] + 1


@njit(cache=True, nogil=True)
def _load(program, diagnoses, procedures, values, facts):  # type: ignore[no-untyped-def]
    """Fill the bits of a case and return the number of its body sites."""
    width = program.diagnosis_masks.shape[1]
    value_width = program.value_masks.shape[1]
    flags_at = facts.shape[0] - 1
    values_start = flags_at - value_width
    facts[:] = np.uint64(0)
    principal = program.diagnosis_class[diagnoses[0]]
    exclusion = program.complications[principal, 2]
    sites = program.sites[principal]
    flags = 0
    for word in range(width):
        facts[word] = program.diagnosis_masks[principal, word]
    for place in range(1, diagnoses.shape[0]):
        of = program.diagnosis_class[diagnoses[place]]
        for word in range(width):
            facts[2 * width + word] |= program.diagnosis_masks[of, word]
        mcc, cc = program.complications[of, 0], program.complications[of, 1]
        if mcc >= 0 and mcc != exclusion:
            flags |= _MCC
        if cc >= 0 and cc != exclusion:
            flags |= _CC
        sites |= program.sites[of]
    for word in range(width):
        facts[width + word] = facts[word] | facts[2 * width + word]
    for field in range(values.shape[0]):
        for word in range(value_width):
            facts[values_start + word] |= program.value_masks[values[field], word]
    _add_procedures(program, facts, 3 * width, procedures)
    facts[flags_at] = np.uint64(flags if procedures.shape[0] else flags | _NO_PROCEDURES)
    return float(_sites_in(sites))


@njit(cache=True, nogil=True)
def _group(program, options, diagnoses, procedures, values, numbers, facts, path):  # type: ignore[no-untyped-def]
    """Group one case; return its leaf, and the place of the only procedure that a retry took, or 0."""
    root, retry = options[0], options[1]
    site_count = _load(program, diagnoses, procedures, values, facts)
    leaf = _follow(program, root, facts, numbers, site_count, path)
    if leaf == 0 and retry:
        start = 3 * program.diagnosis_masks.shape[1]
        for place in range(1, procedures.shape[0]):
            _add_procedures(program, facts, start, procedures[place : place + 1])
            leaf = _follow(program, root, facts, numbers, site_count, path)
            if leaf != 0:
                return leaf, place
    return leaf, 0


@njit(cache=True, nogil=True)
def run_one(mapped, codes, numbers):  # type: ignore[no-untyped-def]
    """Group one case.

    Args:
        mapped: a :class:`Mapped` program.
        codes: int32: the number of diagnoses, at least 1; the three values; the diagnoses; the procedures.
        numbers: float64: the five numbers.

    Returns:
        The leaf (0: ungroupable); the place of the procedure that was the only one when the case was grouped
        by a retry (0: grouped, or not, as sent); and whether the main procedure is a valid one.
    """
    program = _program(mapped)
    options = mapped.places[len(ARRAYS)]
    facts = np.empty(_fact_words(program), np.uint64)
    path = np.empty(program.nodes.shape[0] + 1, np.int32)
    end = 4 + codes[0]
    leaf, place = _group(program, options, codes[4:end], codes[end:], codes[1:4], numbers, facts, path)
    # After a retry the facts are those of the procedure it took; the bit is asked for place 0 only.
    valid = (facts[options[2] >> 6] >> np.uint64(options[2] & 63)) & np.uint64(1) != 0
    return leaf, place, valid


@njit(cache=True, nogil=True)
def run(mapped, batch, leaves, attempts):  # type: ignore[no-untyped-def]
    """Group a batch of cases.

    Args:
        mapped: a :class:`Mapped` program.
        batch: a :class:`Batch`; every case has a diagnosis.
        leaves: int32 of length ``n``, filled as :func:`run_one` returns them.
        attempts: int32 of length ``n``, likewise.
    """
    program = _program(mapped)
    options = mapped.places[len(ARRAYS)]
    facts = np.empty(_fact_words(program), np.uint64)
    path = np.empty(program.nodes.shape[0] + 1, np.int32)
    for case in range(leaves.shape[0]):
        leaves[case], attempts[case] = _group(
            program,
            options,
            batch.diagnoses[batch.diagnosis_at[case] : batch.diagnosis_at[case + 1]],
            batch.procedures[batch.procedure_at[case] : batch.procedure_at[case + 1]],
            batch.values[case],
            batch.numbers[case],
            facts,
            path,
        )


@njit(cache=True, nogil=True)
def first_differences(mapped, batch, nodes):  # type: ignore[no-untyped-def]
    """Find, for every case of a batch, the first test that it answers otherwise than case 0 does.

    Args:
        mapped: a :class:`Mapped` program.
        batch: a :class:`Batch`.
        nodes: int32 of length ``n``, filled with the node of that test; -1 when both go the same way.
    """
    program = _program(mapped)
    root = mapped.places[len(ARRAYS), 0]
    facts = np.empty(_fact_words(program), np.uint64)
    own = np.empty(program.nodes.shape[0] + 1, np.int32)
    path = np.empty_like(own)
    for case in range(nodes.shape[0]):
        site_count = _load(
            program,
            batch.diagnoses[batch.diagnosis_at[case] : batch.diagnosis_at[case + 1]],
            batch.procedures[batch.procedure_at[case] : batch.procedure_at[case + 1]],
            batch.values[case],
            facts,
        )
        _follow(program, root, facts, batch.numbers[case], site_count, path if case else own)
        step = 0
        while case and own[step] == path[step] and own[step] >= 0:
            step += 1
        nodes[case] = -1 if not case or own[step] == path[step] else own[step - 1]
