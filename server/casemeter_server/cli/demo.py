"""``casemeter demo``: a server, a handful of admissions, and what a physician would read."""

from __future__ import annotations

import asyncio
import signal
import tomllib
from collections.abc import Iterator
from importlib import resources
from typing import Annotated, Any

import typer
from google.protobuf import json_format
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from casemeter.v1.service_pb2 import EvaluateRequest
from casemeter_client import AsyncClient
from casemeter_client.text import lines
from casemeter_server.cli.pack import Lang
from casemeter_server.cli.setup import bundles, configuration, notes, teaching
from casemeter_server.serving import running
from casemeter_server.snapshot import Snapshot

_STYLES = {"!": "yellow", "~": "cyan", "·": "dim"}


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="End after the admissions instead of serving on.")
    ] = False,
    listen: Annotated[str, typer.Option(help="Address and port of gRPC.")] = "127.0.0.1:50051",
    lang: Lang = ...,  # type: ignore[assignment]  # typer fills it from its default factory
) -> None:
    """Start a server with the default pack, play a few invented admissions, then keep serving."""
    with teaching():
        asyncio.run(_demo(once, "127.0.0.1:0" if once else listen, lang))


async def _demo(once: bool, listen: str, language: str) -> None:
    settings = configuration(None, None).changed("listen", listen)
    if once:
        settings = settings.changed("metrics", "")
    snapshot = Snapshot.open(bundles(settings))
    console = Console(highlight=False)
    async with running(settings, snapshot) as server:
        address = f"{settings.host}:{server.port}"
        async with AsyncClient(address, timeout=10) as client:
            for heading, request in _requests(language):
                response = await client.send(request)
                body = Text("\n").join(map(_styled, lines(response.verdict, language)))
                console.print(Panel(body, title=heading, title_align="left"))
        if not once:
            notes.print(f"serving on {address}; Ctrl-C ends. Try: casemeter evaluate - --server {address}")
            stop = asyncio.Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, stop.set)
            await stop.wait()


def _requests(language: str) -> Iterator[tuple[str, EvaluateRequest]]:
    """Yield a heading and a request for every step of every admission."""
    text = resources.files("casemeter_server.cli").joinpath("demo.toml").read_text("utf-8")
    for admission in tomllib.loads(text)["admission"]:
        known: dict[str, Any] = {}
        for step in admission["step"]:
            known |= step["encounter"]
            values: dict[str, Any] = {
                "as_of": step["as_of"],
                "encounter": known,
                "explain": True,
                "near_misses": True,
            }
            request = json_format.ParseDict(values, EvaluateRequest())
            yield f"{admission['title'][language]} — {step['day'][language]}", request


def _styled(line: str) -> Text:
    return Text(line, style="bold" if not line.startswith(" ") else _STYLES.get(line.strip()[:1], ""))
