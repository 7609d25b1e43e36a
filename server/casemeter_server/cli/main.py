"""The command ``casemeter``."""

from __future__ import annotations

import typer

from casemeter_server.cli import alerts, demo, evaluate, group, pack, rules, serve, terms

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Tells, while an inpatient is still in care, the group the stay falls into and why.",
)
app.command("serve")(serve.serve)
app.command("evaluate")(evaluate.evaluate)
app.command("group")(group.group)
app.command("demo")(demo.demo)
app.command("terms")(terms.terms)
app.add_typer(pack.app, name="pack")
app.add_typer(rules.app, name="rules")
app.add_typer(alerts.app, name="alerts")


def main() -> None:
    """Run the command line."""
    app()
