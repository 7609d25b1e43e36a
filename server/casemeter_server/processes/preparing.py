"""A process that prepares the bundles: compiling packs needs much that a supervisor should not keep."""

from __future__ import annotations

from casemeter_server.cli.setup import bundles
from casemeter_server.processes.plan import read_plan
from casemeter_server.processes.report import Report


def main() -> None:
    """Prepare the bundles of the configuration that standard input gives."""
    report = Report()
    plan = read_plan()
    with report.faults():
        report.ready(*map(str, bundles(plan.config)))


if __name__ == "__main__":
    main()
