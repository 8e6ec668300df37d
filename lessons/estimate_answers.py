"""Reads and shows an estimate: a number with a unit, in the ways in which people say one.

    14e9    14 GB    14 GiB    112 Gbit    1.2e12 FLOPs    1.2 TFLOPs    7 billion    7B parameters    3 days

A number without a unit counts in the unit that is asked for.  A unit that measures something else is refused, so that
nobody is told that bytes are wrong who meant bits.
"""

from __future__ import annotations

import re

from lessons.answers import Unreadable, read_number

_PREFIXES = {"k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "p": 1e15, "e": 1e18, "z": 1e21, "y": 1e24}
_WORDS = {"kilo": 1e3, "mega": 1e6, "giga": 1e9, "tera": 1e12, "peta": 1e15, "exa": 1e18, "zetta": 1e21, "yotta": 1e24}
_SCALES = {
    "thousand": 1e3,
    "million": 1e6,
    "mio": 1e6,
    "billion": 1e9,
    "bn": 1e9,
    "trillion": 1e12,
    "quadrillion": 1e15,
    "k": 1e3,
    "m": 1e6,
    "b": 1e9,
    "g": 1e9,
    "t": 1e12,
}


def _prefixed(name: str, short: str, one: float = 1.0) -> dict[str, float]:
    """A unit alone, with every prefix before its short name, and with every prefix in words."""
    found = {short: one, name: one, f"{name}s": one}
    found |= {prefix + short: one * factor for prefix, factor in _PREFIXES.items()}
    return found | {word + name + s: one * factor for word, factor in _WORDS.items() for s in ("", "s")}


_BYTES = {
    **_prefixed("byte", "b"),
    **{f"{prefix}ib": 1024.0**power for power, prefix in enumerate("kmgtp", 1)},
    **_prefixed("bit", "bit", 0.125),
    **{f"{prefix}bits": factor / 8 for prefix, factor in _PREFIXES.items()},
}
_FLOPS = {**_prefixed("flop", "flop"), **{f"{prefix}flops": factor for prefix, factor in _PREFIXES.items()}}
_DAYS = {
    "d": 1.0,
    "day": 1.0,
    "days": 1.0,
    "week": 7.0,
    "weeks": 7.0,
    "year": 365.25,
    "years": 365.25,
    "h": 1 / 24,
    "hour": 1 / 24,
    "hours": 1 / 24,
    "minute": 1 / 1440,
    "minutes": 1 / 1440,
    "min": 1 / 1440,
    "s": 1 / 86400,
    "sec": 1 / 86400,
    "second": 1 / 86400,
    "seconds": 1 / 86400,
    "ms": 1e-3 / 86400,
}
#: the unit that is asked for -> what may be written -> how many of the unit that is
UNITS: dict[str, dict[str, float]] = {
    "bytes": _BYTES,
    "FLOPs": _FLOPS,
    "days": _DAYS,
    "seconds": {name: days * 86400 for name, days in _DAYS.items()},
    "parameters": dict.fromkeys(("parameters", "parameter", "params", "param", "weights", "numbers"), 1.0),
    "tokens": dict.fromkeys(("tokens", "token", "tok"), 1.0),
    "sequences": dict.fromkeys(("sequences", "sequence", "texts", "text", "users"), 1.0),
    "numbers": dict.fromkeys(("numbers", "number", "scores", "weights"), 1.0),
    "tokens/s": dict.fromkeys(
        ("tokens/s", "tokens/sec", "tokens/second", "token/s", "tok/s", "tokens per second"), 1.0
    ),
}
#: how the answer is said once more, below the number itself
_SAID = {
    "bytes": ("B", "kB", "MB", "GB", "TB", "PB"),
    "FLOPs": tuple(f"{p}FLOPs" for p in ("", "k", "M", "G", "T", "P", "E", "Z", "Y")),
}
_COUNTED = ("", "thousand", "million", "billion", "trillion", "quadrillion")
_SPLIT = re.compile(r"(.*?[\d).%])\s*([^\W\d_][^\d]*)?", flags=re.DOTALL)


def read_estimate(text: str, unit: str) -> float:
    """The number that was typed, in `unit`, one of UNITS.  Raises Unreadable, also for what measures something else."""
    found = _SPLIT.fullmatch(text.strip().rstrip(".").replace("\u00a0", " "))
    if not found:
        raise Unreadable(f"Please answer with a number in {unit}, such as {_example(unit)}.")
    words = " ".join((found[2] or "").lower().split())
    factor = UNITS[unit].get(words)
    if factor is None:
        scale, _, rest = words.partition(" ")
        if scale not in _SCALES or (rest and rest not in UNITS[unit]):
            factor = 1.0 if not words else _refuse(found[2], unit)
        else:
            factor = _SCALES[scale] * UNITS[unit].get(rest, 1.0)
    try:
        return read_number(found[1]) * factor
    except Unreadable as problem:
        said = str(problem)
        raise Unreadable(
            said.partition(", such as")[0] + f", such as {_example(unit)}." if "such as" in said else said
        ) from None


def _refuse(typed: str, unit: str) -> float:
    typed = typed.strip()
    known = any(typed.lower() in family for family in UNITS.values()) or typed.lower().startswith("flop")
    says = f"not in {typed[:20]}" if known else f'and "{typed[:20]}" is no unit of that'
    raise Unreadable(f"The answer is asked for in {unit}, {says}; write it such as {_example(unit)}.")


def _example(unit: str) -> str:
    examples = {"bytes": "14e9, 14 GB or 14 GiB", "FLOPs": "1.2e12 or 1.2 TFLOPs", "days": "12 days or 300 hours"}
    examples |= {"seconds": "0.2 or 200 ms", "parameters": "7e9 or 7 billion", "tokens/s": "120 or 120 tokens/s"}
    return examples.get(unit, f"12000 or 12 thousand {unit}")


def show_estimate(value: float, unit: str) -> str:
    """`1.35e10 bytes`, `24600 tokens`, `0.213 seconds`: three digits, and the unit."""
    return f"{short(value)} {unit}"


def short(value: float) -> str:
    """Three digits, or a whole number below a million in full."""
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    if -3 <= int(exponent) < 5:
        return f"{value:.3g}" if abs(value) < 1000 else str(int(float(f"{value:.3g}")))
    return f"{mantissa}e{int(exponent)}"


def said(value: float, unit: str) -> str:
    """The same as people say it: `13.5 GB`, `6.74 billion parameters`; what is small as `show_estimate` has it."""
    names = _SAID.get(unit, _COUNTED if unit in ("parameters", "numbers", "tokens") else ())
    power = 0
    while power + 1 < len(names) and abs(value) >= 1000.0 ** (power + 1):
        power += 1
    if not power or value < 1e6:
        return show_estimate(value, unit)
    scaled = f"{value / 1000.0**power:.3g}"
    return f"{scaled} {names[power]}" + ("" if unit in _SAID else f" {unit}")
