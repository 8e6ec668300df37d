"""The rooms of tfx_cli are used from above.  That no two files want each other: tests/test_architecture.py."""

from __future__ import annotations

from tests.import_graph import import_graph

#: A room uses those on lower floors and its own files.  What stands beside the rooms has its own name here.
FLOORS = {
    "tfx_cli": 0,
    "tfx_cli.options": 0,
    "tfx_cli.find_lessons": 0,
    "tfx_cli.command_table": 0,
    "tfx_cli.terminal": 1,
    "tfx_cli.words": 1,
    "tfx_cli.usage": 2,
    "tfx_cli.learner": 2,
    "tfx_cli.diagnosis": 3,
    "tfx_cli.render": 2,
    "tfx_cli.errors": 3,
    "tfx_cli.completion": 4,
    "tfx_cli.how_long": 5,
    "tfx_cli.measurement": 6,
    "tfx_cli.notebook": 3,
    "tfx_cli.quizzing": 4,
    "tfx_cli.interviewing": 5,
    "tfx_cli.exporting": 5,
    "tfx_cli.training": 4,
    "tfx_cli.explaining": 4,
    "tfx_cli.practice": 4,
    "tfx_cli.commands": 7,
    "tfx_cli.make_picture": 7,
    "tfx_cli.make_weights": 7,
    "tfx_cli.app": 8,
    "tfx_cli.__main__": 9,
}


def arrows() -> dict[str, set[str]]:
    """Module -> modules of tfx_cli that it imports, at its top or inside a function or for types only."""
    ours = {module for module in import_graph() if room_of(module).startswith("tfx_cli")}
    return {module: set(wanted & ours) for module, wanted in import_graph().items() if module in ours}


def room_of(module: str) -> str:
    """`tfx_cli.render.pages.help` -> `tfx_cli.render`"""
    return ".".join(module.split(".")[:2])


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
