"""Protobuf messages written oddly on purpose: fields repeated, moved, of wrong types, bytes changed.

Run as a program it puts many such requests to the reader of plain requests with numba's bounds checks on.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

UNKNOWN_FIELDS = (
    b"\x50\x01",
    b"\xfa\x01\x02ab",
    b"\x83\x01\x08\x01\x84\x01",
    b"\x79" + bytes(8),
    b"\x7d" + bytes(4),
)
"""Field 10 as a number, 31 as bytes, 16 as a group, 15 as a double and as a float."""


def varint(value: int, spare: int = 0) -> bytes:
    """Write a number, with bytes to spare that only say it goes on."""
    written = bytearray()
    while value >= 0x80 or spare:
        spare -= value < 0x80
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*written, value))


def fields_of(message: bytes) -> list[tuple[int, int | bytes]]:
    """Return tags and contents of a message; fixed numbers stay bytes."""
    found: list[tuple[int, int | bytes]] = []
    at = 0
    while at < len(message):
        tag, at = _number(message, at)
        if tag & 7 == 1:
            found.append((tag, message[at : at + 8]))
            at += 8
            continue
        value, at = _number(message, at)
        if tag & 7 == 2:
            found.append((tag, message[at : at + value]))
            at += value
        else:
            found.append((tag, value))
    return found


def _number(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (message[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if message[at - 1] < 0x80:
            return value, at


def field(tag: int, content: int | bytes, chance: random.Random) -> bytes:
    """Write a field, once in a while in more bytes than it needs."""
    spare = chance.randrange(1, 10) if chance.random() < 0.05 else 0
    if isinstance(content, int):
        return varint(tag) + varint(content, spare)
    return varint(tag) + (b"" if tag & 7 == 1 else varint(len(content), spare)) + content


MESSAGES = {"request": {0x1A: "time", 0x22: "encounter"}}
MESSAGES |= {"encounter": {0x22: "age", 0x2A: "time", 0x32: "time", 0x5A: "diagnosis", 0x62: "procedure"}}
MESSAGES["encounter"] |= {0x6A: "segment", 0x7A: "newborn", 0xA2: "charges"}
MESSAGES |= {"charges": {0x12: "line"}, "line": {0x12: "time"}}
MESSAGES |= {"procedure": {0x12: "time", 0x1A: "time"}, "segment": {0x1A: "time", 0x22: "time"}}
"""By message, the tags of those of its fields that are messages."""


def disturbed(message: bytes, chance: random.Random, kind: str = "request") -> bytes:
    """Return a message with its fields disturbed, or those of a message within it."""
    fields = fields_of(message)
    inner = [at for at, (tag, _) in enumerate(fields) if tag in MESSAGES.get(kind, {})]
    if inner and chance.random() < 0.7:
        at = chance.choice(inner)
        tag, content = fields[at]
        assert isinstance(content, bytes)
        fields[at] = tag, disturbed(content, chance, MESSAGES[kind][tag])
    elif fields:
        at, other = (chance.randrange(len(fields)) for _ in range(2))
        tag, content = fields[at]
        match chance.randrange(7):
            case 0:
                fields.insert(other, fields[at])
            case 1:
                fields[at], fields[other] = fields[other], fields[at]
            case 2:
                del fields[at]
            case 3:
                fields[at] = chance.choice((tag ^ 2, tag ^ 1, tag ^ 3, tag | 0x80, tag + 8)), content
            case 4:
                fields[at] = tag, _other_content(content, chance)
            case 5:
                fields.insert(at, (tag, b"" if isinstance(content, bytes) and tag & 7 == 2 else content))
            case 6:
                written = [field(*entry, chance) for entry in fields]
                written.insert(at, chance.choice(UNKNOWN_FIELDS))
                return b"".join(written)
    return b"".join(field(*entry, chance) for entry in fields)


def _other_content(content: int | bytes, chance: random.Random) -> int | bytes:
    if isinstance(content, int):
        return chance.choice((0, 1, 2, content + 1, content * 2, 1 << chance.randrange(64), (1 << 64) - 1))
    if not content:
        return chance.randbytes(3)
    at = chance.randrange(len(content))
    return (
        content[:at]
        + chance.choice((b"", chance.randbytes(1), b"\xff\x80\xc0", bytes(9)))
        + content[at + 1 :]
    )


def mutated(message: bytes, chance: random.Random) -> bytes:
    """Return a request disturbed once or twice: its fields, its bytes, or both."""
    if chance.random() < 0.8:
        message = disturbed(message, chance)
    if chance.random() < 0.3 and message:
        at = chance.randrange(len(message))
        end = chance.choice((at, at + 1, at + 3, len(message)))
        message = message[:at] + chance.choice((b"", b"\x00", chance.randbytes(2))) + message[end:]
    return message


def main(bundle: Path, seeds: Path, count: int) -> None:
    """Read mutated requests; every index that lies outside its array raises."""
    from zoneinfo import ZoneInfo

    from casemeter.v1.pack_pb2 import PackRef
    from casemeter_grouper.compiled.scheme import CompiledScheme
    from casemeter_grouper.grouping import Grouper
    from casemeter_server.plain.calendar import offsets_of
    from casemeter_server.plain.charges import PlainCharges
    from casemeter_server.plain.reader import PlainAnswer, PlainReader
    from casemeter_server.verdicts import KnownParts

    grouper = Grouper(CompiledScheme.open(bundle))
    reader, charges = PlainReader(grouper, KnownParts(grouper, PackRef())), PlainCharges(None)
    offsets = offsets_of(ZoneInfo("Asia/Shanghai"))
    requests = [bytes.fromhex(line) for line in seeds.read_text("ascii").split()]
    chance = random.Random(7)
    plain = 0
    for _ in range(count):
        data = mutated(chance.choice(requests), chance)
        answer = reader.answer(data, 1_794_000_000.5, True, offsets)
        if isinstance(answer, PlainAnswer):
            place = answer.charges
            plain += place is None or charges.add_up(data, *place, answer.as_of) is not None
    print(plain)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
