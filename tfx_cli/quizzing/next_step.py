"""What to do next, and why.

1. A mistake in an exercise that has not passed since, the last one first: the step that clears it up, and when that has
   been seen, the questions about it.
2. Else a misconception that the reader's answers show: the topic and the step that clear it up.  The commonest of the
   last answers comes first, a recent one counts more.  It is settled when the step has been seen since, or the question
   has been answered rightly.
3. Else what is due, when that fills a round of `tfx quiz`.
4. Else a topic that is not done and whose prerequisites are: the one that was begun last, or the first of the course.
5. When all are done: the weakest topic, by its share of right answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfx.errors import many
from tfx_cli.learner.answers import Answer
from tfx_cli.learner.called_cards import Called
from tfx_cli.learner.path import next_topic
from tfx_cli.learner.progress import NOTHING, Progress
from tfx_cli.learner.scores import topic_scores, weakest
from tfx_cli.learner.seen_steps import SeenStep

if TYPE_CHECKING:
    from lessons.course import Topic
    from lessons.quiz import Item

#: so many of the last answers are looked at, and an answer counts half as much as one that is so many answers younger
RECENT, HALVED_AFTER = 50, 10
#: "variance for deviation": one thing was taken for another
TAKEN_FOR = re.compile(r"(?!.*\b(?:is|are|has|have|taken|same|wrong)\b)\w+(?: \w+)? for \w+(?: \w+)?")
#: with this share of right answers a topic needs no second look
KNOWN = 0.8
#: so many cards make a round
A_ROUND = 10


@dataclass(frozen=True)
class NextStep:
    """title: of a topic, or what to do; reason: one sentence without a full stop.

    topic: the one that it is about, if any; skipped_by: the command by which the reader can leave it out.
    """

    title: str
    command: str
    reason: str
    topic: Topic | None = None
    skipped_by: str = ""


@dataclass(frozen=True)
class Mistake:
    """A misconception, how often it was met, and the item where it was met last."""

    misconception: str
    count: int
    item: Item

    @property
    def command(self) -> str:
        from tfx_cli.quizzing.round import where_to_see

        return where_to_see(self.item)

    @property
    def words(self) -> str:
        """`you took variance for deviation twice; step the_sum clears it up`"""
        often = {1: "once", 2: "twice"}.get(self.count, f"{self.count} times")
        taken = TAKEN_FOR.fullmatch(self.misconception)
        met = f"you took {self.misconception} {often}" if taken else f"{often} in your answers: {self.misconception}"
        return f"{met}; {f'step {self.item.see}' if self.item.see else 'this topic'} clears it up"


def next_step(
    topics: Sequence[Topic], reached: Mapping[str, Progress], log: Sequence[Answer], seen: Sequence[SeenStep],
    waiting: int = 0, calling: Sequence[Called] = (),
) -> NextStep:  # fmt: skip
    """topics: of the whole course, in order.  log: all answers, oldest first; seen: all steps that were seen, oldest
    first; waiting: cards that are due; calling: those that a mistake in an exercise calls up, oldest first."""
    called_for = _after_a_mistake(topics, calling, seen)
    if called_for is not None:
        return called_for
    done = {name for name, progress in reached.items() if progress.done}
    following = next_topic(topics, done, [step.topic for step in seen])
    mistake = next(mistakes(topics, log, seen), None) if following else None
    if mistake is not None:
        topic = next(topic for topic in topics if topic.name == mistake.item.explained_by)
        return NextStep(topic.title, mistake.command, mistake.words, topic)
    if waiting >= A_ROUND:
        reason = f"{waiting} cards are due, and what is not asked again is forgotten first"
        return NextStep("Keep what you learned", "tfx quiz --due", reason, following)
    if following is None:
        return _after_the_last(topics, log, seen)
    begun = reached.get(following.name, NOTHING).seen
    skip = "" if begun else f"tfx quiz {following.name} --test-out"
    return NextStep(
        following.title, f"tfx explain {following.name}", _reason(following, topics, reached, done), following, skip
    )


def _after_a_mistake(topics: Sequence[Topic], calling: Sequence[Called], seen: Sequence[SeenStep]) -> NextStep | None:
    """The step about the last mistake in an exercise, or the questions about it when it has been seen since."""
    by_name = {topic.name: topic for topic in topics}
    for last in {line.mistake: line for line in reversed(calling) if line.topic in by_name}.values():
        topic, made = by_name[last.topic], f"in your {last.exercise}: {last.says}"
        if not any(step.topic == last.topic and last.step in ("", step.step) and step.at > last.at for step in seen):
            where = f"step {last.step}" if last.step else "this topic"
            return NextStep(topic.title, last.command, f"{made}; {where} clears it up", topic)
        asked = sum(line.mistake == last.mistake and bool(line.item) for line in calling)
        if asked:
            reason = f"{made}; {many(asked, 'question')} about it {'is' if asked == 1 else 'are'} due"
            return NextStep("Questions about a mistake of yours", "tfx quiz", reason, topic)
    return None


def mistakes(topics: Sequence[Topic], log: Sequence[Answer], seen: Sequence[SeenStep]) -> Iterator[Mistake]:
    """The misconceptions of the last answers that are not settled, the weightiest first."""
    from lessons.decks import DECKS
    from lessons.quiz import topic_items

    by_name = {topic.name: topic for topic in (*topics, *DECKS)}
    latest = {answer.item: answer for answer in log}
    weights: dict[str, float] = {}
    met: dict[str, list[Answer]] = {}
    for age, answer in enumerate(reversed(log[-RECENT:])):
        if answer.misconception and not latest[answer.item].correct and answer.item.split("/")[0] in by_name:
            weight = 0.5 ** (age / HALVED_AFTER)
            weights[answer.misconception] = weights.get(answer.misconception, 0.0) + weight
            met.setdefault(answer.misconception, []).append(answer)
    for name in sorted(weights, key=lambda name: -weights[name]):
        last = met[name][0]
        items = topic_items(by_name[last.item.split("/")[0]])
        item = next((item for item in items if item.id == last.item), None)
        if item is not None and not any(_settles(step, item, last) for step in seen):
            yield Mistake(name, len(met[name]), item)


def _settles(step: SeenStep, item: Item, last: Answer) -> bool:
    """Whether the step that clears the mistake up was seen after it; any step of the topic where none is named."""
    return step.topic == item.explained_by and item.see in ("", step.step) and step.at > last.at


def _after_the_last(topics: Sequence[Topic], log: Sequence[Answer], seen: Sequence[SeenStep]) -> NextStep:
    from lessons.quiz_ids import item_ids

    weak = weakest(topic_scores({item: topic.name for topic in topics for item in item_ids(topic)}, log))
    if weak is None:
        return NextStep("Answer questions", "tfx quiz", "every topic is seen, and no question is answered yet")
    title = next(topic.title for topic in topics if topic.name == weak.topic)
    if weak.share >= KNOWN:
        reason = f"every topic is seen; the weakest, {title}, is at {weak.words}"
        return NextStep("Say it aloud", "tfx quiz --interview", reason)
    own = next((found for found in mistakes(topics, log, seen) if found.item.topic == weak.topic), None)
    reason = f"your weakest topic, {weak.words}"
    if own is None:
        return NextStep(title, f"tfx explain {weak.topic}", reason)
    return NextStep(title, own.command, f"{reason}: {own.words}")


def _reason(topic: Topic, topics: Sequence[Topic], reached: Mapping[str, Progress], done: set[str]) -> str:
    """Why this topic comes next."""
    progress = reached.get(topic.name, NOTHING)
    if progress.seen:
        return f"{progress.words} steps so far"
    titles = [other.title for other in topics if other.name in topic.after and other.name in done]
    if titles:
        return f"builds on {' and '.join(titles)}, which you have seen"
    return "needs no other topic first" if done else "the course starts here"
