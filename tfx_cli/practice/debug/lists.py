"""Lists of debug: programs, families with what was fixed, puzzles that were begun; and the bugs that hide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfx_cli.options import Face
from tfx_cli.practice.debug import puzzles
from tfx_cli.render.show import show_document, show_groups
from tfx_cli.terminal.lines import show_line

if TYPE_CHECKING:
    from tfx_cli.practice.debug.puzzles import Begun


def families_ended(begun: dict[str, Begun]) -> set[str]:
    """Of all bugs that were found or fixed.  A puzzle of a program that is no longer there counts for nothing."""
    from lessons.practice.debug.planting import NAME, puzzle_named
    from lessons.practice.debug.program import FAMILIES, programs
    from tfx.errors import BadInput

    ended: set[str] = set()
    for one in begun.values():
        known = NAME.fullmatch(one.name)
        if not one.ended:
            continue
        if one.way == "mine":
            ended |= {one.planted.partition("/")[0]} & FAMILIES.keys()
        elif known and known[1] in programs():
            try:
                ended |= {bug.family for bug in puzzle_named(one.name).bugs}
            except BadInput:  # its program has fewer bugs than it had
                continue
    return ended


def show_all(face: Face) -> None:
    """Families, programs, and what was begun."""
    from lessons.practice.debug.planting import MINUTES, READABLE
    from lessons.practice.debug.program import FAMILIES, programs

    begun, known = puzzles.begun(), programs()
    ended = families_ended(begun)
    bugs = [bug for program in known.values() for bug in program.bugs]
    counts = {family: sum(bug.family == family for bug in bugs) for family in FAMILIES}
    if face is Face.json:
        show_document({
            "families": [
                {"name": name, "about": about, "bugs": counts[name], "fixed": name in ended}
                for name, about in FAMILIES.items()
            ],
            "programs": [
                {
                    "name": one.name, "title": one.title, "goal": one.goal, "lines": one.lines,
                    "readable": one.lines <= READABLE, "bugs": [bug.id for bug in one.bugs],
                    "questions": list(one.questions),
                }
                for one in known.values()
            ],
            "puzzles": [_document(one) for one in begun.values()],
        })  # fmt: skip
        return
    groups = {
        "families": {
            name: f"{'fixed' if name in ended else 'open '}  {counts[name]} bugs: {about}"
            for name, about in FAMILIES.items()
        },
        "programs": {one.name: f"{len(one.bugs)} bugs, {one.lines} lines. {one.title}" for one in known.values()},
    }
    groups["ways"] = {
        "read": f"{READABLE} lines at most, {MINUTES} minutes: name the line, or mend it",
        "symptoms": "ask it for its loss, its gradients, what a later token moves; then mend it",
        "mine": "in a copy of an exercise that you have passed",
    }
    if begun:
        groups["yours"] = {one.name: f"{one.word}   {one.path}" for one in begun.values()}
    title = f"Debug: {len(bugs)} bugs, {len(ended)} of {len(FAMILIES)} families fixed"
    show_groups(title, groups, "begin one: tfx practice debug start   such as --way mine, --family mask", face)


def _document(one: Begun) -> dict[str, Any]:
    return {"name": one.name, "file": str(one.path), "way": one.way, "state": one.word, "ended": one.ended or None}


def show_hidden(face: Face) -> None:
    """The bugs that move nothing so far that it could be seen: what was measured, right and with the bug."""
    from lessons.practice.debug.program import programs
    from lessons.practice.debug.proving import measured_of_hidden
    from tfx_cli.practice.debug.page import measured_document, measured_line, told
    from tfx_cli.render.terminal_lists import put_bold
    from tfx_cli.render.wrapping import wrapped
    from tfx_cli.terminal.console import prose_width

    found = [
        (bug, measured_of_hidden(program, bug)) for program in programs().values() for bug in program.every if bug.hides
    ]
    if face is Face.json:
        show_document({
            "hidden": [
                {"id": bug.id, "family": bug.family, "says": bug.says, "why": bug.why,
                 "measured": [measured_document(one) for one in rows]}
                for bug, rows in found
            ]
        })  # fmt: skip
        return
    if face is Face.plain:
        for bug, rows in found:
            for one in rows:
                show_line(f"{bug.id}\t{one.question}\t{one.row}\t{told(one.right)}\t{told(one.got)}")
        return
    put_bold([f"Bugs that hide: {len(found)}"])
    about = (
        "None of them moves a loss or a gradient's norm by a factor of 4, or an entropy by a quarter, so that nobody "
        "would see it without the right program; each fails a gradient check, or a comparison with outputs known to be "
        "right. They are never planted."
    )
    for line in ["", *wrapped(about, prose_width())]:
        show_line(line)
    for bug, rows in found:
        show_line()
        for line in wrapped(f"{bug.id}: {bug.says}", prose_width()):
            show_line(line)
        for one in rows:
            for line in wrapped(measured_line(one), prose_width() - 2):
                show_line(f"  {line}")
