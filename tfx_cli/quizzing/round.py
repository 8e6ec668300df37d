"""A round: the questions asked, and every answer judged and written down at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lessons.grading import Asked, Verdict, ask, grade, item_seed
from lessons.quiz import Item, all_items, topic_items
from tfx.errors import BadInput
from tfx_cli.learner.answers import Answer
from tfx_cli.learner.path import nearness
from tfx_cli.learner.progress import progress
from tfx_cli.learner.scheduling import pick, rating
from tfx_cli.learner.state import State
from tfx_cli.quizzing.mixing import by_turns, mixed
from tfx_cli.quizzing.testing_out import drawn

FRESH_SEEDS = 2**31
NOWHERE: Mapping[str, int] = {}


@dataclass(frozen=True)
class Wish:
    """What the reader wants to be asked.  test_out: a test of the topic, in the place of a round.  ahead: also what is
    not due yet, because it was asked for by name."""

    topic: str | None = None
    count: int = 10
    level: int | None = None
    only_due: bool = False
    seed: int | None = None
    test_out: bool = False

    @property
    def ahead(self) -> bool:
        return not self.only_due and self.topic is not None


@dataclass(frozen=True)
class Asking:
    """One question of a round, and what became of it; verdict and due are None until it is answered."""

    asked: Asked
    verdict: Verdict | None = None
    due: datetime | None = None


def items_for(wish: Wish) -> tuple[Item, ...]:
    """The items that fit the wish, in course order, decks last.  Raises BadInput when there are none at all."""
    if wish.topic is None:
        items, where = all_items(), "the course"
    else:
        from lessons.decks import find_deck_or_topic

        topic = find_deck_or_topic(wish.topic)
        items, where = tuple(sorted(topic_items(topic), key=lambda item: item.level)), topic.name
    fitting = tuple(item for item in items if wish.level in (None, item.level))
    if not fitting:
        level = f" of level {wish.level}" if wish.level is not None else ""
        raise BadInput(f"{where} has no quiz item{level}.", "All items: tfx quiz")
    return fitting


def questions(
    wish: Wish, items: Sequence[Item], due: Mapping[str, datetime], now: datetime, seed: int,
    near: Mapping[str, int] = NOWHERE, called: Collection[str] = (),
) -> list[Asked]:  # fmt: skip
    """Draws the round's questions.  Equal seed and equal history give equal questions.

    near: how near each topic is to the reader, see `learner.path.nearness`.  called: ids of the questions that a
    mistake in an exercise calls up, which come first.
    """
    if wish.test_out:
        chosen = drawn(items[0].topic, items, seed)
    else:
        chosen = pick(by_turns(items, due, near), due, now, wish.count, wish.only_due, wish.ahead, called)
        chosen = mixed(chosen, due, now, called) if wish.topic is None else chosen
    return [ask(item, item_seed(seed, item.id)) for item in chosen]


def questions_for(state: State, wish: Wish, items: Sequence[Item], seed: int) -> list[Asked]:
    """The same for the reader whose history this is."""
    from lessons.course import topics

    near = nearness(topics(), progress(state)) if wish.topic is None else NOWHERE
    called = {line.item for line in state.calling()}
    return questions(wish, items, state.due(), datetime.now(UTC), seed, near, called)


def fresh_seed() -> int:
    """A seed for a reader who named none."""
    import secrets

    return secrets.randbelow(FRESH_SEEDS)


def settle(state: State, asked: Asked, text: str, seconds: float | None = None) -> Asking:
    """Judges an answer and writes it down before anything is shown.  Raises Unreadable when it is none."""
    verdict = grade(asked, text)
    answer = Answer(
        item=asked.item.id,
        seed=asked.seed,
        given=verdict.given,
        correct=verdict.correct,
        score=float(verdict.score),
        rating=rating(verdict.correct, verdict.score),
        misconception=verdict.misconception,
        at=datetime.now(UTC),
        seconds=seconds,
    )
    return Asking(asked, verdict, state.record_answer(answer))


def where_to_see(item: Item) -> str:
    """The command that shows what the item is about."""
    return f"tfx explain {item.explained_by}" + (f" --step {item.see}" if item.see else "")


def as_document(asking: Asking) -> dict[str, Any]:
    """One question for JSON.  The answer and the reasons are told only once it was answered."""
    asked, verdict = asking.asked, asking.verdict
    item = asked.item
    fields: dict[str, Any] = {
        "id": item.id,
        "topic": item.topic,
        "kind": item.kind,
        "level": item.level,
        "seed": asked.seed,
        "prompt": asked.prompt,
        "options": list(asked.choices) or None,
        "see": where_to_see(item),
    }
    judged = dict.fromkeys(
        ("given", "correct", "score", "answer", "misconception", "why", "explain", "next_review"), None
    )
    if verdict is not None and asking.due is not None:
        judged = {
            "given": verdict.given,
            "correct": verdict.correct,
            "score": verdict.score,
            "answer": verdict.answer,
            "misconception": verdict.misconception or None,
            "why": verdict.why or None,
            "explain": verdict.explain,
            "next_review": asking.due.isoformat(timespec="seconds"),
        }
    return {**fields, **judged}
