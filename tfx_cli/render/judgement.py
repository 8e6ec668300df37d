"""Whether what an experiment claims holds, in one sentence over its checks."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tfx.records import Check
from tfx_cli.render.number_text import is_number


def holding(checks: Sequence[Check], claimed: bool) -> str:
    """`It holds: 6 checks, the closest at 53% of its limit.`, of checks that all hold; where nothing is claimed, they
    alone do."""
    shares = [share for check in checks if (share := share_of_limit(check)) is not None]
    far = f", the closest at {max(shares):.0%} of its limit" if shares and max(shares) >= 0.005 else ""
    if claimed:
        return f"It holds: {counted(len(checks))}{far}."
    return f"{holds(len(checks))}{far}."


def failing(checks: Sequence[Check]) -> str:
    """`It does not hold here: 2 of 6 checks fail.`, or nothing."""
    fails = sum(not check.holds for check in checks)
    return f"It does not hold here: {fails} of {counted(len(checks))} fail{'s' * (fails == 1)}." if fails else ""


def others_hold(number: int) -> str:
    """What is said under the checks that fail, of the others."""
    return f"The other {holds(number)}." if number else ""


def holds(number: int) -> str:
    return f"{counted(number)} hold{'s' * (number == 1)}"


def counted(number: int) -> str:
    return f"{number} check{'' if number == 1 else 's'}"


def share_of_limit(check: Check) -> float | None:
    """How much of what is allowed was used up, from 0 to 1; None where nothing is allowed, or words are compared."""
    measured, expected = check.measured, check.expected
    if not is_number(measured):
        return None
    measured = float(measured)
    if is_number(expected):
        tolerance = float(check.tolerance) if is_number(check.tolerance) else 0.0
        return abs(measured - float(expected)) / tolerance if tolerance > 0 else None
    if bound := re.fullmatch(r"([<>])= (\S+)", str(expected)):
        near, far = (measured, float(bound[2])) if bound[1] == "<" else (float(bound[2]), measured)
        if near * far <= 0:  # zero lies between them: nothing to take a share of
            return 0.0 if near <= far else None
        return near / far if far > 0 else far / near
    if ends := re.fullmatch(r"(\S+) \.\. (\S+)", str(expected)):
        low, high = float(ends[1]), float(ends[2])
        return abs(2 * measured - low - high) / (high - low)
    return None
