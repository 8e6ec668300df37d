"""Items that tests of the linter make up."""

from __future__ import annotations

from lessons.quiz import Item, Kind, Option

WHY = "A reason in a whole sentence."


def item(kind: Kind, options: tuple[Option, ...] = (), **fields) -> Item:
    named = {"id": "faulty/one", "prompt": "Which of these holds? Mark all.", "explain": "Because of that.", **fields}
    return Item(topic="faulty", kind=kind, level=1, questions=("002-q03",), options=options, **named)


def choice(right: str, *wrong: str, **fields) -> Item:
    others = [Option(text, misconception=f"mistake {n}", why=WHY) for n, text in enumerate(wrong)]
    return item("choice", (Option(right, correct=True), *others), **fields)


def computed(name: str, prompt: str = "What is twice {n}?", kind: Kind = "number", **fields) -> Item:
    return item(
        kind, prompt=prompt, compute=name, package="tests.quiz.faulty_topic", explain="It is {answer}.", **fields
    )


def several(right: int, wrong: int, **fields) -> Item:
    options = [Option(f"Right {n}", correct=True) for n in range(right)]
    options += [Option(f"Wrong {n}", misconception=f"mistake {n}", why=WHY) for n in range(wrong)]
    return item("several", tuple(options), **fields)
