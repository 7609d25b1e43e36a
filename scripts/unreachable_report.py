"""Writes the tables of docs/unreachable.md anew: what no case can reach in each scheme of a folder.

python scripts/unreachable_report.py [FOLDER]   (default: ../shared/schemes beside the repository)
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from casemeter_grouper.pack.faults import Fault
from casemeter_grouper.pack.load import LoadedPack, load
from casemeter_grouper.pack.reach import unreachable
from casemeter_grouper.pack.tree import ROW_FILE, RULE_FILE

REPOSITORY = Path(__file__).parents[1]
REPORT = REPOSITORY / "docs" / "unreachable.md"
SCHEMES = REPOSITORY.parent / "shared" / "schemes"
BELOW = "<!-- Below: written by scripts/unreachable_report.py. -->\n"

HEAD = """
| scheme | rules | rows | rules out of reach | rows out of reach | unused sets |
|---|---:|---:|---:|---:|---:|
"""


def count_line(pack: LoadedPack, faults: Sequence[Fault]) -> str:
    """Return the line of the first table for a scheme."""
    rules = [rule for mdc in pack.scheme.tree.mdcs for rule in mdc.rules]
    lost = [fault.file for fault in faults if fault.kind != "set_unused"]
    counts = (
        len(rules),
        sum(len(rule.rows) for rule in rules),
        lost.count(RULE_FILE),
        lost.count(ROW_FILE),
        len(faults) - len(lost),
    )
    return f"| {pack.scheme.header.id} | {' | '.join(map(str, counts))} |\n"


def section(pack: LoadedPack, faults: Sequence[Fault]) -> str:
    """Return the section of a scheme: what is out of reach, by reason; empty if nothing is."""
    rules = [rule for mdc in pack.scheme.tree.mdcs for rule in mdc.rules]
    groups = {rule.name: {row.group for row in rule.rows} for rule in rules}
    by_reason: dict[str, list[str]] = defaultdict(list)
    for fault in faults:
        by_reason[_reason(fault, groups)].append(str(fault.details.get("what", fault.details.get("set"))))
    if not by_reason:
        return ""
    title = f"\n### {pack.scheme.header.title} ({pack.scheme.header.id})\n"
    lines = [f"| {', '.join(found)} | {reason} |\n" for reason, found in by_reason.items()]
    return title + "\n| out of reach | because |\n|---|---|\n" + "".join(lines)


def _reason(fault: Fault, groups: dict[str, set[str]]) -> str:
    if fault.kind == "taken_before":
        rule, arrow, _ = str(fault.details["what"]).partition(" → ")
        takers = str(fault.details["takers"])
        if arrow and groups[rule].issuperset(takers.split(", ")):
            return "rows before it in its rule take all"
        return f"taken by {takers}"
    if fault.kind == "never_true":
        why = str(fault.details["why"])
        return "its set has no codes" if why.endswith("∅)") else f"no case meets `{why}`"
    return fault.problem()


def main(folder: Path) -> None:
    """Read every scheme of a folder and write the report."""
    lines, sections = [], []
    for scheme in sorted(path.parent for path in folder.glob("*/scheme.toml")):
        pack = load(scheme)
        faults = unreachable(pack)
        lines.append(count_line(pack, faults))
        sections.append(section(pack, faults))
    above, _, _ = REPORT.read_text("utf-8").partition(BELOW)
    REPORT.write_text(above + BELOW + HEAD + "".join(lines) + "".join(sections), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SCHEMES)
