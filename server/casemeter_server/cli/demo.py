"""``casemeter demo``: a server, a handful of admissions played by a simulated EMR, and what it would show."""

from __future__ import annotations

import asyncio
import logging
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from casemeter_server.cli.demo_forecast import ForecastNotPossible, demo_forecast
from casemeter_server.cli.language import Lang
from casemeter_server.cli.progress import progress_shown
from casemeter_server.cli.setup import bundles, configuration, notes, teaching
from casemeter_server.config import Config
from casemeter_server.meter_settings import HospitalSettings, Limits, MeterSettings
from casemeter_server.snapshot import Snapshot

# Invented money is for trying out: no other command loads these packs unless they are named.
_PACKS: Final = ("demo_payment_chs_drg_11", "demo_benchmark_chs_drg_11", "orders", "coding_quality")
_FORECAST_STAYS: Final = 30_000
_METER: Final = MeterSettings(HospitalSettings(level="三级", limits=Limits((0.8, 1.0), 0.95)))


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="End after the admissions instead of serving on.")
    ] = False,
    listen: Annotated[str, typer.Option(help="Address and port of gRPC.")] = "127.0.0.1:50051",
    doors: Annotated[
        str, typer.Option(help="Address and port of the HTTP doors; port 0 takes a free one.")
    ] = "127.0.0.1:0",
    forecast_stays: Annotated[
        int,
        typer.Option(min=0, max=1_000_000, help="Made-up stays that the forecast is learned from; 0: none."),
    ] = _FORECAST_STAYS,
    lang: Lang = ...,  # type: ignore[assignment]  # typer fills it from its default factory
) -> None:
    """Start a server with the default pack, let an EMR play a few invented admissions, then keep serving.

    Payment and benchmark are those of the demonstration packs: every figure of theirs is invented. The
    forecast is learned from made-up stays the first time, and kept with the bundles. What else is kept is in
    a folder that ends with the command.
    """
    with teaching():
        settings = _settings()
        found = bundles(settings)
        forecast = _forecast(found[0], settings.data / "bundles", forecast_stays)
        snapshot = Snapshot.open([*found, *forecast])
        listen = "127.0.0.1:0" if once else listen
        asyncio.run(_demo(settings, snapshot, once, listen, doors, lang))


def _forecast(scheme: Path, data: Path, stays: int) -> list[Path]:
    """Return the bundle of the forecast; none where it is not wanted, or cannot be learned."""
    if not stays:
        return []
    try:
        with progress_shown():
            return [demo_forecast(scheme, data, stays)]
    except ForecastNotPossible as error:
        notes.print(f"no forecast is shown: {error}", style="yellow", markup=False)
        return []


async def _demo(
    settings: Config, snapshot: Snapshot, once: bool, listen: str, doors: str, language: str
) -> None:
    # Loaded here: what is played needs terminal and client.
    from casemeter_server.cli.demo_admissions import Addresses, play

    settings = settings.changed("listen", listen).changed("doors", doors)
    if once:
        settings = settings.changed("metrics", "")
    with tempfile.TemporaryDirectory(prefix="casemeter-demo-") as folder:
        settings = replace(settings, data=Path(folder))
        async with _serving(settings, snapshot, language) as (grpc, web):
            # In a thread: the EMR waits for its answers, which come from this loop.
            forecasts = bool(list(snapshot.forecasts))
            await asyncio.to_thread(play, Addresses(grpc, web), language, forecasts=forecasts)
            if not once:
                notes.print(f"serving on {grpc}; Ctrl-C ends. Try: casemeter evaluate - --server {grpc}")
                again = "python -m casemeter_client.emr play newborn --today"
                notes.print(f"{again} --watch --address {grpc}")
                notes.print(f"{again} --door cds --address {web}")
                stop = asyncio.Event()
                for number in (signal.SIGTERM, signal.SIGINT):
                    asyncio.get_running_loop().add_signal_handler(number, stop.set)
                await stop.wait()


def _settings() -> Config:
    settings = configuration(None, None)
    return replace(settings, packs=(*settings.packs, *_PACKS), meter=_METER)


@asynccontextmanager
async def _serving(settings: Config, snapshot: Snapshot, language: str) -> AsyncIterator[tuple[str, str]]:
    """Serve gRPC and the HTTP doors in this process; yields their addresses."""
    from casemeter_server.doors.app import create_app, serve_doors
    from casemeter_server.doors.cds.settings import CdsSettings
    from casemeter_server.doors.settings import DoorSettings
    from casemeter_server.identity.authenticator import Authenticator
    from casemeter_server.identity.loopback import check_listener
    from casemeter_server.processes.sockets import listening, name_of
    from casemeter_server.serving import running

    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    check_listener(settings.doors, configured=False)
    with listening(settings.doors) as sockets:
        async with running(settings, snapshot) as server:
            cards = DoorSettings(cds=CdsSettings(language=language))
            app = create_app(server.service.engine, Authenticator(), cards)
            async with serve_doors(app, sockets, settings.stop_seconds):
                yield f"{settings.host}:{server.port}", name_of(sockets[0])
