"""Ways to damage the files of a pack, as people, spreadsheets and disks do."""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

Files = dict[str, bytes]
Mutation = Callable[[Files, str, random.Random], None]
"""Changes one file of a pack in place."""

_ODD = tomllib.loads((Path(__file__).parent / "odd_values.toml").read_text("utf-8"))
_CELLS: list[str] = [*_ODD["cells"], "x" * 300, "A" * 140_000]
_WORDS: list[str] = [*_ODD["words"], "9" * 400]
_HEADER: list[str] = [*_ODD["header"], "9" * 5_000, "[" * 2_000, f'"{"x" * 200}"']
_CONDITION_COLUMN = {"mdc.csv": 2, "adrg.csv": 4, "drg.csv": 3}


def mutate(files: Files, chance: random.Random) -> str:
    """Damage a pack in one to three places, and return how, for a reader."""
    done: list[str] = []
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        mutation = chance.choice(MUTATIONS)
        only = _ONLY.get(mutation)
        names = sorted(name for name in files if only is None or name in only)
        if names:
            file = chance.choice(names)
            mutation(files, file, chance)
            done.append(f"{mutation.__name__.strip('_')} {file}")
    return ", ".join(done)


def _flip_bits(files: Files, file: str, chance: random.Random) -> None:
    data = bytearray(files[file])
    for _ in range(chance.choice((1, 1, 5))):
        if data:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    files[file] = bytes(data)


def _insert_bytes(files: Files, file: str, chance: random.Random) -> None:
    at = chance.randint(0, len(files[file]))
    files[file] = files[file][:at] + chance.randbytes(chance.randint(1, 9)) + files[file][at:]


def _drop_bytes(files: Files, file: str, chance: random.Random) -> None:
    at = chance.randint(0, len(files[file]))
    files[file] = files[file][:at] + files[file][at + chance.randint(1, 40) :]


def _truncate(files: Files, file: str, chance: random.Random) -> None:
    files[file] = files[file][: chance.randint(0, len(files[file]))]


def _remove(files: Files, file: str, _: random.Random) -> None:
    del files[file]


def _empty(files: Files, file: str, _: random.Random) -> None:
    files[file] = b""


def _exchange_files(files: Files, file: str, chance: random.Random) -> None:
    other = chance.choice(sorted(files))
    files[file], files[other] = files[other], files[file]


def _encode(files: Files, file: str, chance: random.Random) -> None:
    text = files[file].decode("utf-8", "replace")
    files[file] = text.encode(chance.choice(("utf-8-sig", "utf-16", "gb18030", "utf-32")), "replace")


def _line_ends(files: Files, file: str, chance: random.Random) -> None:
    files[file] = files[file].replace(b"\n", chance.choice((b"\r\n", b"\r", b"\n\n", b" \n", b",\n")))


def _separator(files: Files, file: str, chance: random.Random) -> None:
    files[file] = files[file].replace(b",", chance.choice((b";", b"\t", "，".encode(), b", ")))


def _drop_row(files: Files, file: str, chance: random.Random) -> None:
    lines = files[file].split(b"\n")
    del lines[chance.randrange(len(lines))]
    files[file] = b"\n".join(lines)


def _repeat_row(files: Files, file: str, chance: random.Random) -> None:
    lines = files[file].split(b"\n")
    lines.insert(chance.randint(0, len(lines)), chance.choice(lines))
    files[file] = b"\n".join(lines)


def _exchange_rows(files: Files, file: str, chance: random.Random) -> None:
    lines = files[file].split(b"\n")
    one, two = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[two] = lines[two], lines[one]
    files[file] = b"\n".join(lines)


def _shuffle_rows(files: Files, file: str, chance: random.Random) -> None:
    header, *lines = files[file].split(b"\n")
    chance.shuffle(lines)
    files[file] = b"\n".join([header, *lines])


def _cell(files: Files, file: str, chance: random.Random, change: Callable[[list[str], int], None]) -> None:
    lines = files[file].decode("utf-8", "replace").split("\n")
    at = chance.randrange(len(lines))
    cells = lines[at].split(",")
    change(cells, chance.randrange(len(cells)))
    lines[at] = ",".join(cells)
    files[file] = "\n".join(lines).encode("utf-8", "replace")


def _change_cell(files: Files, file: str, chance: random.Random) -> None:
    def change(cells: list[str], at: int) -> None:
        cells[at] = chance.choice(_CELLS)

    _cell(files, file, chance, change)


def _exchange_cells(files: Files, file: str, chance: random.Random) -> None:
    def change(cells: list[str], at: int) -> None:
        other = chance.randrange(len(cells))
        cells[at], cells[other] = cells[other], cells[at]

    _cell(files, file, chance, change)


def _borrow_cell(files: Files, file: str, chance: random.Random) -> None:
    """Put a cell of some file into another place, as a paste that went wrong does."""
    lines = files[chance.choice(sorted(files))].decode("utf-8", "replace").split("\n")
    found = chance.choice(chance.choice(lines).split(","))

    def change(cells: list[str], at: int) -> None:
        cells[at] = found

    _cell(files, file, chance, change)


def _add_or_drop_cell(files: Files, file: str, chance: random.Random) -> None:
    def change(cells: list[str], at: int) -> None:
        if chance.random() < 0.5:
            cells.insert(at, chance.choice(_CELLS))
        else:
            del cells[at]

    _cell(files, file, chance, change)


def _header(files: Files, file: str, chance: random.Random) -> None:
    header, _, rest = files[file].decode("utf-8", "replace").partition("\n")
    names = header.split(",")
    at = chance.randrange(len(names))
    names[at] = chance.choice(
        (names[at].upper(), names[at] + "s", "", chance.choice(names), f" {names[at]} ", "match")
    )
    files[file] = "\n".join([",".join(names), rest]).encode("utf-8", "replace")


def _drop_column(files: Files, file: str, chance: random.Random) -> None:
    lines = [line.split(",") for line in files[file].decode("utf-8", "replace").split("\n")]
    at = chance.randrange(len(lines[0]))
    files[file] = "\n".join(",".join(cells[:at] + cells[at + 1 :]) for cells in lines).encode(
        "utf-8", "replace"
    )


def _change_condition(files: Files, file: str, chance: random.Random) -> None:
    def change(condition: str) -> str:
        words = re.findall(r"[<>=]+|[(),]|[^\s()<>=,]+", condition) or ["always"]
        at = chance.randrange(len(words))
        match chance.randrange(5):
            case 0:
                words[at] = chance.choice(_WORDS)
            case 1:
                words.insert(at, chance.choice(_WORDS))
            case 2:
                del words[at]
            case 3:
                other = chance.randrange(len(words))
                words[at], words[other] = words[other], words[at]
            case _:
                words = chance.choices(_WORDS, k=chance.randint(1, 12))
        return " ".join(words)

    _in_condition(files, file, chance, change)


def _nest_condition(files: Files, file: str, chance: random.Random) -> None:
    depth = chance.choice((5, 49, 50, 51, 60, 1_000, 9_000))
    before, after = chance.choice(
        (("(", ")"), ("not ", ""), ("not (", ")"), ("(", ""), ("mcc and (cc or ", ")"))
    )
    _in_condition(files, file, chance, lambda condition: before * depth + condition + after * depth)


def _widen_condition(files: Files, file: str, chance: random.Random) -> None:
    joint, times = chance.choice((" and ", " or ", " ")), chance.choice((3, 100, 700, 3_000))
    _in_condition(files, file, chance, lambda condition: joint.join([f"({condition})"] * times))


def _in_condition(files: Files, file: str, chance: random.Random, change: Callable[[str], str]) -> None:
    lines = files[file].decode("utf-8", "replace").split("\n")
    at = chance.randrange(len(lines))
    cells = re.findall(r'"[^"]*"|[^,]+|(?<=,)(?=,|$)', lines[at])
    column = _CONDITION_COLUMN.get(file, 0)
    if column < len(cells):
        cells[column] = '"' + change(cells[column].strip('"')).replace('"', "") + '"'
        lines[at] = ",".join(cells)
    files[file] = "\n".join(lines).encode("utf-8", "replace")


def _header_file(files: Files, file: str, chance: random.Random) -> None:
    lines = files[file].decode("utf-8", "replace").split("\n")
    at = chance.randrange(len(lines))
    key = lines[at].partition("=")[0].strip() or "id"
    value = chance.choice(_HEADER)
    line = chance.choice(
        (f"{key} = {value}", f'"{key}" = {value}', f"[{key}]", f"{key}.x = {value}", f"x{lines[at]}")
    )
    lines[at : at + chance.randint(0, 1)] = [line]
    files[file] = "\n".join(lines).encode("utf-8", "replace")


MUTATIONS: tuple[Mutation, ...] = (
    *(
        _flip_bits,
        _insert_bytes,
        _drop_bytes,
        _truncate,
        _remove,
        _empty,
        _exchange_files,
        _encode,
        _line_ends,
    ),
    *(
        _separator,
        _drop_row,
        _repeat_row,
        _exchange_rows,
        _shuffle_rows,
        _change_cell,
        _change_cell,
        _change_cell,
    ),
    *(_exchange_cells, _borrow_cell, _borrow_cell, _add_or_drop_cell, _header, _drop_column),
    *(
        _change_condition,
        _change_condition,
        _change_condition,
        _nest_condition,
        _widen_condition,
        _header_file,
    ),
)
_CONDITIONS = frozenset(_CONDITION_COLUMN)
_ONLY: dict[Mutation, frozenset[str]] = {
    _change_condition: _CONDITIONS,
    _nest_condition: _CONDITIONS,
    _widen_condition: _CONDITIONS,
    _header_file: frozenset(("scheme.toml",)),
}
"""Files that a mutation is for, where not any."""
