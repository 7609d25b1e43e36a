"""``casemeter evaluate``: one request from a file, in process or by a server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf import json_format

from casemeter.v1.service_pb2 import EvaluateRequest, EvaluateResponse
from casemeter_client import CaseMeterError, Client
from casemeter_client.text import lines
from casemeter_server.caller import Caller
from casemeter_server.cli.language import Lang
from casemeter_server.cli.setup import ConfigFile, Packs, bundles, configuration, notes, teaching
from casemeter_server.errors import RequestError
from casemeter_server.evaluation import Evaluator
from casemeter_server.snapshot import Snapshot


def evaluate(
    file: Annotated[
        str, typer.Argument(metavar="FILE.json", help="An EvaluateRequest as JSON; - for standard input.")
    ],
    server: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Ask this server instead of answering in process.")
    ] = "",
    pack: Packs = None,
    config: ConfigFile = None,
    hospital: Annotated[str, typer.Option(help="The caller's hospital.")] = "",
    role: Annotated[str, typer.Option(help="The caller's role: it may decide whether money is shown.")] = "",
    text: Annotated[bool, typer.Option("--text", help="Print the verdict in words instead of JSON.")] = False,
    lang: Lang = ...,  # type: ignore[assignment]  # typer fills it from its default factory
) -> None:
    """Evaluate one request and print the response as JSON."""
    with teaching():
        request = _read(file)
        try:
            if server:
                if pack and not request.pack:
                    request.pack = pack[0]
                with Client(server, hospital=hospital, role=role, timeout=10) as client:
                    response = client.send(request)
            else:
                settings = configuration(config, pack)
                snapshot = Snapshot.open(bundles(settings), settings.default_pack, settings.hospitals)
                evaluator = Evaluator(
                    snapshot, settings.zone, settings.meter, settings.alerts, settings.facilities
                )
                response = evaluator.evaluate(request, Caller(hospital, role))
        except CaseMeterError as error:
            raise ValueError(f"{error.reason}: {error}") from None
        except RequestError as error:
            faults = [f"\n  {fault.message}" for fault in error.error.faults]
            raise ValueError(f"{error.error.reason}: {error}{''.join(faults)}") from None
    _show(response, text, lang)


def _read(file: str) -> EvaluateRequest:
    try:
        data = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
        if not data.lstrip().startswith("{"):  # the library takes an empty list for an empty message
            raise ValueError(f"{file}: not an EvaluateRequest: it must be a JSON object")
        return json_format.Parse(data, EvaluateRequest())
    except UnicodeDecodeError as error:
        raise ValueError(f"{file}: not UTF-8: {error}") from None
    except (json_format.ParseError, RecursionError) as error:
        raise ValueError(f"{file}: not an EvaluateRequest: {error}") from None


def _show(response: EvaluateResponse, text: bool, language: str) -> None:
    if text:
        typer.echo("\n".join(lines(response.verdict, language)))
        notes.print(f"call {response.call_id}", markup=False)
    else:
        typer.echo(json_format.MessageToJson(response, ensure_ascii=False, indent=2))
