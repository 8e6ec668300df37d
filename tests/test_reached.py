"""Whatever is in the library is shown to somebody: by a command, a lesson, an experiment, a benchmark or the checker.

What nothing reaches stands in unreached.toml, with the topic that will.  `pytest -s tests/test_reached.py` prints it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

from lessons.course import topics
from tests.import_graph import ROOT, definers, modules, reached, users_of_names
from tfx.bench import bench_module, benchmarks
from tfx.lab import experiment_module, experiments

REASONS = tomllib.loads((ROOT / "tests" / "unreached.toml").read_text(encoding="utf-8"))

#: Rooms that are reached as they are: the commands, the course, the ledger, the checker with all its cases, the ladders
#: and the short forms of what lessons show.
SHOWN = ("tfx_cli", "lessons", "tfx.claims", "tfx.gradcheck", "tfx.bench.ladders", "tfx.short_forms")


def roots() -> Iterator[str]:
    for module in modules():
        if module == "tfx.__main__" or any(module == room or module.startswith(room + ".") for room in SHOWN):
            yield module
    yield from (experiment_module(name).__name__ for name in experiments())
    yield from (bench_module(name).__name__ for name in benchmarks())
    for path in sorted((ROOT / "lessons").rglob("*")):  # the text of a lesson names the code that it shows
        if path.suffix in (".md", ".toml"):
            for name in re.findall(r"\btfx(?:\.\w+)+", path.read_text(encoding="utf-8")):
                yield from definers(name)


def unreached() -> list[str]:
    found = reached(users_of_names(), roots())
    packages = {module for module, path in modules().items() if path.name == "__init__.py"}
    return [module for module in modules() if module not in found and module not in packages]


def test_what_nothing_reaches_has_a_reason():
    found, topic_of, reason_of = unreached(), REASONS["topics"], REASONS["reasons"]
    print(f"\n{len(found)} of {len(modules())} modules are reached by nothing that is shown:")
    for module in found:
        print(f"  {module:<45} {topic_of.get(module) or reason_of.get(module, '')}")
    missing = [module for module in found if module not in topic_of and module not in reason_of]
    assert not missing, f"show it, delete it, or give a reason in tests/unreached.toml: {missing}"


def test_no_reason_is_for_a_module_that_is_reached_or_gone():
    found = set(unreached())
    stale = [module for table in REASONS.values() for module in table if module not in found]
    assert not stale, f"take these out of tests/unreached.toml: {stale}"
    twice = REASONS["topics"].keys() & REASONS["reasons"].keys()
    assert not twice, f"a topic or a reason, not both: {sorted(twice)}"


def test_no_module_waits_for_a_topic_that_is_there():
    there = {topic.name for topic in topics()}
    waiting = [f"{module}: {topic}" for module, topic in REASONS["topics"].items() if topic in there]
    assert not waiting, f"the topic is written and does not use it; name another one, or a reason: {waiting}"
    odd = [name for name in REASONS["topics"].values() if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)]
    assert not odd, f"a topic is named like attention-shapes: {odd}"


def test_a_package_that_passes_names_on_reaches_nothing_by_that():
    assert list(definers("tfx.train.distilled_labelling_loss")) == ["tfx.train.distillation"]
    assert list(definers("tfx.ops.basics.softmax.softmax_forward")) == ["tfx.ops.basics.softmax"]
    assert list(definers("numpy.linalg")) == []
    graph = {"a": frozenset({"b"}), "b": frozenset({"a"}), "room": frozenset(), "room.c": frozenset({"a"})}
    assert reached(graph, ["a"]) == {"a", "b"}
    assert reached(graph, ["room.c"]) == {"room", "room.c", "a", "b"}
