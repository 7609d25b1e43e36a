"""The command ``casemeter``."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

_COMMANDS: Final = (
    *("serve", "evaluate", "group", "demo", "terms"),
    *("pack", "rules", "alerts", "store", "identity"),
    *("seal", "settings", "dry_run", "check", "ledger", "history"),
    *("benchmark", "forecast"),
)
"""Modules of this folder, one for each command, in the order of the help."""


class Commands(TyperGroup):
    """Commands whose modules are loaded when they are asked for: none waits for what another needs."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands."""
        return [name.replace("_", "-") for name in _COMMANDS] + super().list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command, or ``None``.

        A module has several commands as its ``app``, or one function of its own name.
        """
        name = cmd_name.replace("-", "_")
        if name not in _COMMANDS:
            return super().get_command(ctx, cmd_name)
        module = import_module(f"casemeter_server.cli.{name}")
        if hasattr(module, "app"):
            command: Any = get_group(module.app)
        else:
            alone = typer.Typer(add_completion=False)
            alone.command(cmd_name)(getattr(module, name))
            command = get_command(alone)
        command.name = cmd_name
        return command


app = typer.Typer(cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def casemeter() -> None:
    """Tells, while an inpatient is still in care, the group the stay falls into and why."""


def main() -> None:
    """Run the command line."""
    app()
