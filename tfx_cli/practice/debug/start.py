"""`tfx practice debug start`: draws a puzzle, makes its file, and says what to do with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tfx.errors import BadInput
from tfx_cli.options import Face
from tfx_cli.practice.actions import record
from tfx_cli.practice.debug import puzzles
from tfx_cli.practice.debug.options import Asked, Way
from tfx_cli.render.show import show_document
from tfx_cli.render.wrapping import wrapped
from tfx_cli.terminal.console import prose_width
from tfx_cli.terminal.lines import show_line

if TYPE_CHECKING:
    from lessons.practice.debug.planting import Puzzle


def start(name: str, asked: Asked, face: Face) -> None:
    """Makes the file of a puzzle, or names the one that is there."""
    from lessons.practice.debug.planting import MINUTES
    from tfx_cli.practice.debug.page import listing
    from tfx_cli.practice.workspace import source_at, written_once

    if asked.way is Way.mine:
        from tfx_cli.practice.debug import mine

        mine.start(name, asked.seed, asked.family, asked.bugs, face)
        return
    made = chosen(name, asked)
    way = asked.way or (Way.read if readable(made) else Way.symptoms)
    if way is Way.read and not readable(made):
        raise BadInput(
            f"{made.program.name} has {made.program.lines} lines, too many to read in {MINUTES} minutes.",
            f"Ask it for symptoms: tfx practice debug start {made.program.name} --way symptoms",
        )
    path = puzzles.file_named(made.name)
    new = written_once(path, made.source)
    record(puzzles.PREFIX + made.name, "started", way)
    until = datetime.now(UTC) + timedelta(minutes=MINUTES)
    if face is Face.json:
        show_document({
            "puzzle": made.name, "program": made.program.name, "file": str(path), "new": new, "way": way.value,
            "bugs": made.count, "until": until.isoformat(timespec="seconds") if way is Way.read else None,
            "questions": list(made.program.questions), "source": source_at(path),
        })  # fmt: skip
        return
    show_line(f"{path}: " + ("made for you." if new else "there already, and left as it is."))
    if way is Way.read:
        show_line()
        for line in listing(source_at(path)):
            show_line(line)
        show_line()
        for line in wrapped(
            f"clock   {MINUTES} minutes: until {until.astimezone():%H:%M}. Nothing stops you then.", prose_width()
        ):
            show_line(line)
        show_line(f"found   tfx practice debug check {made.name} --line N")
    else:
        show_line(f"bugs    {made.count}, in {made.program.lines} lines")
        first, *others = made.program.questions
        show_line(f"ask     tfx practice debug ask {first} {made.name}")
        for line in wrapped(f"or {', '.join(others)}", prose_width() - 8):
            show_line(f"        {line}")
    show_line(f"mend    edit the file, then tfx practice debug check {made.name}")
    show_line(f"stuck   tfx practice debug hint {made.name}")


def readable(puzzle: Puzzle) -> bool:
    from lessons.practice.debug.planting import READABLE

    return puzzle.program.lines <= READABLE


def chosen(name: str, asked: Asked) -> Puzzle:
    """The puzzle or the program that is named, else one that the seed draws; without a seed the first with no file."""
    from lessons.practice.debug.planting import NAME, known_family, program_drawn, puzzle, puzzle_named
    from lessons.practice.debug.program import find_program

    known_family(asked.family)
    if NAME.fullmatch(name):
        return puzzle_named(name)
    seed = 1 if asked.seed is None else asked.seed
    while True:
        drawn = find_program(name) if name else program_drawn(seed, asked.family, asked.way is Way.read, asked.bugs)
        made = puzzle(drawn, seed, asked.family, asked.bugs)
        if asked.seed is not None or not puzzles.file_named(made.name).exists():
            return made
        seed += 1
