"""What differs between two catalogues, part by part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from typing import Any

from casemeter_grouper.dip.catalogue import MILLIONTHS, Catalogue, CatalogueGroup
from casemeter_grouper.pack import changes
from casemeter_grouper.pack.changes import Change, Moved


@dataclass(frozen=True, slots=True)
class CatalogueDiff:
    """Every difference between two catalogues; all parts empty when they mean the same.

    Attributes:
        header: title, version, dates, code systems, options and the dictionary's hash.
        groups: groups added and removed, and every column that differs; scores and costs as decimal text.
        procedure_kinds: kind of a procedure; empty: none.
        known: known diagnoses and procedures.
    """

    header: tuple[Change, ...]
    groups: tuple[Change, ...]
    procedure_kinds: tuple[Change, ...]
    known: tuple[Moved, ...]

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return any(getattr(self, part.name) for part in fields(self))

    def to_dict(self) -> dict[str, Any]:
        """The differences as plain JSON values."""
        return asdict(self)


def diff(before: Catalogue, after: Catalogue) -> CatalogueDiff:
    """Return what differs between two catalogues."""
    return CatalogueDiff(
        header=tuple(changes.columns("", _header(before), _header(after))),
        groups=tuple(_groups(before, after)),
        procedure_kinds=tuple(changes.values("kind", before.kinds, after.kinds)),
        known=tuple(changes.members(_known(before), _known(after))),
    )


def _header(catalogue: Catalogue) -> dict[str, str]:
    return {
        **asdict(catalogue.header),
        **{name: _text(value) for name, value in asdict(catalogue.options).items()},
        "demonstration": _text(catalogue.demonstration),
        "dictionary_sha256": catalogue.dictionary_sha256,
    }


def _groups(a: Catalogue, b: Catalogue) -> Iterator[Change]:
    before, after = ({group.code: group for group in side.groups} for side in (a, b))
    described = ({code: _described(group) for code, group in side.items()} for side in (before, after))
    yield from changes.presence(*described)
    for code, group in before.items():
        if other := after.get(code):
            yield from changes.columns(code, _columns(group), _columns(other))


def _described(group: CatalogueGroup) -> str:
    return f"{_text(_points(group.score))} {group.name}".rstrip()


def _columns(group: CatalogueGroup) -> dict[str, str]:
    values = {field.name: getattr(group, field.name) for field in fields(group)}
    mean = group.mean_cost
    values |= {"score": _points(group.score), "mean_cost": None if mean is None else _points(mean)}
    return {name: _text(value) for name, value in values.items()}


def _points(millionths: int) -> Decimal:
    return Decimal(millionths) / MILLIONTHS


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return " ".join(value) if isinstance(value, tuple) else str(value)


def _known(catalogue: Catalogue) -> dict[str, tuple[str, ...]]:
    return {"diagnoses": catalogue.diagnoses, "procedures": catalogue.procedures}
