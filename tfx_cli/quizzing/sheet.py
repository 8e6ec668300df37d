"""`tfx quiz --sheet N`: questions to print and hand out, and with --key their answers.  Nobody's history is touched."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import Any

from lessons.grading import Asked, ask, item_seed
from lessons.quiz import Item
from tfx_cli.options import Face
from tfx_cli.quizzing.page import Page
from tfx_cli.quizzing.round import Asking, Wish, items_for, where_to_see
from tfx_cli.render.show import show_document


def show_sheet(wish: Wish, count: int, with_key: bool, face: Face) -> None:
    """Prints `count` questions, and behind them the key.  Equal wishes give equal bytes; without a seed it is 0."""
    seed = 0 if wish.seed is None else wish.seed
    asked = [ask(item, item_seed(seed, item.id)) for item in spread(items_for(wish), count, seed)]
    if face is Face.json:
        fields: dict[str, Any] = {"seed": seed, "questions": [question_fields(n, one) for n, one in numbered(asked)]}
        show_document(fields | ({"key": [key_fields(n, one) for n, one in numbered(asked)]} if with_key else {}))
        return
    page = Page(plain=face is Face.plain)
    page.heading("Questions", seed)
    for number, question in numbered(asked):
        page.question(Asking(question), number, len(asked), streak=0)
    if with_key:
        page.heading("Key", seed)
        for number, question in numbered(asked):
            page.key(question, number, where_to_see(question.item))


def spread(items: Sequence[Item], count: int, seed: int) -> list[Item]:
    """`count` of the items: drawn by the seed, taken from all topics in turn, and then in the order of the course."""
    by_topic: dict[str, list[Item]] = {}
    for item in sorted(items, key=lambda item: item_seed(seed, item.id)):
        by_topic.setdefault(item.topic, []).append(item)
    turns = chain.from_iterable(zip_longest(*by_topic.values()))
    drawn = {item.id for item in [item for item in turns if item is not None][:count]}
    return [item for item in items if item.id in drawn]


def numbered(asked: Sequence[Asked]) -> list[tuple[int, Asked]]:
    return list(enumerate(asked, start=1))


def question_fields(number: int, asked: Asked) -> dict[str, Any]:
    """What a reader of the sheet sees."""
    item = asked.item
    shown = None if item.kind == "open" else list(asked.choices) or None
    return {"number": number, "id": item.id, "topic": item.topic, "kind": item.kind, "level": item.level,
            "prompt": asked.prompt, "options": shown}  # fmt: skip


def key_fields(number: int, asked: Asked) -> dict[str, Any]:
    """The answer, and why."""
    return {"number": number, "id": asked.item.id, "answer": asked.answer, "explain": asked.explain,
            "see": where_to_see(asked.item)}  # fmt: skip
