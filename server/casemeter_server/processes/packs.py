"""The packs that a process answers from."""

from __future__ import annotations

from casemeter_server.processes.plan import Plan
from casemeter_server.snapshot import Snapshot


def open_packs(plan: Plan) -> Snapshot:
    """Open the bundles of a plan.

    Raises:
        BundleError: a bundle cannot be used.
        ValueError: no pack groups, a default names no loaded pack, or two versions hold on the same day.
    """
    snapshot = Snapshot.open(plan.bundles, plan.config.default_pack, plan.config.hospitals)
    if not snapshot.default:
        raise ValueError("no pack is loaded that groups cases: name a scheme or a DIP catalogue, too")
    return snapshot
