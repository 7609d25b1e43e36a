"""What was acknowledged survives SIGKILL, of the processes that write and of the database server. The long
version is ``python benchmarks/store_kill.py``.
"""

from __future__ import annotations

import postgresql
import store_kill


def test_processes_that_are_killed(store_url: str) -> None:
    outcome = store_kill.run(store_url, kills=2, longest=0.4)
    assert outcome.acknowledged > 0
    assert (outcome.lost, outcome.partial) == ([], [])


def test_a_server_that_is_killed(postgres: postgresql.Server) -> None:
    def restart() -> None:
        postgres.kill()
        postgres.start()

    outcome = store_kill.run(postgres.new_store(), kills=2, restart=restart, longest=0.4)
    assert outcome.acknowledged > 0
    assert (outcome.lost, outcome.partial) == ([], [])
