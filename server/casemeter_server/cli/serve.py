"""``casemeter serve``: answer calls."""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated

import typer

from casemeter_server.cli.setup import ConfigFile, Packs, bundles, configuration, notes, teaching
from casemeter_server.serving import Running
from casemeter_server.serving import serve as serve_until_stopped


def serve(
    pack: Packs = None,
    config: ConfigFile = None,
    listen: Annotated[
        str | None, typer.Option(help="Address and port of gRPC. [default: 127.0.0.1:50051]")
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(help="Address and port of the metrics page. [default: 127.0.0.1:9464]")
    ] = None,
) -> None:
    """Answer calls until SIGTERM or Ctrl-C. Packs that are not built yet are built first."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.INFO)
    with teaching():
        settings = configuration(config, pack)
        if listen is not None:
            settings = settings.changed("listen", listen)
        if metrics is not None:
            settings = settings.changed("metrics", metrics)

        def ready(running: Running) -> None:
            names = ", ".join(settings.packs)
            shown = f"; metrics on port {running.metrics_port}" if running.metrics_port else ""
            notes.print(f"casemeter answers {names} on {settings.host}:{running.port}{shown}", markup=False)

        asyncio.run(serve_until_stopped(settings, bundles(settings), ready))
