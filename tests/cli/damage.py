"""Files as disks, copies, editors and merges damage them, from a given draw."""

from __future__ import annotations

import io
import json
import random
import zipfile
from pathlib import Path

import numpy as np


def damaged(data: bytes, draw: random.Random) -> bytes:
    """Changed in one of the ways of disks, copies and editors."""
    changed = bytearray(data)
    size = len(changed)
    kind = draw.randrange(7)
    if kind == 0:
        return bytes(changed[: draw.randrange(size + 1)])
    if kind == 1:
        start = draw.randrange(size)
        return bytes(changed[:start] + bytes(draw.randrange(1, 4097)) + changed[start:])
    if kind == 2:
        start = draw.randrange(size) // 4096 * 4096
        changed[start : start + 4096] = draw.randbytes(len(changed[start : start + 4096]))
    elif kind == 3:
        start, end = sorted((draw.randrange(size), draw.randrange(size)))
        changed[start:end] = bytes(end - start)
    elif kind == 4:
        return draw.randbytes(draw.choice((0, 1, 100, 5000)))
    else:
        for _ in range(1 if kind == 5 else draw.randrange(2, 40)):
            changed[draw.randrange(min(size, 4096) if draw.random() < 0.5 else size)] = draw.randrange(256)
    return bytes(changed)


def text_damage(data: bytes, draw: random.Random) -> bytes:
    """As an editor, a merge or a disk does it to a text."""
    lines = data.split(b"\n")
    at = draw.randrange(len(lines))
    kind = draw.randrange(7)
    if kind == 0:
        return b"\n".join(lines[:at] + lines[at + 1 :])
    if kind == 1:
        return b"\n".join(lines[: at + 1] + lines[at:])
    if kind == 2:
        return b"\n".join([*lines[:at], b"<<<<<<< HEAD", *lines[at:]])
    if kind == 3:
        return b"\n".join(lines[:at]) + b"\n"
    if kind == 4:
        return data.replace(b"\n", b"\r\n").replace(b"=", b"\xc3=", 1)
    if kind == 5:
        words = lines[at].split(b" ")
        draw.shuffle(words)
        return b"\n".join([*lines[:at], b" ".join(words), *lines[at + 1 :]])
    return damaged(data, draw)


#: What may stand where another value was.
VALUES = [None, True, -1, 0, 10**30, 1.5, "x", "\x1b[2J", [], {}, [1], {"task": "copy"}, "é" * 50]


def other_value(document: dict, draw: random.Random) -> None:
    """One value of a JSON document changed, or taken away."""
    at = document
    while True:
        key = draw.choice(sorted(at))
        if isinstance(at[key], dict) and at[key] and draw.random() < 0.7:
            at = at[key]
            continue
        if draw.random() < 0.3:
            del at[key]
        else:
            at[key] = draw.choice(VALUES)
        return


def other_metadata(path: Path, draw: random.Random) -> None:
    """One value of the JSON inside an .npz changed, or taken away."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    header = json.loads(np.lib.format.read_array(io.BytesIO(entries["__meta__.npy"])).tobytes())
    other_value(header, draw)
    data = io.BytesIO()
    np.lib.format.write_array(data, np.frombuffer(json.dumps(header).encode(), dtype=np.uint8))
    entries["__meta__.npy"] = data.getvalue()
    with zipfile.ZipFile(path, "w") as archive:
        for name, entry in entries.items():
            archive.writestr(name, entry)


def spoil(path: Path, good: bytes, draw: random.Random) -> None:
    """Writes it damaged: its bytes, or what stands in it."""
    path.write_bytes(good)
    if path.suffix == ".npz" and draw.random() < 0.6:
        other_metadata(path, draw)
    elif path.suffix in (".jsonl", ".toml", ".py"):
        path.write_bytes(text_damage(good, draw))
    else:
        path.write_bytes(damaged(good, draw))
