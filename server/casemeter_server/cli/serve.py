"""``casemeter serve``: answer calls."""

from __future__ import annotations

import logging
from typing import Annotated

import typer

from casemeter_server.cli.setup import ConfigFile, Packs, configuration, notes, teaching
from casemeter_server.config import Config
from casemeter_server.processes.plan import LOG_FORMAT
from casemeter_server.processes.supervisor import Serving, supervise


def serve(
    pack: Packs = None,
    config: ConfigFile = None,
    listen: Annotated[
        str | None, typer.Option(help="Address and port of gRPC. [default: 127.0.0.1:50051]")
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(help="Address and port of the metrics page. [default: 127.0.0.1:9464]")
    ] = None,
    doors: Annotated[
        str | None,
        typer.Option(help="Address and port of the HTTP doors; '' opens none. [default: 127.0.0.1:8080]"),
    ] = None,
) -> None:
    """Answer calls until SIGTERM or Ctrl-C. Packs that are not built yet are built first.

    SIGHUP reads configuration and packs again.
    """
    logging.basicConfig(format=LOG_FORMAT, level=logging.INFO)
    addresses = {"listen": listen, "metrics": metrics, "doors": doors}

    def configure() -> Config:
        settings = configuration(config, pack)
        for key, address in addresses.items():
            if address is not None:
                settings = settings.changed(key, address)
        return settings

    with teaching():
        supervise(configure, _say)


def _say(serving: Serving) -> None:
    config = serving.config
    line = f"casemeter answers {', '.join(config.packs)} on {config.host}:{serving.ports['grpc']}"
    if serving.metrics_port:
        line += f"; metrics on port {serving.metrics_port}"
    if "doors" in serving.ports:
        line += f"; doors on port {serving.ports['doors']}"
    notes.print(line, markup=False)
