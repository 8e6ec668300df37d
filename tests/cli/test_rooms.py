"""The rooms of tfx_cli: no two files want each other, wherever in a file the import stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

from tests.test_architecture import imports_in, module_name, source_files

#: A room uses those on lower floors and its own files.  What stands beside the rooms has its own name here.
FLOORS = {
    "tfx_cli": 0,
    "tfx_cli.errors": 0,
    "tfx_cli.options": 0,
    "tfx_cli.find_lessons": 0,
    "tfx_cli.learner": 1,
    "tfx_cli.terminal": 1,
    "tfx_cli.diagnosis": 2,
    "tfx_cli.render": 2,
    "tfx_cli.measurement": 3,
    "tfx_cli.quizzing": 3,
    "tfx_cli.explaining.walk": 3,
    "tfx_cli.commands": 4,
    "tfx_cli.app": 5,
    "tfx_cli.__main__": 6,
}


def arrows() -> dict[str, set[str]]:
    """Module -> modules of tfx_cli that it imports, at its top or inside a function or for types only."""
    modules = {module_name(path): path for path in source_files("tfx_cli")}
    found: dict[str, set[str]] = {}
    for module, path in modules.items():
        names = {wanted.module for wanted in imports_in(path)}
        owners = {name if name in modules else name.rpartition(".")[0] for name in names}
        found[module] = (owners & modules.keys()) - {module}
    return found


def circles_in(graph: Mapping[str, Set[str]]) -> Iterator[frozenset[str]]:
    """Sets of modules each of which is reached from each other one."""
    reached = {module: reach(module, graph) for module in graph}
    seen: set[str] = set()
    for module in graph:
        circle = frozenset(other for other in reached[module] if module in reached[other])
        if circle and not circle & seen:
            seen |= circle
            yield circle


def reach(start: str, graph: Mapping[str, Set[str]]) -> set[str]:
    """Everything that `start` imports, itself or through others."""
    found: set[str] = set()
    ahead = list(graph[start])
    while ahead:
        module = ahead.pop()
        if module not in found:
            found.add(module)
            ahead += graph.get(module, ())
    return found


def room_of(module: str) -> str:
    """`tfx_cli.render.pages.help` -> `tfx_cli.render`"""
    return ".".join(module.split(".")[:2])


def test_no_two_files_of_the_command_line_want_each_other():
    assert set(circles_in(arrows())) == set()


def test_rooms_of_the_command_line_are_used_from_above():
    upward = {
        f"{module} imports {wanted}"
        for module, all_wanted in arrows().items()
        for wanted in all_wanted
        if room_of(module) != room_of(wanted) and FLOORS[room_of(module)] <= FLOORS[room_of(wanted)]
    }
    assert not upward, upward


def test_every_room_of_the_command_line_has_a_floor():
    rooms = {room_of(module) for module in arrows()}
    assert rooms == FLOORS.keys(), rooms ^ FLOORS.keys()


def test_a_circle_is_seen_however_long_and_an_arrow_down_is_none():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set()}
    assert list(circles_in(graph)) == [frozenset("abc")]
