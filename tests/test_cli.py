"""The command line: what it prints, where, and how it ends."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from google.protobuf import json_format
from typer.testing import CliRunner, Result

from casemeter.v1.service_pb2 import EvaluateRequest, EvaluateResponse
from casemeter_client import Client, Encounter
from casemeter_grouper.batch import COLUMNS, RESULT_COLUMNS
from casemeter_server.caller import Caller
from casemeter_server.cli.demo_forecast import demo_forecast
from casemeter_server.cli.main import app
from casemeter_server.evaluation import Evaluator
from casemeter_server.snapshot import Snapshot
from live import TINY, live, tiny_bundle

REQUEST = {
    "call_id": "7",
    "as_of": "2026-06-01T12:00:00+08:00",
    "explain": True,
    "encounter": {"diagnoses": [{"code": "I63.900"}], "sex": "SEX_MALE", "icu_hours": 0.25},
}
REFUSED = {"encounter": {"age": {"years": -1}, "diagnoses": [{}]}}

Run = Callable[..., Result]


@pytest.fixture
def run(bundles: Path) -> Run:
    """Runs the command line with an environment of its own."""
    environment = {"CASEMETER_DATA": str(bundles.parent), "LC_ALL": "C"}

    def run(*arguments: object, **options: Any) -> Result:
        return CliRunner(env=environment).invoke(app, [str(part) for part in arguments], **options)

    return run


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    (tmp_path / "request.json").write_text(json.dumps(REQUEST), "utf-8")
    return tmp_path / "request.json"


def check_teaches(result: Result, *parts: str) -> None:
    """The command failed, said why on standard error, and printed nothing else."""
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    for part in parts:
        assert part in result.stderr


# evaluate


def test_evaluate_answers_a_file_in_process(run: Run, request_file: Path, bundles: Path) -> None:
    result = run("evaluate", request_file, "--pack", TINY)
    assert (result.exit_code, result.stderr) == (0, "")
    response = json_format.Parse(result.stdout, EvaluateResponse())
    assert (response.verdict.group.code, response.call_id) == ("BR15", "7")
    evaluator = Evaluator(Snapshot.open([tiny_bundle(bundles)]), ZoneInfo("Asia/Shanghai"))
    request = json_format.ParseDict(REQUEST, EvaluateRequest())
    assert response.verdict == evaluator.evaluate(request, Caller()).verdict


def test_evaluate_answers_standard_input(run: Run) -> None:
    result = run("evaluate", "-", "--pack", TINY, input=json.dumps(REQUEST))
    assert json.loads(result.stdout)["verdict"]["group"]["code"] == "BR15"


def test_evaluate_prints_chinese_as_it_is(run: Run) -> None:
    result = run("evaluate", "-", input=json.dumps(REQUEST))
    assert "脑梗死" in result.stdout


@pytest.mark.parametrize(("language", "first"), [("en", "Grouped: BR15"), ("zh", "入组：BR15")])
def test_evaluate_prints_words(language: str, first: str, run: Run, request_file: Path) -> None:
    result = run("evaluate", request_file, "--pack", TINY, "--text", "--lang", language)
    assert result.exit_code == 0
    assert result.stdout.startswith(first)
    assert result.stderr == "call 7\n"


def test_evaluate_asks_a_server(run: Run, request_file: Path, bundles: Path, default_bundle: Path) -> None:
    snapshot = Snapshot.open([default_bundle, tiny_bundle(bundles)], "", {"H1": "tiny"})
    with live(snapshot) as server:
        here = run("evaluate", request_file, "--pack", TINY)
        for options in (["--hospital", "H1"], ["--pack", "tiny"]):
            there = run("evaluate", request_file, "--server", server.address, *options)
            assert there.exit_code == 0
            assert json.loads(there.stdout)["verdict"] == json.loads(here.stdout)["verdict"]
        refused = run("evaluate", "-", "--server", server.address, input=json.dumps(REFUSED))
        check_teaches(refused, *REFUSED_SAYS)
    check_teaches(run("evaluate", request_file, "--server", server.address), "UNAVAILABLE: ")


REFUSED_SAYS = (
    "INVALID_REQUEST: 2 field(s) of the request cannot be used.",
    "\n  encounter.diagnoses[0].code is missing. Fill it in.",
    "\n  encounter.age.years is -1, outside 0 to 150. Check the value and its unit.",
)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"{", ["request.json: not an EvaluateRequest: ", "line 1 column 2"]),
        (b'{"encounter": {"diagnosis": []}}', ["request.json: ", '"diagnosis"', "encounter"]),
        (b'{"encounter": {"sex": "M"}}', ["request.json: ", "Invalid enum value M", "encounter.sex"]),
        (b"[]", ["request.json: not an EvaluateRequest: "]),
        (b'{"encounter":' * 50_000, ["request.json: not an EvaluateRequest: "]),
        ("{'男'}".encode("gbk"), ["request.json: not UTF-8: "]),
        (json.dumps(REFUSED).encode(), REFUSED_SAYS),
        (b'{"pack": "none"}', ["UNKNOWN_PACK: no pack 'none' is loaded; loaded: chs_drg_11."]),
        (None, ["No such file", "request.json"]),
    ],
    ids=(
        *("cut", "unknown field", "unknown value", "a list", "too deep", "not UTF-8", "refused"),
        *("unknown pack", "missing"),
    ),
)
def test_evaluate_says_what_is_wrong(data: bytes | None, says: list[str], run: Run, tmp_path: Path) -> None:
    if data is not None:
        (tmp_path / "request.json").write_bytes(data)
    check_teaches(run("evaluate", tmp_path / "request.json"), *says)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--pack", "chs_drg_12"], "chs_drg_11"),
        (["--pack", "nowhere.bundle"], "nowhere.bundle"),
        (["--config", "nowhere.toml"], "nowhere.toml: cannot be read"),
    ],
)
def test_evaluate_needs_a_pack(options: list[str], says: str, run: Run, request_file: Path) -> None:
    check_teaches(run("evaluate", request_file, *options), says)


def test_a_pack_with_errors_is_told_where_they_are(run: Run, request_file: Path, tmp_path: Path) -> None:
    pack = shutil.copytree(TINY, tmp_path / "pack")
    text = (pack / "mdc.csv").read_text("utf-8")
    (pack / "mdc.csv").write_text(text.replace("A_proc", "A_prok"), "utf-8")
    result = run("evaluate", request_file, "--pack", pack)
    check_teaches(result, "mdc.csv:2:entry: error: ", "'casemeter pack check' shows everything")


# group


def cases(*rows: tuple[str, str, str]) -> str:
    """CSV of cases with an id, a sex and diagnoses."""
    blanks = "," * (len(COLUMNS) - 3)
    return "\n".join([",".join(COLUMNS), *(f"{at},{sex}{blanks}{codes}," for at, sex, codes in rows)])


GOOD = cases(("a", "M", "I63.900|I46.900"), ("b", "F", "E11.900"), ("c", "", ""))
GROUPED = [
    ("a", "grouped", "MDCB", "BR1", "BR11"),
    ("b", "ungroupable", *[""] * 3),
    ("c", "not_yet", *[""] * 3),
]


def write_cases(path: Path, text: str) -> Path:
    if path.suffix == ".parquet":
        pl.read_csv(text.encode(), infer_schema=False).write_parquet(path)
    else:
        path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def read_groups(path: Path) -> list[tuple[str, ...]]:
    frame = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, infer_schema=False)
    assert tuple(frame.columns) == RESULT_COLUMNS
    return frame.fill_null("").rows()


@pytest.mark.parametrize("source", ["cases.csv", "cases.csv.gz", "cases.parquet"])
@pytest.mark.parametrize("target", ["out.csv", "out.csv.gz", "out.parquet"])
def test_group_reads_and_writes_every_kind(source: str, target: str, run: Run, tmp_path: Path) -> None:
    path = write_cases(tmp_path / source, GOOD)
    result = run("group", path, "--pack", TINY, "-o", tmp_path / target)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "3 cases: 1 grouped, 1 not_yet, 1 ungroupable\n"
    assert read_groups(tmp_path / target) == GROUPED
    assert {path.name for path in tmp_path.iterdir()} == {source, target}


def test_group_names_invalid_rows(run: Run, tmp_path: Path) -> None:
    rows = [("ok", "M", "I63.900"), *((f"bad{at}", "X", "I63.900|") for at in range(6))]
    path = write_cases(tmp_path / "cases.csv", cases(*rows))
    result = run("group", path, "-p", TINY, "-o", tmp_path / "out.csv", "--faults", tmp_path / "faults.csv")
    assert result.exit_code == 0
    first, *named, last = result.stderr.splitlines()
    assert first == "7 cases: 6 invalid, 1 undivided"
    assert named[:2] == [
        "row 2 (bad0): sex 'X' is not one of M, F",
        "row 2 (bad0): diagnoses 'I63.900|' is an empty code",
    ]
    assert len(named) == 10
    assert last == f"and 2 more values that make a row invalid; see {tmp_path / 'faults.csv'}"
    faults = pl.read_csv(tmp_path / "faults.csv", infer_schema=False).rows()
    assert len(faults) == 12
    assert faults[-1] == ("7", "bad5", "diagnoses", "I63.900|", "an empty code")
    assert [status for _, status, *_ in read_groups(tmp_path / "out.csv")] == ["undivided"] + ["invalid"] * 6


def test_group_maps_declared_clinical_codes(run: Run, tmp_path: Path) -> None:
    path = write_cases(tmp_path / "cases.csv", cases(("a", "", "I63.901")))
    for options, group in (([], ""), (["--clinical-diagnoses"], "BR29"), (["--clinical-procedures"], "")):
        run("group", path, "-p", TINY, "-o", tmp_path / "out.csv", *options)
        assert read_groups(tmp_path / "out.csv")[0][-1] == group


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "cases.csv: cannot be read as CSV or Parquet: "),
        ("case_id,diagnoses\n1,I63.900\n", "cases.csv: missing column(s) sex, discharge_way, department"),
        (cases(("a", "M", 'I63.900"')) + "\n1,2,3" + "," * 40, "cases.csv: cannot be read: "),
    ],
    ids=["missing", "few columns", "ragged"],
)
def test_group_writes_nothing_when_it_fails(text: str | None, says: str, run: Run, tmp_path: Path) -> None:
    if text is not None:
        write_cases(tmp_path / "cases.csv", text)
    (tmp_path / "out.csv").write_text("from before")
    check_teaches(run("group", tmp_path / "cases.csv", "-p", TINY, "-o", tmp_path / "out.csv"), says)
    assert (tmp_path / "out.csv").read_text() == "from before"
    assert {path.name for path in tmp_path.iterdir()} <= {"cases.csv", "out.csv"}


def test_group_needs_a_folder_to_write_to(run: Run, tmp_path: Path) -> None:
    path = write_cases(tmp_path / "cases.csv", GOOD)
    check_teaches(run("group", path, "-p", TINY, "-o", tmp_path / "none" / "out.csv"), str(tmp_path / "none"))
    check_teaches(run("group", path, "-p", "nopack", "-o", tmp_path / "out.csv"), "nopack")


# demo

DEMO = ("demo", "--once", "--forecast-stays", 0)


@pytest.mark.parametrize(("language", "says"), [("en", "Grouped"), ("zh", "入组")])
def test_demo_plays_its_admissions_and_ends(language: str, says: str, run: Run) -> None:
    result = run(*DEMO, "--lang", language)
    assert result.exit_code == 0
    panels = result.stdout.count("╭")
    assert panels == 23
    assert result.stdout.count(says) >= 6
    for code in ("I63.900", "K35", "P07.300", "S72.000"):
        assert code in result.stdout
    assert "Traceback" not in result.stderr


def test_demo_plays_a_stay_with_its_meter(run: Run) -> None:
    result = run(*DEMO, "--lang", "en")
    text = re.sub(r"[│\s]+", " ", result.stdout)
    for said in (
        "the cost has reached 0.91 of the payment (threshold 0.80)",
        "this order: 1.95 → 2.06 of the payment; crosses into band high; cheaper equivalent: demo_contrast",
        "the cost is in a high band: multiple 2.21 (from 2.00)",
        "what if 'demo_contrast_procured': stays BR23",
    ):
        assert said in text
    bars = [line for line in result.stdout.splitlines() if "█" in line][:9]
    assert [line.split()[1] for line in bars] == [f"11-{day:02}" for day in range(2, 11)]
    lengths = [line.count("█") for line in bars]
    # It rises with the charges; then the group changes, and with it the payment.
    assert lengths[:-1] == sorted(lengths[:-1])
    assert lengths[-1] < lengths[-2]


@pytest.mark.parametrize(
    ("language", "says"),
    [
        (
            "en",
            (
                "→ Grouped: BR21",
                "! warning: 急诊监护费 and 普通病房床位费 are not charged together on the same day",
                "× withdrawn: 急诊监护费 and 普通病房床位费 are not charged together on the same day",
                "→ Take this order back: 急诊监护费",
                "checked before submission: passed; BR21",
                "✓ sealed ",
            ),
        ),
        (
            "zh",
            (
                "× 撤销：急诊监护费与普通病房床位费",
                "→ 撤回此医嘱：急诊监护费",
                "! 高度可疑 · 医疗服务项目重复收费：",
                "✓ 签章 ",
            ),
        ),
    ],
)
def test_demo_watches_a_stay_and_speaks_at_the_doors(language: str, says: tuple[str, ...], run: Run) -> None:
    result = run(*DEMO, "--lang", language, env={"COLUMNS": "400"})
    for said in says:
        assert said in result.stdout


def test_demo_shows_where_stays_are_heading(run: Run, bundles: Path, default_bundle: Path) -> None:
    """The forecast is learned once, from stays that are made up, and says so."""
    asked = ("demo", "--once", "--lang", "en", "--forecast-stays", 3000)
    first = run(*asked, env={"COLUMNS": "400"})
    assert first.exit_code == 0, first.stderr
    lines = [line.strip("│ ") for line in first.stdout.splitlines()]
    planned = next(at for at, line in enumerate(lines) if line.endswith("腹腔镜下胆囊切除术, planned"))
    assert lines[planned + 1].startswith("↗ ")
    assert "HC29" in lines[planned + 1].partition(",")[0]
    heading = [line for line in lines if line.startswith("↗ ")]
    assert len(heading) >= 3
    assert all(line.endswith("[demonstration figures]") for line in heading)
    finals = ("BR23", "HC29", "ES31")
    assert [line.split()[-1] for line in lines if "final group coder" in line] == list(finals)
    assert first.stdout.count("╭") == 26
    (learned,) = bundles.glob("demo_forecast_chs_drg_11-*.bundle")
    assert not list(bundles.glob(".demo_forecast*"))
    before = learned.stat().st_mtime_ns
    assert demo_forecast(default_bundle, bundles, 3000) == learned
    assert learned.stat().st_mtime_ns == before


def test_demo_without_what_learns_shows_the_rest(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("casemeter_server.cli.demo_forecast._NEEDED", "no_such_module")
    result = run("demo", "--once", "--forecast-stays", 999)
    assert result.exit_code == 0
    assert "pip install 'casemeter[fit]'" in " ".join(result.stderr.split())
    assert result.stdout.count("╭") == 23


def test_demo_says_what_is_wrong(run: Run) -> None:
    result = run(*DEMO, "--lang", "zh", env={"COLUMNS": "400"})
    for said in (
        "急诊监护费与普通病房床位费同一天不得同时收费",
        "住院诊查费每天限1次，已计2次",
        "主要诊断S72.000为损伤或中毒，未填外部原因编码",
        "O80.900限女性，患者性别与之不符",
    ):
        assert said in result.stdout


def test_demo_marks_its_invented_money(run: Run) -> None:
    wide = {"COLUMNS": "400"}  # no line is wrapped
    result = run(*DEMO, "--lang", "en", env=wide)
    money = [line.strip("│ ") for line in result.stdout.splitlines() if "¥" in line]
    assert len(money) > 20
    unmarked = [line for line in money if not line.endswith("[demonstration figures]")]
    assert {line.split(" ¥")[0] for line in unmarked} == {"ordered, not charged"}


def test_no_other_command_invents_money(run: Run) -> None:
    values = {**REQUEST, "encounter": {**REQUEST["encounter"], "charges": {}}}  # type: ignore[dict-item]
    verdict = json.loads(run("evaluate", "-", input=json.dumps(values)).stdout)["verdict"]
    assert verdict["payment"] == {"absent": "NOT_PRICED_REASON_NO_POLICY"}
    assert verdict["meter"]["costFen"] == "0"


# serve


@contextmanager
def process(bundles: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The command line as a process of its own."""
    environment = os.environ | {"CASEMETER_DATA": str(bundles.parent), "LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-W", "error", "-m", "casemeter_server", *arguments]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


def ready(running: subprocess.Popen[str], pattern: str) -> re.Match[str]:
    """Wait for the line that says that the process is ready."""
    assert running.stderr
    for line in running.stderr:
        if found := re.fullmatch(pattern, line.strip()):
            return found
    pytest.fail("it ended before it was ready")


def page(port: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as reply:
        content: bytes = reply.read()
    return content


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_answers_until_it_is_told_to_stop(number: signal.Signals, bundles: Path) -> None:
    free = "127.0.0.1:0"
    options = ("--pack", str(TINY), "--listen", free, "--metrics", free, "--doors", free)
    with process(bundles, "serve", *options) as running:
        pattern = r"casemeter answers (\S+) on 127\.0\.0\.1:(\d+); metrics on port (\d+); doors on port (\d+)"
        packs, port, metrics_port, doors_port = ready(running, pattern).groups()
        assert packs == str(TINY)
        with Client(f"127.0.0.1:{port}", timeout=20) as client:
            request = json_format.ParseDict(REQUEST, EvaluateRequest())
            assert client.send(request).verdict.group.code == "BR15"
            assert client.packs()[0].ref.id == "tiny"
        with urllib.request.urlopen(f"http://127.0.0.1:{doors_port}/healthz") as reply:
            assert json.load(reply) == {"status": "SERVING"}
        for counted in (
            b'casemeter_requests_total{code="OK",method="Evaluate"} 1.0',
            b'casemeter_door_requests_total{door="healthz",status="200"} 1.0',
        ):
            deadline = time.monotonic() + 10  # a reply is counted shortly after it is given
            while counted not in page(metrics_port):
                assert time.monotonic() < deadline
                time.sleep(0.01)
        running.send_signal(number)
        assert running.wait(20) == 0
        assert running.stderr
        assert all("casemeter.access" in line for line in running.stderr)


def test_serve_reads_its_configuration(bundles: Path, tmp_path: Path) -> None:
    (tmp_path / "casemeter.toml").write_text(
        'listen = "127.0.0.1:0"\nmetrics = ""\ndoors = ""\ntime_zone = "UTC"\nstop_seconds = 0\n'
        f'packs = ["{TINY}"]\n'
    )
    with process(bundles, "serve", "--config", str(tmp_path / "casemeter.toml")) as running:
        (port,) = ready(running, r"casemeter answers \S+ on 127\.0\.0\.1:(\d+)").groups()
        with Client(f"127.0.0.1:{port}", timeout=20) as client:
            born = Encounter(birth_date="2026-06-01", admission_time={"seconds": 1_780_333_200})  # 17:00 UTC
            verdict = client.send(EvaluateRequest(encounter=born, as_of={"seconds": 1_780_400_000})).verdict
            assert verdict.facts.age_days == 0
        running.terminate()
        assert running.wait(20) == 0


def test_serve_needs_a_pack_that_groups(run: Run) -> None:
    check_teaches(
        run("serve", "-p", "demo_payment_dip", "--doors", ""), "no pack is loaded that groups cases"
    )


def test_serve_says_when_its_address_is_taken(run: Run, bundles: Path) -> None:
    with live(Snapshot.open([tiny_bundle(bundles)]), metrics="127.0.0.1:0") as server:
        taken = f"127.0.0.1:{server.running.metrics_port}"
        free = "127.0.0.1:0"
        for listen, metrics, doors in (
            (server.address, free, free),
            (free, taken, free),
            (free, free, taken),
        ):
            result = run("serve", "-p", TINY, "--listen", listen, "--metrics", metrics, "--doors", doors)
            check_teaches(result, f"{server.address if listen == server.address else taken}: ")
    check_teaches(run("serve", "--listen", "everywhere"), "'listen' is 'everywhere'")


def test_demo_keeps_serving(bundles: Path) -> None:
    with process(
        bundles, "demo", "--listen", "127.0.0.1:0", "--forecast-stays", "0", "--lang", "en"
    ) as running:
        (address,) = ready(running, r"serving on (\S+); Ctrl-C ends\. Try: .*").groups()
        web = ready(running, r"python -m casemeter_client\.emr play .* --door cds --address (\S+)")[1]
        with Client(address, timeout=20) as client:
            assert client.packs()[0].is_default
        with urllib.request.urlopen(f"http://{web}/healthz", timeout=20) as answer:
            assert json.load(answer) == {"status": "SERVING"}
        running.send_signal(signal.SIGINT)
        assert running.wait(20) == 0


def test_help_names_every_command(run: Run) -> None:
    result = run("--help")
    for command in ("serve", "evaluate", "group", "demo", "pack"):
        assert command in result.stdout
