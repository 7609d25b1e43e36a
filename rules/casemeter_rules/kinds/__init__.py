"""The kinds of rules, one module each; each module holds its ``KIND``. A new module is a new kind."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from casemeter_rules.kind import Kind


@cache
def kinds() -> Mapping[str, Kind]:
    """Return every kind by its name, in order of the names."""
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__))
    found = [importlib.import_module(f"{__name__}.{name}").KIND for name in modules]
    return {kind.name: kind for kind in found}
