"""Whether two screens say the same: words and places exactly, numbers to what another machine may round differently."""

from __future__ import annotations

import re

#: a number as it is shown: `-0.12`, `1,024`, `3e-16`
NUMBER = re.compile(r"(?<![\w.])-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[-+]?\d+)?(?![\w])")
#: below this a number is what rounding leaves
NOISE = 1e-9
#: how many units of its last digit a number may differ
UNITS = 1.5


def difference(recorded: str, printed: str, unsteady: str = "") -> str:
    """The first line that says something else, as `recorded` and `printed`; nothing when there is none.

    unsteady: a pattern; lines that contain it depend on the clock, and only have to be there.
    """
    old, new = recorded.splitlines(), printed.splitlines()
    for number, (before, now) in enumerate(zip(old, new, strict=False), start=1):
        excused = unsteady and re.search(unsteady, before) and re.search(unsteady, now)
        if not excused and not same_line(before, now):
            return f"line {number}\n  recorded {before}\n  printed  {now}"
    if len(old) != len(new):
        more, which = (old, "recorded") if len(old) > len(new) else (new, "printed")
        extra = more[min(len(old), len(new))]
        return f"{len(old)} lines recorded, {len(new)} printed; the first that is only {which}:\n  {extra}"
    return ""


def same_line(before: str, now: str) -> bool:
    """Equal, or equal but for numbers within a unit of their last digit and the blanks that those move."""
    if before == now:
        return True
    old, new = NUMBER.findall(before), NUMBER.findall(now)
    if old == new or len(old) != len(new) or words_of(before) != words_of(now):
        return False
    return all(same_number(one, other) for one, other in zip(old, new, strict=True))


def words_of(line: str) -> list[str]:
    return NUMBER.sub("#", line).split()


def same_number(one: str, other: str) -> bool:
    if one == other:
        return True
    a, b = (float(text.replace(",", "")) for text in (one, other))
    if max(abs(a), abs(b)) < NOISE:
        return True
    units = (
        unit(one),
        unit(other),
    )  # they differ where %g cut zeros, as in 0.1 for 0.0999, and where a digit is too much
    return abs(a - b) <= UNITS * min(units) and ("." in one or "e" in one)


def unit(text: str) -> float:
    """What the last digit of a number counts: 0.01 for `3.14`."""
    digits, _, power = text.replace(",", "").partition("e")
    return 10.0 ** (int(power or 0) - len(digits.partition(".")[2]))
