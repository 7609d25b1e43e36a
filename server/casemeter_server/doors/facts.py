"""Facts that a door can carry: paths of the contract, and what is left of an encounter on them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from casemeter.v1.encounter_pb2 import Encounter


class _Tree(dict[str, "_Tree"]):
    """Declared names of a message; a name without others below it stands for all that is below it."""


@dataclass(frozen=True)
class DoorFacts:
    """What a door can carry.

    Attributes:
        name: of the door.
        paths: of the contract, below the encounter, such as ``diagnoses.code``; that of a whole message
            stands for all below it.
    """

    name: str
    paths: frozenset[str]
    _tree: _Tree = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read the paths.

        Raises:
            ValueError: the contract has no such path.
        """
        object.__setattr__(self, "_tree", _tree_of(self.paths))

    def carries(self, path: str) -> bool:
        """Return whether the door can carry all of a fact."""
        tree = self._tree
        for name in path.split("."):
            if name not in tree:
                return False
            tree = tree[name]
            if not tree:
                return True
        return False


@cache
def read_facts(package: str, file: str = "facts.toml") -> DoorFacts:
    """Return what a door can carry, from the file beside its code.

    It has ``name``, and ``paths``, or ``fields`` that say of each path what of the message it is read from.

    Raises:
        ValueError: the contract has no path of the file.
    """
    text = resources.files(package).joinpath(file).read_text("utf-8")
    values = tomllib.loads(text)
    return DoorFacts(values["name"], frozenset(values.get("paths") or values["fields"]))


def project(encounter: Encounter, facts: DoorFacts) -> Encounter:
    """Return what a door can carry of an encounter."""
    projected = Encounter()
    _copy(encounter, projected, facts._tree)
    return projected


def every_path() -> Iterable[str]:
    """Return the path of every single fact of an encounter, in the order of the contract."""
    yield from _paths(Encounter.DESCRIPTOR, "")


def _paths(message: Any, before: str) -> Iterable[str]:
    for found in message.fields:
        inner = found.message_type
        if inner is None or inner.full_name.startswith("google.protobuf."):
            yield before + found.name
        else:
            yield from _paths(inner, f"{before}{found.name}.")


def _tree_of(paths: Iterable[str]) -> _Tree:
    root = _Tree()
    whole: list[_Tree] = []
    for path in sorted(paths):
        message: Any = Encounter.DESCRIPTOR
        tree = root
        for name in path.split("."):
            found = message.fields_by_name.get(name) if message else None
            if found is None:
                raise ValueError(f"the contract has no {path} in an encounter")
            message = found.message_type
            tree = tree.setdefault(name, _Tree())
        whole.append(tree)
    for tree in whole:
        tree.clear()
    return root


def _copy(source: Message, target: Message, tree: _Tree) -> None:
    for found, value in source.ListFields():
        below = tree.get(found.name)
        if below is None:
            continue
        _copy_field(found, value, target, below)


def _copy_field(found: FieldDescriptor, value: Any, target: Message, below: _Tree) -> None:
    if found.is_repeated:
        for item in value:
            if found.message_type is None:
                getattr(target, found.name).append(item)
            elif below:
                _copy(item, getattr(target, found.name).add(), below)
            else:
                getattr(target, found.name).add().CopyFrom(item)
    elif found.message_type is None:
        setattr(target, found.name, value)
    else:
        # Sent empty is not the same as not sent: an empty list of charges says that nothing was charged.
        inner = getattr(target, found.name)
        inner.SetInParent()
        if not below:
            inner.CopyFrom(value)
            return
        _copy(value, inner, below)
        if _lists(value) and not _lists(inner):
            # What was in its lists cannot be carried: left empty, they would say that there was nothing.
            target.ClearField(found.name)


def _lists(message: Message) -> bool:
    """Whether a message has a list with something in it."""
    return any(found.is_repeated for found, _ in message.ListFields())


EVERYTHING: Final = DoorFacts("grpc", frozenset(field.name for field in Encounter.DESCRIPTOR.fields))
"""What gRPC and proto JSON carry."""
