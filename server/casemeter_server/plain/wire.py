"""The wire form of protobuf messages, read and written field by field, in compiled code for the most part.

What is read here is narrower than what protobuf allows: tags of one or two bytes (fields 1 to 2047), numbers
written in as few bytes as they need, numbers below zero only where they are expected, no groups. A caller's
library writes no other form for such values; whatever else comes is left to the ordinary reader.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.timestamp_pb2 import Timestamp
from numba import njit

_VARINT, _FIXED64, _LENGTH = 0, 1, 2
_WIRE_TYPE: Final = {
    FieldDescriptor.TYPE_BOOL: _VARINT,
    FieldDescriptor.TYPE_ENUM: _VARINT,
    FieldDescriptor.TYPE_INT32: _VARINT,
    FieldDescriptor.TYPE_INT64: _VARINT,
    FieldDescriptor.TYPE_DOUBLE: _FIXED64,
    FieldDescriptor.TYPE_STRING: _LENGTH,
    FieldDescriptor.TYPE_MESSAGE: _LENGTH,
}
LAST_MOMENT: Final = 0.999_999
"""The last part of a second that is read. Asked for the local day of a later one, datetime, which counts
microseconds, rounds it to the next second."""

_ONE_BYTE: Final = tuple(bytes((value,)) for value in range(0x80))
_LAST_NANOS: Final = round(LAST_MOMENT * 1e9)


def tags(message: Any, *names: str) -> tuple[int, ...]:
    """Return what stands before fields: their number and how they are written.

    Args:
        message: generated class.
        names: of fields.
    """
    descriptor: Descriptor = message.DESCRIPTOR
    fields = [descriptor.fields_by_name[name] for name in names]
    return tuple(field.number << 3 | _WIRE_TYPE[field.type] for field in fields)


_SECONDS, _NANOS = tags(Timestamp, "seconds", "nanos")


def number_field(tag: int, value: int) -> bytes:
    """Return a field with a number of 0 or more, as bytes."""
    return _varint_of(tag) + _varint_of(value)


def content_field(tag: int, content: bytes) -> bytes:
    """Return a field with a text or a message, as bytes."""
    return _varint_of(tag) + _varint_of(len(content)) + content


def first_text(data: bytes, start: int, end: int, tag: int) -> str:
    """Return the text that a plain message begins with; empty: it begins with another field.

    Args:
        data: holds the message.
        start: its first byte.
        end: its end.
        tag: of the field, below 128; the text is shorter than 16,384 bytes.
    """
    if start >= end or data[start] != tag:
        return ""
    length, at = data[start + 1], start + 2
    if length & 0x80:
        length, at = length & 0x7F | data[at] << 7, at + 1
    return data[at : at + length].decode()


def _varint_of(value: int) -> bytes:
    if value < 0x80:
        return _ONE_BYTE[value]
    if value < 0x4000:
        return bytes((value & 0x7F | 0x80, value >> 7))
    written = bytearray()
    while value >= 0x80:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


@njit(cache=True, nogil=True)
def _varint(data, at, end):  # type: ignore[no-untyped-def]
    """Return a number and the place after it; place -1: not plain."""
    value = 0
    shift = 0
    while at < end and shift < 63:
        byte = int(data[at])
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value, at) if byte or not shift else (0, -1)
        shift += 7
    return 0, -1


@njit(cache=True, nogil=True)
def read_signed(data, at, end):  # type: ignore[no-untyped-def]
    """Return a number that may be below zero, and the place after it; place -1: not plain."""
    value = np.uint64(0)
    shift = 0
    while at < end and shift < 70:
        byte = int(data[at])
        at += 1
        value |= np.uint64(byte & 0x7F) << np.uint64(shift)
        if byte < 0x80:
            # A tenth byte holds the highest bit and nothing else.
            sound = byte == 1 if shift == 63 else byte or not shift
            return (np.int64(value), at) if sound else (np.int64(0), -1)
        shift += 7
    return np.int64(0), -1


@njit(cache=True, nogil=True)
def read_field(data, at, end):  # type: ignore[no-untyped-def]
    """Read one field of a message.

    Args:
        data: the bytes.
        at: place of the field, before ``end``.
        end: place after the message.

    Returns:
        The tag (0: not plain); the number, or the place where the content begins; and the place after the
        field, where the content ends.
    """
    found = int(data[at])
    at += 1
    kind = found & 7
    if found >= 0x80:
        if at == end or not 0 < data[at] < 0x80:
            return 0, 0, 0
        found = found & 0x7F | int(data[at]) << 7
        at += 1
    if kind == _FIXED64:
        return (found, at, at + 8) if end - at >= 8 else (0, 0, 0)
    if kind != _VARINT and kind != _LENGTH:
        return 0, 0, 0
    value, at = _varint(data, at, end)
    if at < 0:
        return 0, 0, 0
    if kind == _VARINT:
        return found, value, at
    return (found, at, at + value) if value <= end - at else (0, 0, 0)


@njit(cache=True, nogil=True)
def is_ascii(data, at, end):  # type: ignore[no-untyped-def]
    """Whether a text is all ASCII, without NUL: then it is UTF-8, and a byte is a character."""
    plain = True
    for place in range(at, end):
        plain &= 0 < data[place] < 0x80
    return plain


@njit(cache=True, nogil=True)
def read_double(data, at):  # type: ignore[no-untyped-def]
    """Read the double at a place."""
    bits = np.zeros(1, np.uint64)
    for byte in range(8):
        bits[0] |= np.uint64(data[at + byte]) << np.uint64(8 * byte)
    return bits.view(np.float64)[0]


@njit(cache=True, nogil=True)
def read_time(data, at, end):  # type: ignore[no-untyped-def]
    """Read a timestamp; return its seconds since 1970, at least 1; 0: not plain."""
    seconds = 0
    nanos = 0
    last = 0
    while at < end:
        found, value, at = read_field(data, at, end)
        if found <= last:
            return 0.0
        last = found
        if found == _SECONDS:
            seconds = value
        elif found == _NANOS and value > 0:
            nanos = value
        else:
            return 0.0
    return seconds + nanos / 1e9 if seconds >= 1 and nanos <= _LAST_NANOS else 0.0


# Writing. ``out`` is a bytearray with room for what is written; each function returns the place after it.


@njit(cache=True, nogil=True)
def _write_varint(out, at, value):  # type: ignore[no-untyped-def]
    while value >= 0x80:
        out[at] = value & 0x7F | 0x80
        value >>= 7
        at += 1
    out[at] = value
    return at + 1


@njit(cache=True, nogil=True)
def write_number(out, at, tag, value):  # type: ignore[no-untyped-def]
    """Write a field with a number of 0 or more."""
    out[at] = tag
    return _write_varint(out, at + 1, value)


@njit(cache=True, nogil=True)
def write_double(out, at, tag, value):  # type: ignore[no-untyped-def]
    """Write a field with a double."""
    bits = np.full(1, value).view(np.uint64)[0]
    out[at] = tag
    for byte in range(8):
        out[at + 1 + byte] = (bits >> np.uint64(8 * byte)) & np.uint64(0xFF)
    return at + 9


@njit(cache=True, nogil=True)
def write_bytes(out, at, data, first, end):  # type: ignore[no-untyped-def]
    """Write bytes as they are."""
    for place in range(first, end):
        out[at + place - first] = data[place]
    return at + end - first


@njit(cache=True, nogil=True)
def write_content(out, at, tag, data, first, end):  # type: ignore[no-untyped-def]
    """Write a field with a text or a message."""
    out[at] = tag
    return write_bytes(out, _write_varint(out, at + 1, end - first), data, first, end)
