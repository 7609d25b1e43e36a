"""Rows of front pages as settled stays: every cell read, every fault of a row found, the stay grouped."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from casemeter_grouper.case_files import CodeNumbers
from casemeter_grouper.grouping import Status
from casemeter_grouper.history.reading import cells
from casemeter_grouper.history.reading.cells import Bools, Numbers
from casemeter_grouper.history.reading.codes import code_lists
from casemeter_grouper.history.reading.columns import PAGES, Column, columns_of
from casemeter_grouper.history.reading.drops import Finding
from casemeter_grouper.history.reading.grouping import NONE, STATUSES, Encoded, Ends, PackGrouping, Ragged
from casemeter_grouper.history.reading.keys import Keys

CATEGORIES: Final = 10
"""Number of fee categories of the front page."""

UNKNOWN: Final = -1
"""An age, a department or an amount that is not known."""

MALE, FEMALE = 1, 2

_MOST_YEARS: Final = 150
_MOST_AGE_DAYS: Final = 55_000
_WEIGHTS: Final = (100, 15_000)
_MOST_DAYS: Final = 100_000
# What becomes of characters that are read in a wrong encoding and written again.
_DAMAGED: Final = "\ufffd|锟斤拷"

Ints = NDArray[np.int32]
Fen = NDArray[np.int64]


@dataclass(frozen=True)
class Choices:
    """How pages are to be read.

    Attributes:
        years: discharges of these years count; ``None``: of all.
        settled_groups: where a file has a column of settled groups, these are taken.
        clinical_diagnoses: diagnoses are written in the clinical edition.
        clinical_procedures: likewise procedures.
        other_packs: packs whose groups are told apart from unknown ones: groups by the pack's id.
    """

    years: frozenset[int] | None = None
    settled_groups: bool = True
    clinical_diagnoses: bool = False
    clinical_procedures: bool = False
    other_packs: Mapping[str, frozenset[str]] | None = None


@dataclass(frozen=True, eq=False)
class Stays:
    """What the rows of a frame say; rows with findings that drop them hold nothing that may be used."""

    ends: Ends
    discharge: Ints
    year: Ints
    cost_fen: Fen
    los_days: Ints
    age_years: Ints
    sex: NDArray[np.uint8]
    department: pl.Series
    fees_fen: Fen
    principal: Ints
    others: Ragged
    procedures: Ragged
    newborn: NDArray[np.float64]
    findings: list[Finding]


class PageReader:
    """Reads frames of front pages."""

    def __init__(self, pack: PackGrouping, choices: Choices) -> None:
        self.pack = pack
        self.choices = choices
        self._diagnoses = CodeNumbers(pack.diagnoses, choices.clinical_diagnoses)
        self._procedures = CodeNumbers(pack.procedures, choices.clinical_procedures)

    def read(self, frame: pl.DataFrame, keys: Keys, duplicate: Bools) -> Stays:
        """Read a frame.

        Args:
            frame: columns named by their codes.
            keys: of its rows.
            duplicate: rows whose stay stands in several rows of the files.
        """
        return _Frame(frame, self.pack, self.choices, self._diagnoses, self._procedures).read(keys, duplicate)


def absent_fees(codes: frozenset[str]) -> tuple[str, ...]:
    """Return the fees that have no column, though others of their category have."""
    there = {category for category, column in _fee_columns() if column.code in codes}
    return tuple(
        column.code for category, column in _fee_columns() if category in there and column.code not in codes
    )


class _Frame:
    """One frame as it is read."""

    def __init__(
        self,
        frame: pl.DataFrame,
        pack: PackGrouping,
        choices: Choices,
        diagnoses: CodeNumbers,
        procedures: CodeNumbers,
    ) -> None:
        self.frame, self.pack, self.choices = frame, pack, choices
        self.diagnoses, self.procedures = diagnoses, procedures
        self.rows = len(frame)
        self.findings: list[Finding] = []

    def read(self, keys: Keys, duplicate: Bools) -> Stays:
        self.find("no_stay_number", keys.unnamed, "A48")
        self.find("stay_number_rounded", keys.rounded, "A48")
        self.find("duplicate_stay", duplicate, "A48")
        admission, discharge, los = self.dates()
        year = _years(discharge)
        if self.choices.years is not None:
            outside = ~np.isin(year, list(self.choices.years)) & discharge.known
            self.find("outside_years", outside, "B15")
        cost = self.cost()
        fees = self.fees(cost)
        years, age_days, weight = self.newborn(admission)
        sex = self.sex()
        principal, others, procedures = self.codes()
        numbers = {"age_years": years, "age_days": age_days, "birth_weight_g": weight, "los_days": los}
        encoded = Encoded(principal, others, procedures, numbers, self.values(sex), cost)
        ends = self.ends(encoded)
        return Stays(
            ends,
            discharge.values.astype(np.int32),
            year,
            cost,
            los.astype(np.int32),
            np.where(np.isnan(years), UNKNOWN, years).astype(np.int32),
            sex,
            self.department(),
            fees,
            principal,
            others,
            procedures,
            np.stack([age_days, weight], axis=1),
            self.findings,
        )

    def find(self, reason: str, rows: Bools, column: str = "") -> None:
        """Note what is true of some rows."""
        if rows.any():
            self.findings.append(Finding(reason, rows, column))

    def cells(self, code: str) -> pl.Series:
        """Cells of a column; empty ones where it is not there."""
        return self.frame[code] if code in self.frame.columns else pl.Series(code, [None] * self.rows)

    def text(self, code: str) -> pl.Series:
        return cells.text(self.cells(code))

    def dates(self) -> tuple[Numbers, Numbers, NDArray[np.float64]]:
        """Days of admission and discharge, and the length of stay."""
        admission, discharge = cells.days(self.cells("B12")), cells.days(self.cells("B15"))
        self.find("no_discharge", discharge.missing, "B15")
        self.find("date_wrong", discharge.bad, "B15")
        self.find("date_wrong", admission.bad, "B12")
        both = admission.known & discharge.known
        between = discharge.values - admission.values
        self.find("discharge_before_admission", both & (between < 0), "B15")
        written = cells.integers(self.cells("B20"), 1, _MOST_DAYS)
        # As casemeter_grouper.stay.length_of_stay has it.
        los = np.where(both, np.maximum(between, 1), written.values)
        self.find("no_los", ~both & ~written.known, "B20")
        self.find("los_differs", both & written.known & (written.values != los), "B20")
        return admission, discharge, los

    def cost(self) -> Fen:
        cost = cells.fen(self.cells("D01"))
        self.find("no_cost", cost.missing, "D01")
        self.find("cost_not_number", cost.bad, "D01")
        self.find("cost_negative", cost.values < 0, "D01")
        self.find("cost_zero", cost.known & (cost.values == 0), "D01")
        return cost.values.astype(np.int64)

    def fees(self, cost: Fen) -> Fen:
        """Fees by category; unknown where the file has no column of it."""
        fees = np.full((self.rows, CATEGORIES), UNKNOWN, np.int64)
        for category, column in _fee_columns():
            if column.code not in self.frame.columns:
                continue
            found = cells.fen(self.cells(column.code))
            self.find("fee_not_number", found.bad, column.code)
            self.find("fee_negative", found.values < 0, column.code)
            fees[:, category] = np.maximum(fees[:, category], 0) + found.values.astype(np.int64)
        self.find("total_below_fee", cost < fees.max(axis=1), "D01")
        self.find("total_below_fees", cost < np.maximum(fees, 0).sum(axis=1), "D01")
        return fees

    def newborn(self, admission: Numbers) -> tuple[NDArray[np.float64], ...]:
        """Age in years and days, and the weight at birth; NaN for missing."""
        birth = cells.days(self.cells("A13"), birth=True)
        years = cells.within(self.cells("A14"), 0, _MOST_YEARS)
        days = cells.within(self.cells("A16"), 0, _MOST_AGE_DAYS)
        weight = cells.within(self.cells("A18x01"), *_WEIGHTS)
        self.find("date_wrong", birth.bad, "A13")
        self.find("age_wrong", years.bad, "A14")
        self.find("age_wrong", days.bad, "A16")
        self.find("weight_wrong", weight.bad, "A18x01")
        both = birth.known & admission.known
        self.find("age_wrong", both & (birth.values > admission.values), "A13")
        age_days = np.where(both, admission.values - birth.values, _or_nan(days))
        whole = _completed_years(birth, admission)
        age_years = np.where(both, whole, np.floor(_or_nan(years)))
        # As casemeter_grouper.stay.years_fit_days has it.
        written = np.floor(years.values)
        fits = (age_days >= 365 * written) & (age_days < 366 * (written + 1))
        self.find("age_wrong", years.known & ~np.isnan(age_days) & ~fits, "A14")
        self.find("age_unknown", np.isnan(age_years), "A14")
        return age_years, age_days, _or_nan(weight)

    def sex(self) -> NDArray[np.uint8]:
        written = self.text("A12C")
        sex = np.zeros(self.rows, np.uint8)
        for number, name in ((MALE, "M"), (FEMALE, "F")):
            sex[written.is_in(_values()["sex"][name]).fill_null(False).to_numpy()] = number
        self.find("sex_unknown", sex == 0, "A12C")
        return sex

    def department(self) -> pl.Series:
        written = self.text("B16C")
        damaged = written.str.contains(_DAMAGED).fill_null(False)
        self.find("department_damaged", damaged.to_numpy(), "B16C")
        return written.set(damaged, None)

    def codes(self) -> tuple[Ints, Ragged, Ragged]:
        """Principal diagnosis, other diagnoses and procedures by the pack's numbers."""
        written = self.text("C03C")
        missing = written.is_null().to_numpy()
        self.find("no_principal", missing, "C03C")
        principal = self.diagnoses.of(written.fill_null("?"))
        others = code_lists(self.columns("other"), self.diagnoses, self.rows)
        main, more = self.columns("main_procedure"), self.columns("other_procedure")
        procedures = code_lists([*main, *more], self.procedures, self.rows)
        odd = np.zeros(self.rows, np.bool_)
        for lists in (others, procedures):
            odd[np.repeat(np.arange(self.rows), np.diff(lists.at))[lists.values == 0]] = True
        self.find("other_codes_unknown", odd)
        return principal, others, procedures

    def columns(self, field: str) -> list[pl.Series]:
        """Columns that are for a field, in their order."""
        codes = [column.code for column in columns_of(PAGES) if column.field == field]
        return [self.frame[code] for code in codes if code in self.frame.columns]

    def values(self, sex: NDArray[np.uint8]) -> dict[str, Ints]:
        """Values that the pack tests, by its numbers."""
        sexes = self.pack.value_numbers("sex")
        numbers = np.array([0, sexes.get("M", 0), sexes.get("F", 0)], np.int32)
        found = {"sex": numbers[sex]}
        for name, code in (("discharge_way", "B34C"), ("department", "B16C")):
            if tested := self.pack.value_numbers(name):
                written = self.text(code).replace_strict(dict(tested), default=0, return_dtype=pl.Int32)
                found[name] = np.array(written, np.int32)
        return found

    def ends(self, stays: Encoded) -> Ends:
        unknown = stays.principal == 0
        if self.choices.settled_groups and "settled_group" in self.frame.columns:
            self.find("principal_unknown_settled", unknown, "C03C")
            return self.settled()
        self.find("principal_unknown", unknown, "C03C")
        ends = self.pack.group(stays._replace(cost_fen=np.maximum(stays.cost_fen, 0)))
        self.find("no_group", ends.group == NONE, "C03C")
        return ends

    def settled(self) -> Ends:
        """Ends by the groups that the bureau settled."""
        written = self.text("settled_group")
        groups = written.replace_strict(self.pack.group_number, default=NONE, return_dtype=pl.Int32)
        group = np.array(groups.fill_null(NONE), np.int32)
        missing = written.is_null().to_numpy()
        self.find("settled_group_empty", missing, "settled_group")
        for others in (self.choices.other_packs or {}).values():
            elsewhere = written.is_in(others).fill_null(False).to_numpy()
            self.find("settled_group_of_other_pack", elsewhere & (group == NONE), "settled_group")
        self.find("settled_group_unknown", (group == NONE) & ~missing, "settled_group")
        status = np.full(self.rows, STATUSES.index(Status.GROUPED), np.uint8)
        adrg = np.where(group == NONE, NONE, self.pack.adrg_of[group]).astype(np.int32)
        return Ends(status, group, adrg)


@cache
def _fee_columns() -> Sequence[tuple[int, Column]]:
    """Columns of fees with the place of their category."""
    fees = [column for column in columns_of(PAGES) if column.field.startswith("fee_")]
    return [(int(column.field.removeprefix("fee_")) - 1, column) for column in fees]


@cache
def _values() -> Mapping[str, Mapping[str, list[str]]]:
    return tomllib.loads(resources.files(__package__).joinpath("values.toml").read_text("utf-8"))


def _or_nan(found: Numbers) -> NDArray[np.float64]:
    return np.where(found.known, found.values, np.nan)


def _years(days: Numbers) -> Ints:
    dates = days.values.astype("datetime64[D]")
    return dates.astype("datetime64[Y]").astype(np.int32) + np.int32(1970)


def _completed_years(birth: Numbers, day: Numbers) -> NDArray[np.float64]:
    """Completed years of age, as :func:`casemeter_grouper.stay.age_on` counts them."""
    born, now = birth.values.astype("datetime64[D]"), day.values.astype("datetime64[D]")
    born_month, now_month = born.astype("datetime64[M]"), now.astype("datetime64[M]")
    months = (now_month - born_month).astype(np.int64)
    earlier = (now - now_month) < (born - born_month)
    years: NDArray[np.int64] = (months - earlier) // 12
    return years.astype(np.float64)
