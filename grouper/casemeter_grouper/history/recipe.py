"""Reading a recipe: the numbers that made-up stays are drawn by, checked all at once."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np

from casemeter_grouper.history.recipe_check import faults_of, flat
from casemeter_grouper.history.world import Floats

SHIPPED: Final[Mapping[str, str]] = {"first": "recipe.toml", "second": "recipe_second.toml"}
"""Recipes that come with the product, by name."""


class RecipeError(ValueError):
    """A recipe, or a table beside it, that cannot be used; the text names every fault with its place."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class Recipe:
    """A checked recipe. Keys are written with dots, as in ``"days.dispersion"``.

    Attributes:
        sha256: of the file.
    """

    def __init__(self, values: Mapping[str, Any], sha256: str) -> None:
        self._values = values
        self.sha256 = sha256

    def number(self, key: str) -> float:
        """Return one number."""
        return float(self._values[key])

    def count(self, key: str) -> int:
        """Return one whole number."""
        return int(self._values[key])

    def numbers(self, key: str) -> Floats:
        """Return a list of numbers, or a list of rows of them."""
        return np.array(self._values[key], np.float64)

    def items(self, key: str) -> Mapping[str, float]:
        """Return the items of one fee category with their shares of it."""
        return dict(self._values[key])

    def profiles(self, key: str) -> frozenset[str]:
        """Return the names that stand under a key."""
        return frozenset(name.removeprefix(f"{key}.") for name in self._values if name.startswith(f"{key}."))

    @property
    def title(self) -> str:
        """What the recipe calls itself."""
        return str(self._values["title"])


def read_recipe(name_or_file: str) -> Recipe:
    """Read a recipe.

    Args:
        name_or_file: one of :data:`SHIPPED`, or a TOML file.

    Raises:
        RecipeError: it cannot be used; every fault is named.
        OSError: the file cannot be read.
    """
    shipped = SHIPPED.get(name_or_file)
    path = resources.files(__package__).joinpath(shipped) if shipped else Path(name_or_file)
    if not path.is_file():
        known = ", ".join(SHIPPED)
        raise RecipeError([f"there is no recipe '{name_or_file}': name a file, or one of: {known}"])
    content = path.read_bytes()
    try:
        tree = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError([f"{name_or_file}: not TOML in UTF-8: {error}"]) from None
    values = flat(tree)
    faults = [f"{name_or_file}: {fault}" for fault in faults_of(values)]
    if faults:
        raise RecipeError(faults)
    return Recipe(values, hashlib.sha256(content).hexdigest())
