"""``casemeter demo``: a server, a handful of admissions, and what a physician would read."""

from __future__ import annotations

import asyncio
import signal
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Annotated, Any, Final, NamedTuple

import typer
from google.protobuf import json_format
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from casemeter.v1.service_pb2 import EvaluateRequest
from casemeter.v1.verdict_pb2 import Verdict
from casemeter_client import AsyncClient
from casemeter_client.text import lines
from casemeter_server.cli.language import Lang
from casemeter_server.cli.setup import bundles, configuration, notes, teaching
from casemeter_server.config import Config
from casemeter_server.meter_settings import HospitalSettings, Limits, MeterSettings
from casemeter_server.serving import running
from casemeter_server.snapshot import Snapshot

# Invented money is for trying out: no other command loads these packs unless they are named.
_PACKS: Final = ("demo_payment_chs_drg_11", "demo_benchmark_chs_drg_11", "orders", "coding_quality")
_METER: Final = MeterSettings(HospitalSettings(level="三级", limits=Limits((0.8, 1.0), 0.95)))

_STYLES: Final = {"!": "yellow", "~": "cyan", "·": "dim"}
_BAR_WIDTH: Final = 48


class _Step(NamedTuple):
    """One moment of an admission.

    Attributes:
        heading: empty: it shows only in the meter of the days.
        day: month and day.
    """

    heading: str
    day: str
    request: EvaluateRequest


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="End after the admissions instead of serving on.")
    ] = False,
    listen: Annotated[str, typer.Option(help="Address and port of gRPC.")] = "127.0.0.1:50051",
    lang: Lang = ...,  # type: ignore[assignment]  # typer fills it from its default factory
) -> None:
    """Start a server with the default pack, play a few invented admissions, then keep serving.

    Payment and benchmark are those of the demonstration packs: every figure of theirs is invented.
    """
    with teaching():
        asyncio.run(_demo(once, "127.0.0.1:0" if once else listen, lang))


async def _demo(once: bool, listen: str, language: str) -> None:
    settings = _settings().changed("listen", listen)
    if once:
        settings = settings.changed("metrics", "")
    snapshot = Snapshot.open(bundles(settings))
    console = Console(highlight=False)
    async with running(settings, snapshot) as server:
        address = f"{settings.host}:{server.port}"
        async with AsyncClient(address, timeout=10) as client:
            for admission in _content()["admission"]:
                await _play(admission, client, console, language)
        if not once:
            notes.print(f"serving on {address}; Ctrl-C ends. Try: casemeter evaluate - --server {address}")
            stop = asyncio.Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, stop.set)
            await stop.wait()


def _settings() -> Config:
    settings = configuration(None, None)
    return replace(settings, packs=(*settings.packs, *_PACKS), meter=_METER)


async def _play(admission: dict[str, Any], client: AsyncClient, console: Console, language: str) -> None:
    """Show every step of an admission, then its meter over the days if it has charges."""
    days: dict[str, Verdict] = {}
    for step in _steps(admission, language):
        verdict = (await client.send(step.request)).verdict
        if verdict.HasField("meter"):
            days[step.day] = verdict
        if step.heading:
            body = Text("\n").join(map(_styled, lines(verdict, language)))
            console.print(_panel(body, step.heading))
    if days:
        console.print(_panel(_bars(days), _content()["words"]["meter"][language]))


def _steps(admission: dict[str, Any], language: str) -> Iterator[_Step]:
    """Yield every step of an admission; what was known and charged before stays so."""
    known: dict[str, Any] = {}
    charged: list[dict[str, Any]] = []
    for step in admission["step"]:
        known |= step.get("encounter", {})
        for category, amount in step.get("charges", {}).items():
            charged.append({"time": step["as_of"], "category": category, "amount_fen": amount})
        charged += step.get("lines", [])
        if charged:
            known["charges"] = {"category_system": "CATEGORY_SYSTEM_FRONT_PAGE", "lines": charged}
        explained = not admission.get("brief", False)
        values: dict[str, Any] = {
            "as_of": step["as_of"],
            "encounter": known,
            "explain": explained,
            "near_misses": explained,
            "alternatives": step.get("alternatives", []),
            "phase": step.get("phase", "CARE_PHASE_UNSPECIFIED"),
            "alert_context": {"history": {}, "interruptions_this_hour": 0},
        }
        heading = "" if step.get("quiet") else f"{admission['title'][language]} — {step['day'][language]}"
        yield _Step(heading, step["as_of"][5:10], json_format.ParseDict(values, EvaluateRequest()))


def _bars(days: dict[str, Verdict]) -> Table:
    """Return a bar for every day: the cost as a multiple of the payment, yellow in the high band."""
    table = Table.grid(padding=(0, 2))
    highest = max(verdict.meter.multiple_of_payment for verdict in days.values()) or 1.0
    for day, verdict in days.items():
        multiple, band = verdict.meter.multiple_of_payment, verdict.payment.band.name
        bar = Text(
            "█" * round(_BAR_WIDTH * multiple / highest), style="yellow" if band == "high" else "green"
        )
        table.add_row(day, bar, f"{multiple:.2f}", verdict.group.code)
    return table


def _panel(body: Text | Table, title: str) -> Panel:
    # As text, for a bracket in a title is no markup.
    return Panel(body, title=Text(title), title_align="left")


@cache
def _content() -> dict[str, Any]:
    text = resources.files("casemeter_server.cli").joinpath("demo.toml").read_text("utf-8")
    return tomllib.loads(text)


def _styled(line: str) -> Text:
    return Text(line, style="bold" if not line.startswith(" ") else _STYLES.get(line.strip()[:1], ""))
