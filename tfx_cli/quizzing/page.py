"""How a question and its verdict look, on a terminal and as plain lines."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime

from lessons.grading import Asked
from tfx_cli.learner.scheduling import in_words
from tfx_cli.quizzing.outcome import Outcome
from tfx_cli.quizzing.round import Asking, where_to_see
from tfx_cli.render.plain import line
from tfx_cli.render.wrapping import printable, wrapped
from tfx_cli.terminal.console import output, prose_width

HOW = {
    "choice": "Answer with one number.",
    "several": "Answer with the numbers of all that are right, such as 1 3.",
    "number": "Answer with a number or an expression, such as 11.3, 1/8 or sqrt(128).",
    "shape": "Answer with a shape, such as (2, 4, 5, 5).",
    "order": "Answer with the numbers in the right order, such as 3 1 2.",
    "estimate": "Answer with a number and its unit, such as 14e9, 14 GB or 7 billion; within 10% is right.",
    "open": "Say it aloud or type it; Enter shows the points of a good answer.",
}
MARK = "Mark the points that you said, such as 1 3; or all, or none."


class Page:
    """Writes one round.  plain: one record a line, tab-separated, nothing wrapped."""

    def __init__(self, plain: bool) -> None:
        self.plain = plain
        self.console = None if plain else output()

    def question(self, asking: Asking, number: int, of: int, streak: int) -> None:
        """Header, prompt, and the choices unless they are the points of an open answer."""
        item = asking.asked.item
        if self.plain:
            self._record("question", f"{number}/{of}", item.id, item.kind, f"level {item.level}", asking.asked.prompt)
        else:
            left = f"{number}/{of}   {item.topic}   level {item.level}"
            streaks = f"streak {streak}" if streak else ""
            room = prose_width() - len(left) - len(streaks)
            self._put(
                [left + " " * room + streaks] if room > 2 else wrapped(f"{left}   {streaks}", prose_width()), "bold"
            )
            self._put([""])
            self._put([*paragraphs(asking.asked.prompt, prose_width() - 2), ""], indent=2)
        if item.kind != "open":
            self.choices(asking)

    def lead(self, part: str, why: str, clock: str) -> None:
        """A line above a question of an interview: its part, why it is asked, and the clock."""
        if self.plain:
            self._record("part", part, why, clock)
            return
        self._put(wrapped("   ".join(word for word in (part, why, clock) if word), prose_width()), "bold")

    def hand_over(self, command: str) -> None:
        """Where what was said can be written and checked; nothing for an empty command."""
        if not command:
            return
        if self.plain:
            self._record("practice", command)
            return
        self._put(["  Write it, and have it checked:", f"  {command}", ""])

    def heading(self, title: str, seed: int) -> None:
        """The head of a sheet: with the seed the same sheet can be printed again."""
        if self.plain:
            self._record("sheet", title, f"seed {seed}")
        else:
            self._put([f"{title}   seed {seed}"], "bold")
            self._put([""])

    def key(self, asked: Asked, number: int, see: str) -> None:
        """One line of a key: the answer, why, and where it is shown."""
        if self.plain:
            self._record("key", number, asked.item.id, asked.answer, asked.explain, see)
            return
        first, *rest = wrapped(asked.answer, prose_width() - 6)
        self._put([f"  {number:>2}  {first}", *("      " + more for more in rest)], "bold")
        self._put(paragraphs(asked.explain, prose_width() - 6), indent=6)
        self._put([f"      See it: {see}", ""])

    def choices(self, asking: Asking) -> None:
        """Numbered options, steps or key points."""
        for number, choice in enumerate(asking.asked.choices, start=1):
            if self.plain:
                self._record("option", number, choice)
            else:
                first, *rest = wrapped(choice, prose_width() - 7)
                self._put([f"    {number}  {first}", *("       " + more for more in rest)])
        if asking.asked.choices and not self.plain:
            self._put([""])

    def verdict(self, asking: Asking) -> None:
        """Right or not, the misconception and why, the answer, where to see it, and when it comes back."""
        verdict, item = asking.verdict, asking.asked.item
        if verdict is None or asking.due is None:
            return
        back = in_words(asking.due - datetime.now(UTC))
        see = where_to_see(item)
        if self.plain:
            word = "right" if verdict.correct else "wrong"
            self._record("verdict", word, verdict.given, verdict.answer, verdict.misconception, verdict.why)
            self._record("explain", verdict.explain)
            self._record("next", see, back)
            return
        self._put([""])
        self._put(wrapped(judgement(asking), prose_width() - 2), "green" if verdict.correct else "bold red", indent=2)
        if verdict.why:
            self._put(wrapped(verdict.why, prose_width() - 2), indent=2)
        if not verdict.correct and item.kind != "open":
            self._put(wrapped(f"The answer is {verdict.answer}.", prose_width() - 2), indent=2)
        self._put(paragraphs(verdict.explain, prose_width() - 2), indent=2)
        if not verdict.correct:
            self._put([f"  See it: {see}"])
        self._put([f"  Next review: {back}", ""])

    def given(self, text: str) -> None:
        """An answer that nobody typed here, where it would have been typed."""
        if not self.plain:
            self._put([f"  > {printable(text)}"])

    def say(self, text: str) -> None:
        """A sentence of the tool itself."""
        if self.plain:
            self._record("note", text)
        else:
            self._put(wrapped(text, prose_width() - 2), indent=2)

    def summary(self, done: list[Asking], next_due: datetime | None) -> None:
        """How the round went and what to do next."""
        judged = [(asking, asking.verdict) for asking in done if asking.verdict is not None]
        right = sum(verdict.correct for _, verdict in judged)
        if self.plain:
            self._record("score", right, len(judged))
            return
        if not judged:
            self.say("No question was answered, and nothing was recorded.")
            return
        later = f"  Next question due {in_words(next_due - datetime.now(UTC))}." if next_due else ""
        self._put(wrapped(f"{right} of {len(judged)} right.{later}", prose_width() - 2), "bold", indent=2)
        wrong = next((asking for asking, verdict in judged if not verdict.correct), None)
        self._put([f"  next   {where_to_see(wrong.asked.item) if wrong else 'tfx quiz --stats'}"])

    def outcome(self, outcome: Outcome) -> None:
        """How a test ended, what to read when it was not passed, and what to do next."""
        if self.plain:
            word = "passed" if outcome.passed else "not passed"
            self._record("tested", word, sum(outcome.right), len(outcome.asked), outcome.needed)
            for command in outcome.to_read:
                self._record("read", command)
            self._record("next", outcome.next_command)
            return
        self._put(wrapped(outcome.verdict, prose_width() - 2), "bold", indent=2)
        for label, command in outcome.advice:
            self._put([f"  {label.ljust(7)}{command}"])

    def _record(self, *fields: object) -> None:
        sys.stdout.write(line(*fields) + "\n")

    def _put(self, lines: Iterable[str], style: str = "", indent: int = 0) -> None:
        assert self.console is not None
        for text in lines:
            self.console.print((" " * indent + text).rstrip(), style=style or None, soft_wrap=True)


def judgement(asking: Asking) -> str:
    """`Right.`, or what was said instead and the misconception behind it."""
    verdict, item = asking.verdict, asking.asked.item
    assert verdict is not None
    if item.kind == "open":
        said = round(verdict.score * len(item.key_points))
        return f"{'Good' if verdict.correct else 'Not yet'}: {said} of {len(item.key_points)} points."
    if verdict.correct:
        return "Right."
    if verdict.misconception:
        return f"Not quite: {printable(verdict.given)} (misconception: {verdict.misconception})."
    return f"Not quite: {printable(verdict.given)}."


def paragraphs(text: str, width: int) -> list[str]:
    """Joins the lines of each paragraph and wraps it; a line indented by two spaces stays as it is."""
    lines: list[str] = []
    running: list[str] = []
    for part in [*text.rstrip().splitlines(), ""]:
        if part.strip() and not part.startswith("  "):
            running.append(part.strip())
            continue
        lines += wrapped(" ".join(running), width) if running else []
        lines.append(part)
        running = []
    return lines[:-1]
