"""The table of rights: complete, as the page shows it, and what must never be in it."""

from __future__ import annotations

import itertools
import tomllib
from importlib import resources
from pathlib import Path

import pytest

from casemeter_rules.alerting.roles import shipped_roles
from casemeter_server.caller import Caller
from casemeter_server.calls import METHODS
from casemeter_server.errors import RequestError
from casemeter_server.identity.refusals import refusals
from casemeter_server.identity.rights import PHYSICIAN, Reach, Rights, is_look, shipped_rights

PAGE = Path(__file__).parents[1] / "docs" / "identity.md"
RIGHTS = shipped_rights()
CHANGES = {"RecordEvents", "AnswerFinding", "SealFrontPage", "PutSettings"}


def may(role: str, call: str, hospital: str = "", rights: Rights = RIGHTS) -> bool:
    """Whether somebody of hospital H001 may make a call."""
    try:
        rights.check(Caller("H001", role), call, hospital)
    except RequestError as error:
        assert error.error.reason == "PERMISSION_DENIED"
        return False
    return True


def whoever_may(call: str, hospital: str = "") -> set[str]:
    return {role for role in RIGHTS.roles if may(role, call, hospital)}


def test_every_method_has_a_row_and_every_role_a_column() -> None:
    text = resources.files("casemeter_server.identity").joinpath("rights.toml").read_text("utf-8")
    table = tomllib.loads(text)
    assert list(table["call"]) == list(METHODS)
    assert table["role"].keys() > shipped_roles().keys()
    for row in table["call"].values():
        assert list(row) == ["look", "doors", *table["role"]]
    for role in table["role"].values():
        assert role.keys() == {"is", "named"}


def test_what_no_table_may_allow() -> None:
    """Each line is a sentence of the decision's page."""
    assert whoever_may("SealFrontPage") == {"coder"}
    assert whoever_may("RecordEvents") == {"emr"}
    assert whoever_may("PutSettings") == {"administrator"}
    assert whoever_may("GetSettings") == {"administrator", "office", "auditor"}
    assert whoever_may("AnswerFinding") == {"physician", "pharmacist", "coder", "emr"}
    for call in METHODS:
        others = whoever_may(call, "H002")
        assert others == ({"auditor"} if call in ("ReadEncounter", "WatchEncounter") else set())
        assert not (is_look(call) and may("administrator", call))
        assert not (call in CHANGES and may("auditor", call))
    # Whoever reaches further than patients of his hospital is named one by one.
    for name, role in RIGHTS.roles.items():
        assert role.named == (RIGHTS.reaches_others(name) or may(name, "PutSettings"))


@pytest.mark.parametrize("role", ["", "head_nurse", "Administrator", "auditor "])
def test_any_other_role_is_a_physician(role: str) -> None:
    for call, hospital in itertools.product(METHODS, ("", "H001", "H002")):
        assert may(role, call, hospital) == may(PHYSICIAN, call, hospital)


def test_the_own_hospital_is_the_caller_s_or_none_named() -> None:
    assert may("coder", "ReadEncounter")
    assert may("coder", "ReadEncounter", "H001")
    assert not may("coder", "ReadEncounter", "H002")
    assert not may("coder", "ReadEncounter", "h001")
    # A caller without a hospital has no patients elsewhere either.
    RIGHTS.check(Caller(), "ReadEncounter")
    with pytest.raises(RequestError):
        RIGHTS.check(Caller(), "ReadEncounter", "H001")


@pytest.mark.parametrize(
    ("role", "call", "hospital", "says"),
    [
        ("office", "PutSettings", "", "role 'office' may not call PutSettings for its own hospital"),
        ("", "SealFrontPage", "H001", "role 'physician' may not call SealFrontPage for its own hospital"),
        ("emr", "WatchEncounter", "H002", "role 'emr' may not call WatchEncounter for another hospital"),
    ],
)
def test_a_refusal_says_who_what_and_whose(role: str, call: str, hospital: str, says: str) -> None:
    with pytest.raises(RequestError) as caught:
        RIGHTS.check(Caller("H001", role), call, hospital)
    assert str(caught.value).startswith(f"{says}. ")


def test_a_call_that_nobody_knows_is_a_bug() -> None:
    with pytest.raises(KeyError):
        RIGHTS.check(Caller(), "evaluate")
    with pytest.raises(KeyError):
        is_look("3101")


def test_looks_at_patients() -> None:
    others = {"ListPacks", "SearchTerms", "GetSettings", "PutSettings"}
    assert {call for call in METHODS if not is_look(call)} == others


# The page


def made() -> str:
    """What the page says of rights and refusals."""
    lines = ["", "| call | also | look | " + " | ".join(RIGHTS.roles) + " |"]
    lines.append("|---" * (len(RIGHTS.roles) + 3) + "|")
    for name, row in RIGHTS.calls.items():
        reach = ["–" if each is Reach.NONE else str(each) for each in row.reach.values()]
        cells = [f"`{name}`", row.doors or "–", "look" if row.look else "–", *reach]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "| role | who | given by |", "|---|---|---|"]
    for role, entry in RIGHTS.roles.items():
        given = "issuers that name it" if entry.named else "every issuer"
        lines.append(f"| `{role}` | {entry.what} | {given} |")
    lines += ["", "## Why a caller is not known", "", "| said | what to do |", "|---|---|"]
    for refusal in refusals().values():
        why = refusal["why"].replace("{", "*").replace("}", "*")
        mend = refusal["mend"].format(limit="30")
        lines.append(f"| {why} | {mend} |")
    return "\n".join(lines) + "\n"


def test_the_page_tells_every_right_and_every_refusal(request: pytest.FixtureRequest) -> None:
    written, mark, rest = PAGE.read_text("utf-8").partition(' --update" writes it. -->\n')
    assert mark
    if request.config.getoption("--update"):
        PAGE.write_text(written + mark + made(), "utf-8")
        rest = made()
    assert rest == made(), "docs/identity.md differs; if the tables are right, --update writes it"


def test_every_refusal_is_a_clause_and_its_mend_a_sentence() -> None:
    for reason, refusal in refusals().items():
        assert reason == reason.upper()
        assert refusal.keys() == {"why", "mend"}
        assert refusal["why"][0] in "abcdefghijklmnopqrstuvwxyz'"
        assert not refusal["why"].endswith(".")
        assert refusal["mend"].endswith(".")
