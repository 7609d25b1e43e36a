"""``casemeter terms``: the codes of what a physician types."""

from __future__ import annotations

from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from casemeter.v1 import terms_pb2
from casemeter_client import CaseMeterError, Client
from casemeter_server.cli.language import Lang
from casemeter_server.cli.setup import teaching
from casemeter_server.errors import RequestError
from casemeter_server.terms import DEFAULT_LIMIT, Terms

_STATES: Final = {
    "zh": {
        terms_pb2.TERM_STATE_CONFIRMED: "确诊",
        terms_pb2.TERM_STATE_SUSPECTED: "待查",
        terms_pb2.TERM_STATE_RULED_OUT: "排除",
        terms_pb2.TERM_STATE_HISTORY: "病史",
        terms_pb2.TERM_STATE_POST_PROCEDURE: "术后",
        terms_pb2.TERM_STATE_FAMILY_HISTORY: "家族史",
    },
    "en": {
        terms_pb2.TERM_STATE_CONFIRMED: "confirmed",
        terms_pb2.TERM_STATE_SUSPECTED: "suspected",
        terms_pb2.TERM_STATE_RULED_OUT: "ruled out",
        terms_pb2.TERM_STATE_HISTORY: "history",
        terms_pb2.TERM_STATE_POST_PROCEDURE: "after a procedure",
        terms_pb2.TERM_STATE_FAMILY_HISTORY: "in the family",
    },
}


def terms(
    text: Annotated[str, typer.Argument(help="A term, initials, or several diagnoses in one line.")],
    server: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Ask this server instead of answering in process.")
    ] = "",
    procedures: Annotated[bool, typer.Option("--procedures", help="Look for procedures.")] = False,
    limit: Annotated[int, typer.Option(help="The most codes for each part.")] = DEFAULT_LIMIT,
    lang: Lang = ...,  # type: ignore[assignment]  # typer fills it from its default factory
) -> None:
    """Find the codes of what a physician types."""
    with teaching():
        space = terms_pb2.TERM_SPACE_PROCEDURE if procedures else terms_pb2.TERM_SPACE_DIAGNOSIS
        try:
            if server:
                with Client(server) as client:
                    mentions = client.search_terms(text, procedures=procedures, limit=limit)
            else:
                request = terms_pb2.SearchTermsRequest(text=text, space=space, limit=limit)
                mentions = list(Terms().search(request).mentions)
        except CaseMeterError as error:
            raise ValueError(f"{error.reason}: {error}") from None
        except RequestError as error:
            faults = [f"\n  {fault.message}" for fault in error.error.faults]
            raise ValueError(f"{error.error.reason}: {error}{''.join(faults)}") from None
    console = Console(highlight=False, soft_wrap=True)
    for mention in mentions:
        said = (_STATES[lang][mention.state], *mention.qualifiers)
        console.print(Text(f"{mention.text} ({', '.join(said)})", style="bold"))
        table = Table(box=None, show_header=False, pad_edge=False)
        for hit in mention.hits:
            table.add_row(f"{hit.score:6.1f}", hit.code, Text(hit.name), hit.how)
        console.print(table)
