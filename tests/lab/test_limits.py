"""Every setting of every topic, experiment and benchmark has limits, and at each limit the machine can hold the run.

A new topic, experiment or benchmark is looked at by itself.  The runs are marked slow: each has 4 GiB of address space,
and ends within two and a half minutes of work or is refused with its estimate.
"""

from __future__ import annotations

import dataclasses
import math
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import pytest

from lessons.course import lesson_of, topics
from tests.cli.running import LAUNCH, environment
from tfx.bench import bench_module, benchmarks
from tfx.bench.ladders import PARTS, ladder
from tfx.errors import BadInput
from tfx.lab import experiment_module, experiments
from tfx.settings import MOST_VALUES, as_typed, check_settings

GIB = 2**30
MEMORY, SECONDS = 4 * GIB, 150

COMMANDS: dict[str, Any] = {
    **{f"explain {topic.name}": lesson_of(topic).settings() for topic in topics()},
    **{f"experiment {name}": experiment_module(name).Settings() for name in experiments()},
    **{f"bench {name}": bench_module(name).Settings() for name in benchmarks() if name != "ladder"},
    **{f"bench ladder {part}": bench_module("ladder").Settings(part=part) for part in PARTS},
}
#: Numbers that count what a model has; the lesson refuses those above, whatever they are.
COUNTED = {("explain attention-scaled-dot-product", "layer"), ("explain attention-scaled-dot-product", "head")}
#: What a setting needs of another one at its upper limit.
TOGETHER = {
    ("experiment masking", "pads"): "tokens=64",
    ("experiment rare-facts", "sizes"): "facts=10000000",
}


def numbers(defaults: Any) -> Iterator[tuple[dataclasses.Field[Any], type]]:
    """The settings that are a number, or numbers joined by commas, and of which type."""
    hints = get_type_hints(type(defaults))
    for field in dataclasses.fields(defaults):
        kinds = {hints[field.name], *get_args(hints[field.name])}
        kind = float if float in kinds else int if int in kinds else None
        if kind and not field.metadata.get("words"):
            yield field, kind


@pytest.mark.parametrize("command", COMMANDS)
def test_every_number_has_two_ends_and_every_setting_says_what_it_is(command):
    for field in dataclasses.fields(COMMANDS[command]):
        assert field.metadata and field.metadata["about"], f"{field.name} of {command} is no declared setting"
    for field, kind in numbers(COMMANDS[command]):
        low, high, infinite = (field.metadata[key] for key in ("low", "high", "infinite"))
        if (command, field.name) not in COUNTED:
            assert math.isfinite(high) and (math.isfinite(low) or (infinite and kind is float)), field.name


@pytest.mark.parametrize(("command", "name"), sorted(COUNTED))
def test_what_counts_the_parts_of_a_model_is_refused_above(command, name, tfx):
    ran = tfx(*command.split(), "--set", f"{name}=1000000000")
    assert ran.code == 2 and ran.err.startswith(f"tfx: there is no {name} 1000000000: this model has ")


@pytest.mark.parametrize("command", COMMANDS)
def test_what_grows_with_a_number_is_estimated(command):
    """All upper ends together are small, or refused with what they need; experiments and benchmarks always say it."""
    defaults = COMMANDS[command]
    sizes = [field for field, kind in numbers(defaults) if kind is int and (command, field.name) not in COUNTED]
    ends = {field.name: end_of(command, field, defaults) for field in sizes}
    largest = dataclasses.replace(defaults, **{name: end for name, end in ends.items() if name != "heads"})
    needed = largest.bytes_needed() if hasattr(largest, "bytes_needed") else None
    assert needed is not None or command.startswith("explain") or not sizes, "say what it needs, however little"
    assert needed is None or needed > 0


@pytest.mark.parametrize("command", COMMANDS)
def test_no_setting_takes_more_values_than_can_be_worked_off(command):
    for field, _ in numbers(COMMANDS[command]):
        if isinstance(getattr(COMMANDS[command], field.name), tuple):
            many = getattr(COMMANDS[command], field.name) * (MOST_VALUES + 1)
            with pytest.raises(BadInput):
                check_settings(dataclasses.replace(COMMANDS[command], **{field.name: many}))


def end_of(command: str, field: dataclasses.Field[Any], defaults: Any) -> Any:
    """The upper end, as the setting has it: for several numbers with as many others as are needed."""
    high = field.metadata["high"]
    if command.startswith("bench ladder") and field.name == "size":
        high = min(high, ladder(defaults.part).sizes.most)
    value = getattr(defaults, field.name)
    if not isinstance(value, tuple):
        return high
    return (*[one for one in value if one != high][: max(len(value) - 1, 0)], high)


def runs() -> Iterator[tuple[str, str]]:
    """(command, `name=value` and what goes with it) for every number at its upper end."""
    for command, defaults in COMMANDS.items():
        for field, kind in numbers(defaults):
            if (command, field.name) in COUNTED:
                continue
            end = end_of(command, field, defaults)
            whole = tuple(map(kind, end)) if isinstance(end, tuple) else kind(end)
            pairs = [f"{field.name}={as_typed(whole)}", *filter(None, [TOGETHER.get((command, field.name))])]
            if field.name == "d_model" and hasattr(defaults, "heads"):
                pairs.append("heads=1")
            yield command, " ".join(pairs)


@pytest.mark.slow
@pytest.mark.parametrize(("command", "pairs"), list(runs()))
def test_at_its_upper_end_each_setting_ends_in_time_or_is_refused_with_its_estimate(command, pairs, tmp_path):
    words = [*command.split(), "--plain", *(word for pair in pairs.split() for word in ("--set", pair))]

    def within() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        os.nice(10)

    done = subprocess.run(
        [sys.executable, "-c", LAUNCH, *words],
        env=environment(tmp_path), cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        preexec_fn=within,
    )  # fmt: skip
    assert "Warning" not in done.stderr and "Traceback" not in done.stderr, done.stderr
    if done.returncode == 2:
        told = done.stderr
        assert any(words in told for words in ("settings need about", "settings take about", " must ", "needs ")), told
    else:
        assert done.returncode in (0, 1), (done.returncode, done.stderr)
