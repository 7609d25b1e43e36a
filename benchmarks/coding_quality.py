"""Coding quality: how many faults planted on generated front pages are found, and alarms on clean ones.

Also what the check of names against codes says of names as clinicians write them, each beside its own code.

Run: python benchmarks/coding_quality.py [--planted 100] [--clean 2000]
"""

from __future__ import annotations

import argparse
import csv
import random
import tempfile
import time
from collections import Counter
from importlib.resources import files
from pathlib import Path

from casemeter_grouper.compiled.bundle import write
from casemeter_grouper.pack.dictionaries import shipped_dictionary
from casemeter_rules.coding.names import legible, likeness
from casemeter_rules.compiled.book import Book, compile_rules
from casemeter_rules.engine import find
from casemeter_rules.facts import Phase
from casemeter_rules.finding import Tier
from common import machine
from front_pages import PLANTS, SORTS, clean_page, planted

PACK = Path(str(files("casemeter_rules") / "packs" / "coding_quality"))
PHRASES = Path(__file__).parents[1] / "tests" / "data"


def opened(folder: Path) -> Book:
    """Return the shipped pack, compiled into a folder."""
    manifest, arrays, _ = compile_rules(PACK)
    path = folder / "coding_quality.bundle"
    write(path, manifest, arrays)
    return Book.open(path)


def find_planted(book: Book, pages: int) -> None:
    """Print how many of the planted faults are found, by subclass, and what else was said of those pages."""
    found: Counter[tuple[str, str]] = Counter()
    tried: Counter[tuple[str, str]] = Counter()
    beside = 0
    for subclass, what, sort, plant in PLANTS:
        named = ""
        hits = 0
        for seed in range(pages):
            page = planted(plant, sort, random.Random(f"{what}:{seed}"))
            findings = find([book], page, Phase.FRONT_PAGE).findings
            mine = [finding for finding in findings if finding.subclass == subclass]
            beside += len(findings) - len(mine)
            hits += bool(mine)
            named = mine[0].finding_class if mine else named
        found[named, subclass] += hits
        tried[named, subclass] += pages
    print("| class | subclass | found | planted |\n|---|---|---:|---:|")
    for (named, subclass), count in sorted(tried.items()):
        print(f"| {named} | {subclass} | {found[named, subclass]:,} | {count:,} |")
    total = sum(tried.values())
    print(f"| all | {len(tried)} subclasses | {sum(found.values()):,} | {total:,} |")
    print(f"\nfurther findings per 100 planted pages: {100 * beside / total:.1f}\n")


def count_alarms(book: Book, pages: int) -> None:
    """Print how many findings clean pages raise, by sort of page and tier, and how long a page takes."""
    print("| sort | clean pages | stop or warn per 100 | hints per 100 |\n|---|---:|---:|---:|")
    alarms = seconds = 0.0
    each = pages // len(SORTS)
    for sort in SORTS:
        tiers: Counter[Tier] = Counter()
        for seed in range(each):
            page = clean_page(sort, random.Random(f"{sort}:{seed}"))
            start = time.perf_counter()
            tiers.update(finding.tier for finding in find([book], page, Phase.FRONT_PAGE).findings)
            seconds += time.perf_counter() - start
        grave = tiers[Tier.STOP] + tiers[Tier.WARN]
        alarms += tiers.total()
        print(f"| {sort} | {each:,} | {100 * grave / each:.1f} | {100 * tiers[Tier.HINT] / each:.1f} |")
    drawn = each * len(SORTS)
    print(f"\nfalse alarms per 100 clean pages: {100 * alarms / drawn:.2f} ({drawn:,} pages)")
    print(f"a page takes {1000 * seconds / drawn:.2f} ms\n")


def compare_names(least: float = 0.34) -> None:
    """Print how often names that belong to a code are taken for another's, and strangers are seen through."""
    dictionary = shipped_dictionary()
    by_space = {"diagnosis": dictionary.diagnoses, "procedure": dictionary.procedures}
    for file in ("terms_phrases.csv", "terms_unseen.csv"):
        with (PHRASES / file).open(encoding="utf-8") as lines:
            rows = [row for row in csv.DictReader(lines) if row["state"] == "confirmed"]
        alarms = compared = 0
        for row in rows:
            names = by_space[row["space"]]
            wanted = [names[code] for code in row["codes"].split("|") if code in names]
            if wanted and legible(row["phrase"]):
                compared += 1
                alarms += max(likeness(row["phrase"], name, row["space"]) for name in wanted) < least
        print(f"{file}: {alarms} of {compared} names as clinicians write them are taken for another's")
    rng = random.Random(7)
    for space, names in by_space.items():
        listed = sorted(names.values())
        pairs = [(rng.choice(listed), rng.choice(listed)) for _ in range(5000)]
        seen = sum(likeness(one, other, space) < least for one, other in pairs if one != other)
        print(f"two names drawn by chance, {space}: {100 * seen / len(pairs):.1f} of 100 seen to disagree")


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--planted", type=int, default=100, help="pages with each fault")
    parser.add_argument("--clean", type=int, default=2400, help="clean pages in all")
    options = parser.parse_args()
    print(machine(), end="\n\n")
    with tempfile.TemporaryDirectory() as folder:
        book = opened(Path(folder))
        find_planted(book, options.planted)
        count_alarms(book, options.clean)
    compare_names()


if __name__ == "__main__":
    main()
