"""`tfx practice list`: exercises and derivations with what became of them, all or those that are looked for."""

from __future__ import annotations

from tfx.errors import BadInput
from tfx_cli.options import Face
from tfx_cli.practice.actions import standings
from tfx_cli.practice.choosing import ONLY, found
from tfx_cli.render.show import show_document, show_list
from tfx_cli.terminal.lines import show_line


def show_all(query: str, only: str, face: Face) -> None:
    """only: "pending", "passed", or "" for both.  Derivations are there where no pack is in use."""
    from lessons.exercise_names import PACKED, listed
    from tfx_cli.practice.derive.progress import Kept, all_kept
    from tfx_cli.practice.derive.script import list_kept

    now, known = standings(), listed()
    left = found(known, now, query, only)
    every = all_kept() if PACKED.get() is None else {}
    derived: dict[str, Kept] = {}
    for name, kept in every.items():
        text = f"derive/{name} {kept.attempt.derivation.title}".lower()
        if kept.passed in ONLY[only] and all(word in text for word in query.lower().split()):
            derived[name] = kept
    if query and not left and not derived:
        of = f" of those that are {only}" if only else ""
        raise BadInput(f'no exercise{of} has "{query}" in its name, title or topic.', "See all: tfx practice list")
    if face is Face.json:
        from lessons.practice.exercise import exercises
        from tfx_cli.practice.derive.records import derivation_document
        from tfx_cli.practice.page import exercise_document

        documents = [exercise_document(exercises()[one.name], now[one.name]) for one in left]
        others = [derivation_document(one.attempt.derivation, one) for one in derived.values()]
        show_document({"exercises": documents, "derivations": others})
        return
    passed = sum(one.last == "passed" for one in now.values())
    entries = {one.name: f"{one.title}: {now[one.name].word}" for one in left}
    if left or not derived:
        show_list(f"Exercises, {passed} of {len(known)} passed", entries, "take one up: tfx practice NAME", face)
    if derived and face is Face.plain:
        for name, one in derived.items():
            show_line(f"derive/{name}\t{one.attempt.derivation.title}: {one.word}")
    elif derived:
        if left:
            show_line()
        list_kept(every, "begin one: tfx practice derive NAME", face, derived)
