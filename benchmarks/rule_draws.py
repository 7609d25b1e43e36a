"""Rules and stays drawn for benchmarks: tables of any size, and stays that meet many of their rows."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from casemeter_grouper.pack.dictionaries import shipped_dictionary

ROWS_PER_ITEM: Final = 5
"""How many rows name one item."""

BASIS: Final = "drawn for a benchmark"
HEADER: Final = 'id = "drawn"\nkind = "rules"\ntitle = "Drawn rules"\nvalid_from = 2026-01-01\n'
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVZ"
_TABLES: Final = {
    "sex": ("codes", "name", "sex"),
    "age": ("codes", "name", "min_years", "max_years"),
    "frequency": ("codes", "name", "most", "unit", "period_days"),
    "exclusive": ("codes", "name", "b_codes", "b_name", "window"),
    "indication": ("codes", "name", "diagnosis_prefixes"),
    "grey_code": ("space", "code", "name"),
}


def item(number: int) -> str:
    """Return the code of an item: 15 digits, as national ones."""
    return f"{number:015d}"


def draw_pack(folder: Path, rules: int, seed: int) -> Counter[str]:
    """Write a rules pack of so many different rows; return how many of them each code brings up."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rules.toml").write_text(HEADER, "utf-8")
    rng = np.random.default_rng(seed)
    items = max(50, rules // ROWS_PER_ITEM)
    files = {name: (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") for name in _TABLES}
    try:
        writers = {name: csv.writer(file, lineterminator="\n") for name, file in files.items()}
        for name, columns in _TABLES.items():
            writers[name].writerow((*columns, "basis"))
        seen: set[tuple[str, ...]] = set()
        by_code: Counter[str] = Counter()
        while len(seen) < rules:
            for name, row in _rows(items, rng):
                if len(seen) < rules and (name, *row) not in seen:
                    seen.add((name, *row))
                    writers[name].writerow((*row, BASIS))
                    by_code[row[1] if name == "grey_code" else row[0]] += 1
    finally:
        for file in files.values():
            file.close()
    return by_code


def _rows(items: int, rng: np.random.Generator, block: int = 4096) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield a block of rows; most stays break few of them."""
    diagnoses = list(shipped_dictionary().diagnoses)
    which = rng.choice(6, block, p=(0.02, 0.30, 0.34, 0.19, 0.14, 0.01)).tolist()
    numbers = rng.integers(0, items, (block, 2)).tolist()
    draws = rng.integers(0, 1_000, (block, 4)).tolist()
    for kind, (one, other), draw in zip(which, numbers, draws, strict=True):
        code, name = item(one), f"项目{one}"
        if kind == 0:
            yield "sex", (code, name, "MF"[draw[0] % 2])
        elif kind == 1:
            yield "age", (code, name, str(draw[0] % 20), str(86 + draw[1] % 60))
        elif kind == 2:
            yield "frequency", (code, name, str(2 + draw[0] % 60), "次", str(1 + draw[1] % 30))
        elif kind == 3:
            yield "exclusive", (code, name, item(other), f"项目{other}", ("day", "stay", "6h")[draw[0] % 3])
        elif kind == 4:
            # The chapters of many diseases: some diagnosis of eight is likely among them.
            first = draw[0] % len(_LETTERS)
            yield "indication", (code, name, "|".join(_LETTERS[first:] + _LETTERS[: max(0, first - 4)]))
        else:
            number = (one * 1_000 + draw[0]) % len(diagnoses)
            yield "grey_code", ("diagnosis", diagnoses[number], f"诊断{number}")


def draw_stay(rules: int, rng: np.random.Generator, charges: int = 50) -> dict[str, Any]:
    """Return an encounter as JSON values: eight diagnoses, three procedures, charges that the rules name."""
    items = max(50, rules // ROWS_PER_ITEM)
    dictionary = shipped_dictionary()
    diagnoses, procedures = list(dictionary.diagnoses), list(dictionary.procedures)
    lines = [
        {
            "id": f"L{at}",
            "item": item(int(rng.integers(0, items))),
            "category": str(1 + at % 10),
            "amount_fen": 1_000 + 97 * at,
            "quantity": str(1 + int(rng.integers(0, 3))),
            "time": f"2026-11-{2 + at % 4:02}T{8 + at % 10:02}:{at % 60:02}:00+08:00",
        }
        for at in range(charges)
    ]
    return {
        "sex": ("SEX_MALE", "SEX_FEMALE")[int(rng.integers(0, 2))],
        "birth_date": f"{1936 + int(rng.integers(0, 60))}-03-02",
        "admission_time": "2026-11-02T08:00:00+08:00",
        "diagnoses": [{"code": diagnoses[int(rng.integers(0, len(diagnoses)))]} for _ in range(8)],
        "procedures": [{"code": procedures[int(rng.integers(0, len(procedures)))]} for _ in range(3)],
        "charges": {"category_system": "CATEGORY_SYSTEM_FRONT_PAGE", "lines": lines},
    }
