"""Finds the records of a table in the bytes of a damaged SQLite file, without asking SQLite.

SQLite finds a row by way of a table of contents and of pages that point to pages; when one of these is damaged, every
row behind it is out of reach, though its own bytes are whole.  A row itself says how long it is and what it holds, so
it can be recognised wherever it stands:

    payload size, row number      two numbers of 1 to 9 bytes
    header size, one type a column, all of the same form        the types say how many bytes each value takes
    the values; what does not fit the page goes on in a chain of overflow pages

A row counts when the sizes agree with each other and with the number of columns; whether its values make sense is
for the caller to judge.  Source: SQLite, "Database File Format", sections 1.6 and 2.1.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

#: bytes of a value by its type, for types below 12
SIZES = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)
PAGE = 4096
#: a number of 9 bytes has this many
LONGEST_NUMBER = 9


def rows_in(data: bytes, columns: int, numbered: bool) -> Iterator[tuple[int, tuple[object, ...]]]:
    """(row number, values) of every record with that many columns, in the order of the bytes.

    numbered: the table has an `id INTEGER PRIMARY KEY`, which is stored as nothing in front of the columns and is not
    among the values returned.
    """
    stored = columns + numbered
    page = _page_size(data)
    first = b"\x00" if numbered else b""
    header = re.compile(b"(?=[%c-%c]%b)" % (stored + 1, min(3 * stored + 1, 127), first), re.DOTALL)
    for found in header.finditer(data):
        record = _record_at(data, found.start(), stored, page)
        if record is not None:
            number, values = record
            yield number, values[1:] if numbered else values


def _record_at(data: bytes, start: int, columns: int, page: int) -> tuple[int, tuple[object, ...]] | None:
    """The record whose header starts there, or None."""
    end = start + data[start]
    types: list[int] = []
    at = start + 1
    while at < end and len(types) < columns:
        kind, at = _number(data, at)
        types.append(kind)
    if at != end or len(types) != columns or any(kind in (10, 11) for kind in types):
        return None
    sizes = [SIZES[kind] if kind < 12 else (kind - 12) // 2 for kind in types]
    payload = data[start] + sum(sizes)
    number = _row_number(data, start, payload)
    if number is None or payload > len(data):
        return None
    whole = _payload(data, start, payload, page)
    if whole is None:
        return None
    values, at = [], data[start]
    for kind, size in zip(types, sizes, strict=True):
        values.append(_value(kind, whole[at : at + size]))
        at += size
    return number, tuple(values)


def _row_number(data: bytes, start: int, payload: int) -> int | None:
    """What stands in front of a header: the payload's size, then the row number.  None when the size is another."""
    for rows in range(1, LONGEST_NUMBER + 1):
        for sizes in (1, 2, 3, 4):
            begin = start - rows - sizes
            if begin < 0:
                break
            size, middle = _number(data, begin)
            if size == payload and middle == begin + sizes:
                number, end = _number(data, middle)
                if end == start:
                    return number
    return None


def _payload(data: bytes, start: int, length: int, page: int) -> bytes | None:
    """The bytes of a record, from its page and its overflow pages; None when they end too early."""
    most = page - 35
    if length <= most:
        here = length
    else:
        least = (page - 12) * 32 // 255 - 23
        here = least + (length - least) % (page - 4)
        here = here if here <= most else least
    found = data[start : start + here]
    following = data[start + here : start + here + 4]
    while len(found) < length:
        if len(following) < 4 or not 1 < (number := struct.unpack(">I", following)[0]) <= len(data) // page:
            return None
        block = data[(number - 1) * page : number * page]
        following = block[:4]
        found += block[4:]
    return found[:length]


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number of 1 to 9 bytes, seven bits in each, and where it ends."""
    value = 0
    for index in range(LONGEST_NUMBER - 1):
        if at + index >= len(data):
            return -1, at
        byte = data[at + index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + index + 1
    if at + LONGEST_NUMBER > len(data):
        return -1, at
    return value << 8 | data[at + LONGEST_NUMBER - 1], at + LONGEST_NUMBER


def _value(kind: int, stored: bytes) -> object:
    """A value by its type: nothing, a whole number, a real number, bytes or text (damaged characters replaced)."""
    if kind == 0:
        return None
    if kind in (8, 9):
        return kind - 8
    if kind == 7:
        return struct.unpack(">d", stored)[0]
    if kind < 7:
        return int.from_bytes(stored, "big", signed=True)
    return stored.decode("utf-8", "replace") if kind % 2 else stored


def _page_size(data: bytes) -> int:
    """As the file says, where that can be."""
    said = int.from_bytes(data[16:18], "big")
    said = 65536 if said == 1 else said
    return said if said >= 512 and said & (said - 1) == 0 and len(data) % said == 0 else PAGE
