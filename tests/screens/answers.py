"""What a quiz says to the right answer and to each wrong one that it knows: a sheet shows neither."""

from __future__ import annotations

from collections.abc import Iterator

from lessons.decks import find_deck_or_topic
from lessons.grading import Asked, ask, grade, show_shape
from lessons.quiz import topic_items

#: The first is shown in words; of the others only what is drawn, so that every number of a list comes up.
SEEDS = range(16)


def verdicts_on(topic: str) -> Iterator[str]:
    """Every item that does not grade itself, as its topic has it."""
    for item in topic_items(find_deck_or_topic(topic)):
        if item.kind == "open":
            continue
        asked = ask(item, SEEDS[0])
        yield from ("", f"{item.id}   {' '.join(asked.prompt.split())}")
        for text in typed(asked):
            verdict = grade(asked, text)
            yield f"  > {text}"
            yield f"    {'right' if verdict.correct else verdict.misconception or 'wrong'}: {verdict.why}".rstrip(": ")
        if asked.case is not None:
            for seed in SEEDS[1:]:
                case = ask(item, seed).case
                assert case is not None
                values = ", ".join(f"{name} = {value}" for name, value in case.values.items())
                wrong = ", ".join(shown(one.value) for one in case.wrong)
                yield f"  seed {seed}: {values}: {shown(case.answer)}, not {wrong}"


def typed(asked: Asked) -> Iterator[str]:
    """The right answer, and one for each misconception; of a choice every option by itself."""
    item, case = asked.item, asked.case
    if case is not None:
        yield from map(shown, (case.answer, *(wrong.value for wrong in case.wrong)))
    elif item.kind == "order":
        right = [asked.order.index(i) + 1 for i in range(len(item.steps))]
        yield " ".join(map(str, right))
        for mistake in item.mistakes:
            early = [place for place in right if place != right[mistake.puts - 1]]
            early.insert(mistake.before - 1, right[mistake.puts - 1])
            yield " ".join(map(str, early))
    else:
        yield from (str(place + 1) for place in range(len(item.options)))
        if item.kind == "several":
            yield " ".join(str(at + 1) for at, i in enumerate(asked.order) if item.options[i].correct)


def shown(value: float | tuple[int, ...]) -> str:
    return show_shape(value) if isinstance(value, tuple) else f"{value:.6g}"
