"""Mismatches planted in stays: a final reading is drawn, and one thing of it was known otherwise before.

Every plant says itself what moved the group, by what was changed and where the two groups lie in the scheme;
one whose change does not move the group is drawn again. Beside the plant, readings differ in things that do
not move it: days, way of leaving, codes that count nowhere.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from casemeter_grouper.case import Case
from casemeter_grouper.reconcile.causes import Cause
from casemeter_grouper.reconcile.readings import NOTHING_LATE, Late, Reading
from casemeter_grouper.reconcile.versions import CatalogueVersion, SchemeVersion, Version

NOISE: Final = 0.5
"""How often each of the things that do not matter differs, too."""

DRG_CAUSES: Final = (
    *(Cause.DIAGNOSIS, Cause.PROCEDURE, Cause.COMPLICATION, Cause.EXCLUSION),
    *(Cause.PACK, Cause.LATE),
)
DIP_CAUSES: Final = (Cause.DIAGNOSIS, Cause.PROCEDURE, Cause.PACK, Cause.LATE)


class Mismatch(NamedTuple):
    """A stay that stood in another group than it ended in.

    Attributes:
        cause: that was planted.
        before: as it stood.
        after: as it ended.
        late: what had come about by then and came to be known later.
    """

    cause: Cause
    before: Reading
    after: Reading
    late: Late = NOTHING_LATE

    @property
    def groups(self) -> tuple[str, str]:
        """Where it stood and where it ended."""
        return group_of(self.before), group_of(self.after)


def group_of(reading: Reading) -> str:
    """Group of a reading; empty: none."""
    return reading.version.place(reading.case, reading.cost_fen).group


class Planter:
    """Plants mismatches in cases of one pack."""

    def __init__(self, version: Version, edited: Version, seed: int) -> None:
        """Take the pack, and an edited copy of it."""
        self._version, self._edited = version, edited
        self._rng = random.Random(seed)
        self._diagnoses = tuple(version.diagnoses.number)
        self._procedures = tuple(version.procedures.number)
        self._excluded_by: dict[str, list[str]] = {}
        if isinstance(version, SchemeVersion):
            for code in self._diagnoses:
                if table := version.scheme.exclusion_table(code):
                    self._excluded_by.setdefault(table, []).append(code)
        self._plants: dict[Cause, Callable[[Case], Mismatch | None]] = {
            Cause.DIAGNOSIS: self._diagnosis,
            Cause.PROCEDURE: self._procedure,
            Cause.COMPLICATION: self._complication,
            Cause.EXCLUSION: self._exclusion,
            Cause.PACK: self._pack,
            Cause.LATE: self._late,
        }

    def plant(self, cause: Cause, cases: Iterator[Case]) -> Mismatch:
        """Return a mismatch of a cause, in the first case that takes it."""
        while True:
            final = next(cases)
            if not final.diagnoses or not self._group(final):
                continue
            found = self._plants[cause](final)
            if found is None:
                continue
            before, after = found.groups
            if before != after and after:
                noisy = self._with_noise(found)
                return noisy if noisy.groups == found.groups else found

    def _group(self, case: Case) -> str:
        return self._version.place(case, None).group

    def _adrg(self, case: Case) -> str:
        return self._version.place(case, None).adrg

    def _known(self, final: Case, late: Late = NOTHING_LATE, **edits: Any) -> Mismatch:
        cause = Cause.LATE if late is not NOTHING_LATE else Cause.UNEXPLAINED
        before = Reading(final._replace(**edits), self._version)
        return Mismatch(cause, before, Reading(final, self._version), late)

    def _diagnosis(self, final: Case) -> Mismatch | None:
        principal, *others = final.diagnoses
        at = self._rng.randrange(len(others)) if others else 0
        ways: list[tuple[str, ...]] = [(self._rng.choice(self._diagnoses), *others)]
        if others:
            # Chosen otherwise among the same, or one more that leads elsewhere.
            ways.append((others[at], principal, *others[:at], *others[at + 1 :]))
            ways.append((principal, *others[:at], *others[at + 1 :]))
        before = final._replace(diagnoses=self._rng.choice(ways))
        adrg = self._adrg(before)
        # Within one ADRG it would be a complication, or an exclusion; a catalogue has neither.
        if adrg and adrg == self._adrg(final):
            return None
        return self._known(final, diagnoses=before.diagnoses)._replace(cause=Cause.DIAGNOSIS)

    def _procedure(self, final: Case) -> Mismatch | None:
        if not final.procedures:
            return None
        at = self._rng.randrange(len(final.procedures))
        code, rest = final.procedures[at], final.procedures[:at] + final.procedures[at + 1 :]
        ways = ((), rest, (code, *rest), (*rest, self._rng.choice(self._procedures)))
        return self._known(final, procedures=self._rng.choice(ways))._replace(cause=Cause.PROCEDURE)

    def _complication(self, final: Case) -> Mismatch | None:
        standing = [code for code, _ in self._version.standing(final, final.diagnoses[0])]
        if not standing:
            return None
        gone = self._rng.choice(sorted(standing))
        fewer = final._replace(diagnoses=_without(final.diagnoses, gone))
        if self._adrg(fewer) != self._adrg(final):
            return None
        # One that was found, or one that did not stand in the end.
        less, more = Reading(fewer, self._version), Reading(final, self._version)
        before, after = (less, more) if self._rng.random() < 0.7 else (more, less)
        return Mismatch(Cause.COMPLICATION, before, after)

    def _exclusion(self, final: Case) -> Mismatch | None:
        assert isinstance(self._version, SchemeVersion)
        standing = sorted(self._version.standing(final, final.diagnoses[0]))
        if not standing:
            return None
        code, level = self._rng.choice(standing)
        table = self._version.scheme.complication_table(code, level) or ""
        others = [one for one in self._excluded_by.get(table, ()) if one not in final.diagnoses]
        same = [
            other
            for other in self._rng.sample(others, min(60, len(others)))
            if self._adrg(final._replace(diagnoses=(other, *final.diagnoses[1:]))) == self._adrg(final)
        ]
        if not same:
            return None
        excluded = final._replace(diagnoses=(same[0], *final.diagnoses[1:]))
        one, other = Reading(final, self._version), Reading(excluded, self._version)
        before, after = (one, other) if self._rng.random() < 0.5 else (other, one)
        return Mismatch(Cause.EXCLUSION, before, after)

    def _pack(self, final: Case) -> Mismatch | None:
        before, after = Reading(final, self._version), Reading(final, self._edited)
        return Mismatch(Cause.PACK, before, after)

    def _late(self, final: Case) -> Mismatch | None:
        kinds = [kind for kind in ("diagnoses", "procedures") if len(getattr(final, kind)) > 1]
        if not kinds:
            return None
        kind = self._rng.choice(kinds)
        codes = getattr(final, kind)
        # Of the diagnoses the principal one stands; of the procedures the main one may be late, too.
        at = self._rng.randrange(1 if kind == "diagnoses" else 0, len(codes))
        left: dict[str, Any] = {kind: _without(codes, codes[at])}
        return self._known(final, Late(final._replace(**left), final), **left)

    def _with_noise(self, mismatch: Mismatch) -> Mismatch:
        """Return it with differences that do not move the group; some of them late."""
        before, after, late = mismatch.before.case, mismatch.after.case, mismatch.late
        if self._some():
            before = before._replace(los_days=1.0)
        if self._some():
            before = before._replace(discharge_way=None)
        known, true = (late.known, late.true) if late is not NOTHING_LATE else (before, before)
        for kind, codes in (("diagnoses", self._diagnoses), ("procedures", self._procedures)):
            if not self._some():
                continue
            extra = self._rng.choice(codes)
            if extra in getattr(before, kind) or extra in getattr(after, kind):
                continue
            if group_of(mismatch.before._replace(case=_added(before, kind, extra))) != mismatch.groups[0]:
                continue  # it would be a cause by itself
            after = _added(after, kind, extra)
            if self._some():
                # It had come about, too.
                true = _added(true, kind, extra)
        found = mismatch._replace(
            before=mismatch.before._replace(case=before), after=mismatch.after._replace(case=after)
        )
        return found._replace(late=Late(known, true) if known != true else NOTHING_LATE)

    def _some(self) -> bool:
        return self._rng.random() < NOISE


def _added(case: Case, kind: str, code: str) -> Case:
    more: dict[str, Any] = {kind: (*getattr(case, kind), code)}
    return case._replace(**more)


def _without(codes: Sequence[str], code: str) -> tuple[str, ...]:
    return tuple(one for one in codes if one != code)


def catalogue_cases(version: CatalogueVersion, seed: int) -> Iterator[Case]:
    """Draw cases of a catalogue: principal and procedures of one of its groups, and some others."""
    rng = random.Random(seed)
    diagnoses, procedures = tuple(version.diagnoses.number), tuple(version.procedures.number)
    of_prefix: dict[str, list[str]] = {}
    for code in diagnoses:
        for length in range(3, len(code) + 1):
            of_prefix.setdefault(code[:length], []).append(code)
    groups = [group for group in version.catalogue.groups if group and group.principal in of_prefix]
    while True:
        group = rng.choice(groups)
        principal = rng.choice(of_prefix[group.principal])
        others = rng.choices(diagnoses, k=rng.randint(0, 4))
        done = [*group.procedures, *rng.choices(procedures, k=rng.randint(0, 2))]
        yield Case((principal, *others), tuple(dict.fromkeys(done)), sex=rng.choice("FM"), los_days=5.0)


def edited_pack(folder: Path, target: Path, every: int = 3) -> Path:
    """Copy a pack as its next version would be: some complications and members of sets are gone."""
    shutil.copytree(folder, target)
    header = target / "scheme.toml"
    lines = [line for line in header.read_text("utf-8").splitlines() if not line.startswith("version")]
    at = next(place for place, line in enumerate(lines) if line.startswith("id ="))
    lines.insert(at + 1, 'version = "edited"')
    if "[counts]" in lines:
        del lines[lines.index("[counts]") :]
    header.write_text("\n".join(lines) + "\n", "utf-8")
    for name, step in (("complications.csv", every), ("catalogue.csv", 4)):
        path = target / name
        if path.exists():
            title, *rows = path.read_text("utf-8").splitlines()
            kept = [row for place, row in enumerate(rows) if place % step]
            path.write_text("\n".join([title, *kept]) + "\n", "utf-8")
    measures = target / "measures.csv"
    if measures.exists():
        groups = {row.split(",")[0] for row in (target / "catalogue.csv").read_text("utf-8").splitlines()}
        title, *rows = measures.read_text("utf-8").splitlines()
        kept = [row for row in rows if row.split(",")[0] in groups]
        measures.write_text("\n".join([title, *kept]) + "\n", "utf-8")
    return target
