"""The forecast of ``casemeter demo``: learned from made-up stays, once, and kept with the other bundles."""

from __future__ import annotations

import hashlib
import json
import secrets
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from casemeter_grouper.compiled.bundle import COMPILER, BundleError, open_bundle
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.forecast.model import KIND, Header
from casemeter_grouper.forecast.wish import FITTER, Wish, settings
from casemeter_grouper.pack.build import SUFFIX
from casemeter_grouper.pack.progress import advance

if TYPE_CHECKING:
    from casemeter_grouper.history.write import Order

_LEVEL: Final = 0.9
_SEED: Final = 1
_NEEDED: Final = "scipy"


class ForecastNotPossible(ValueError):
    """The forecast cannot be learned here; says what is needed."""


def demo_forecast(scheme: Path, data: Path, stays: int) -> Path:
    """Return the bundle of a forecast for a scheme, learned anew unless it is there already.

    Args:
        scheme: bundle of the scheme.
        data: folder of bundles.
        stays: how many made-up stays it is learned from.

    Raises:
        ForecastNotPossible: what learns is not installed.
        OSError: the folder cannot be written.
    """
    # Loaded here: polars and the loops take their time, and the forecast is there already as a rule.
    from casemeter_grouper.history.caseload import read_caseload
    from casemeter_grouper.history.recipe import read_recipe
    from casemeter_grouper.history.write import Order

    pack = CompiledScheme.open(scheme)
    order = Order(pack, read_recipe("first"), read_caseload(None), stays, _SEED)
    learning = json.dumps([FITTER, settings(), _SEED, _LEVEL], sort_keys=True)
    rests_on = (str(COMPILER), learning, pack.sha256, order.recipe.sha256, order.caseload.sha256, str(stays))
    name = hashlib.sha256("\n".join(rests_on).encode()).hexdigest()[:32]
    path = data / f"demo_forecast_{pack.header.id}-{name}{SUFFIX}"
    try:
        open_bundle(path, KIND)
        return path
    except BundleError:
        pass
    if find_spec(_NEEDED) is None:
        raise ForecastNotPossible(
            "a forecast is learned with scipy; install it with: pip install 'casemeter[fit]'"
        )
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with tempfile.TemporaryDirectory(prefix="casemeter-demo-history-") as folder:
            _learn(order, Path(folder) / "history", partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def _learn(order: Order, folder: Path, target: Path) -> None:
    """Make up a history and learn from it.

    Args:
        order: of the history.
        folder: for the history.
        target: the bundle.
    """
    from casemeter_grouper.forecast.fit import Pack, fit
    from casemeter_grouper.history.write import generate

    made = 0

    def tell(count: int) -> None:
        nonlocal made
        made += count
        advance("made-up stays", made, order.cases)

    generate(order, folder, tell)
    pack = Pack.of(order.pack)
    title = "演示：由虚构病例学得 · demonstration, learned from made-up stays"
    header = Header(f"demo_forecast_{pack.id}", title, "1", "", "", pack.id, pack.sha256, _LEVEL, True)
    fit([folder], pack, Wish(header), target)
