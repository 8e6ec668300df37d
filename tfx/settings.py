"""Settings of topics, experiments and benchmarks: a frozen dataclass whose fields say what they allow and mean.

    @dataclass(frozen=True)
    class Settings:
        d_k: int = setting(64, 2, 65_536, "width of a query")
        kinds: tuple[str, ...] = setting(("raw", "scaled"), words=("raw", "scaled"), about="what is measured")

`--set`, its check, the nearest allowed value and `--set help` are all read from these lines.  Two methods may be
added: `check(self)` raises BadInput for what no single field can say, and `bytes_needed(self)` estimates the memory
that the settings ask for, so that what the machine cannot hold is refused before it is tried.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from tfx.errors import BadInput, unknown_name
from tfx.free_memory import free_memory

S = TypeVar("S")

#: The share of the free memory that settings may ask for.
SHARE_OF_MEMORY = 0.5
#: So many values may be joined by commas.
MOST_VALUES = 100


def setting(
    default: Any,
    low: float = -math.inf,
    high: float = math.inf,
    about: str = "",
    *,
    words: Sequence[Any] = (),
    at_least: int = 1,
    infinite: bool = False,
) -> Any:
    """A field of a settings dataclass.  low, high: the range of a number, or of each number of a tuple.

    words: the allowed values, when they can be listed.  at_least: how many different values a tuple needs.
    infinite: whether an end of the range that is infinite may be reached.
    """
    declared = {
        "low": low,
        "high": high,
        "about": about,
        "words": tuple(words),
        "at_least": at_least,
        "infinite": infinite,
    }
    return dataclasses.field(default=default, metadata=declared)


class Described(NamedTuple):
    """One line of `--set help`.  default and allowed as they would be typed or said."""

    name: str
    default: str
    allowed: str
    about: str


def describe(defaults: Any) -> tuple[Described, ...]:
    """Every setting with its default, what is allowed and what it means."""
    hints = typing.get_type_hints(type(defaults))
    found = []
    for field in dataclasses.fields(defaults):
        declared = _declaration(field)
        found.append(
            Described(
                field.name,
                as_typed(getattr(defaults, field.name)),
                _allowed(hints[field.name], declared),
                declared["about"],
            )
        )
    return tuple(found)


def as_typed(value: Any) -> str:
    """A value as it would stand behind `--set name=`."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ",".join(map(as_typed, value))
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return "none" if value is None else str(value)


def changed(settings: Any) -> dict[str, str]:
    """The settings that differ from their defaults, as they would be typed: what a suggestion has to carry along."""
    return {
        field.name: as_typed(getattr(settings, field.name))
        for field in dataclasses.fields(settings)
        if getattr(settings, field.name) != field.default
    }


def apply_settings(defaults: S, pairs: Iterable[str], see_all: str) -> S:
    """Returns `defaults` (a dataclass instance) with every `key=value` of `pairs` parsed by its field's type, checked.

    Types understood: bool, int, float, str, tuples of these, and `X | None` (`none`).
    Raises BadInput for an unknown key (with the nearest one), a missing `=`, a value that does not parse or that is
    out of range (with the nearest allowed one).
    """
    hints = typing.get_type_hints(type(defaults))
    known = [field.name for field in dataclasses.fields(defaults)]  # type: ignore[arg-type]
    changes: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        key = key.strip().replace("-", "_")
        if not equals:
            raise BadInput(f'--set needs key=value, but got "{pair}".', f"Settings here: {', '.join(known) or 'none'}")
        if key not in known:
            raise unknown_name("setting", key, known, see_all)
        try:
            changes[key] = parse_value(text.strip(), hints[key])
        except ValueError:
            wanted = type_name(hints[key])
            raise BadInput(f'--set {key} needs {wanted}, but got "{text}".', f"See all: {see_all}") from None
    settings = dataclasses.replace(defaults, **changes)  # type: ignore[type-var]
    check_settings(settings)
    return settings


def check_settings(settings: Any) -> None:
    """Raises BadInput for the first setting that is not allowed, and for sizes that the machine cannot hold."""
    for field in dataclasses.fields(settings):
        value, declared = getattr(settings, field.name), _declaration(field)
        values = value if isinstance(value, tuple) else (value,)
        if len(values) > MOST_VALUES:
            raise BadInput(
                f"{field.name} takes at most {MOST_VALUES} values, but has {len(values):,}.", "Leave some out."
            )
        for entry in values:
            _check_value(field, entry, value, declared)
        if isinstance(value, tuple) and len(set(value)) < declared["at_least"]:
            numbers = "one value" if declared["at_least"] == 1 else f"{declared['at_least']} different values"
            raise BadInput(
                f"{field.name} needs at least {numbers}.",
                f"Values are joined by commas: --set {field.name}={as_typed(field.default)}",
            )
    if hasattr(settings, "check"):
        settings.check()
    if hasattr(settings, "bytes_needed"):
        require_memory(settings.bytes_needed())


def _check_value(field: dataclasses.Field[Any], value: Any, whole: Any, declared: Mapping[str, Any]) -> None:
    """`value` is the whole of a setting, or one entry of it."""
    name = field.name
    if declared["words"]:
        if value not in declared["words"]:
            words = ", ".join(map(as_typed, declared["words"]))
            shown = f'"{value}"' if isinstance(value, str) else as_typed(value)
            raise BadInput(
                f"{name} must be one of {words}, but is {shown}.", f"Try: --set {name}={as_typed(declared['words'][0])}"
            )
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    low, high = declared["low"], declared["high"]
    if not low <= value <= high or (math.isinf(value) and not declared["infinite"]):
        nearest: Any = min(max(value, low), high)  # NaN stays NaN
        if not math.isfinite(nearest):
            nearest = field.default
        elif isinstance(whole, tuple):
            nearest = tuple(nearest if entry is value else entry for entry in whole)
        allowed = _range(low, high) or "a finite number"
        raise BadInput(f"{name} must be {allowed}, but is {_number(value)}.", f"Try: --set {name}={as_typed(nearest)}")


def require_divisor(name: str, value: int, whole_name: str, whole: int) -> None:
    """Raises BadInput unless the value divides the whole: heads a width."""
    if whole % value:
        raise BadInput(f"{name} must divide {whole_name}, but {value} does not divide {whole}.", f"Try: --set {name}=1")


def require_multiple(name: str, value: int, factor: int) -> None:
    """Raises BadInput unless the value is a multiple of the factor: a width of a number of heads."""
    if value % factor:
        nearest = factor * max(1, round(value / factor))
        raise BadInput(
            f"{name} must be a multiple of {factor}, but {value} is none.", f"Nearest: --set {name}={nearest}"
        )


def require_memory(needed: float) -> None:
    """Raises BadInput when `needed` bytes are more than half of what is free now."""
    free = free_memory()
    if free is not None and needed > SHARE_OF_MEMORY * free:
        raise BadInput(
            f"these settings need about {needed / 2**30:.1f} GiB of memory, and {free / 2**30:.1f} GiB are free; "
            "at most half of it is used.",
            "Choose smaller sizes; their ranges: --set help",
        )


def parse_value(text: str, hint: Any) -> Any:
    """Parses `text` as the type `hint`; raises ValueError when it does not fit."""
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        inner = [arg for arg in typing.get_args(hint) if arg is not type(None)]
        return None if text.lower() == "none" else parse_value(text, inner[0])
    if origin is tuple:
        return tuple(parse_value(part, typing.get_args(hint)[0]) for part in text.split(",") if part)
    if hint is bool:
        words = {
            "true": True,
            "yes": True,
            "on": True,
            "1": True,
            "false": False,
            "no": False,
            "off": False,
            "0": False,
        }
        if text.lower() not in words:
            raise ValueError(text)
        return words[text.lower()]
    return hint(text)


def up_to(values: tuple[int, ...], most: int, at_least: int) -> tuple[int, ...]:
    """The values not above `most`, when so many different ones are left, else all: what --quick tries."""
    short = tuple(value for value in values if value <= most)
    return short if len(set(short)) >= at_least else values


def type_name(hint: Any) -> str:
    """A reader's word for a type: `a whole number`, `numbers joined by commas`."""
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        return type_name(typing.get_args(hint)[0]) + " or none"
    if origin is tuple:
        return ("words" if typing.get_args(hint)[0] is str else "numbers") + " joined by commas"
    return {bool: "yes or no", int: "a whole number", float: "a number", str: "text"}.get(hint, "a value")


def _declaration(field: dataclasses.Field[Any]) -> Mapping[str, Any]:
    return field.metadata or {
        "low": -math.inf,
        "high": math.inf,
        "about": "",
        "words": (),
        "at_least": 1,
        "infinite": False,
    }


def _allowed(hint: Any, declared: Mapping[str, Any]) -> str:
    """`a whole number from 2 to 65,536`."""
    if declared["words"]:
        many = " joined by commas" if typing.get_origin(hint) is tuple else ""
        return (
            " or ".join(
                filter(None, (", ".join(map(as_typed, declared["words"][:-1])), as_typed(declared["words"][-1])))
            )
            + many
        )
    bounds = _range(declared["low"], declared["high"])
    name = type_name(hint)
    if not bounds:
        return name
    return name.replace(" or none", f" {bounds}, or none") if name.endswith(" or none") else f"{name} {bounds}"


def _range(low: float, high: float) -> str:
    if math.isinf(low) and math.isinf(high):
        return ""
    if math.isinf(high):
        return f"at least {_number(low)}"
    return f"at most {_number(high)}" if math.isinf(low) else f"from {_number(low)} to {_number(high)}"


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
