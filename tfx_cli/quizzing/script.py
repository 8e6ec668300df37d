"""`tfx quiz --answers FILE|-`: the answers of a whole round at once, for scripts, tests and screen readers."""

from __future__ import annotations

import codecs
import json
import re
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from lessons.answers import Unreadable
from lessons.grading import Asked, grade
from tfx.errors import BadInput, many
from tfx_cli.learner.state import open_to_write
from tfx_cli.options import Face
from tfx_cli.quizzing.outcome import Outcome, document, ended
from tfx_cli.quizzing.page import Page
from tfx_cli.quizzing.round import Asking, Wish, as_document, fresh_seed, items_for, questions_for, settle
from tfx_cli.render.show import show_document
from tfx_cli.terminal.lines import tell

#: bytes of a file of answers
MOST = 1_000_000
ONE_A_LINE = "Write one answer a line."
#: other characters that begin a new line somewhere may stand in an answer
LINE_BREAK = re.compile("\r?\n")


def run_script(wish: Wish, source: str, face: Face) -> int:
    """Asks, judges and records; returns 1 when an answer was wrong, else 0.  A test ends with 1 when it is not passed;
    where nothing is answered it only lists its questions, and is on no record.

    Everything is checked before the first answer is recorded.  Raises BadInput for an answer that cannot be read.
    """
    text = read_source(source)
    items = items_for(wish)
    seed = fresh_seed() if wish.seed is None else wish.seed
    with open_to_write() as state:
        if state.notice:
            tell("tfx: " + state.notice)
        asked = questions_for(state, wish, items, seed)
        answers = match(text, asked)
        check(asked, answers)
        done = [
            Asking(question) if answer is None else settle(state, question, answer)
            for question, answer in zip(asked, answers, strict=True)
        ]
        answered = len(asked) - answers.count(None)
        outcome = ended(state, asked, done) if wish.test_out and answered else None
        waiting = [due for item, due in state.due().items() if item in {item.id for item in items}]
    if answered < len(asked):
        tell(f"{len(asked) - answered} of {len(asked)} questions had no answer; nothing was recorded for them.")
    right = sum(asking.verdict.correct for asking in done if asking.verdict is not None)
    if face is Face.json:
        score = {"asked": len(asked), "answered": answered, "right": right}
        tested = {"test_out": document(outcome) if outcome else None} if wish.test_out else {}
        show_document({"seed": seed, "items": [as_document(asking) for asking in done], "score": score, **tested})
    else:
        show(done, min(waiting, default=None), outcome, plain=face is Face.plain)
    return 0 if (outcome.passed if outcome else right == answered) else 1


def show(done: list[Asking], next_due: datetime | None, outcome: Outcome | None, plain: bool) -> None:
    """The round as it would have looked on a terminal.  outcome: of a test."""
    page = Page(plain)
    streak = 0
    if not done:
        page.say("Nothing is due and nothing is new.")
    for number, asking in enumerate(done, start=1):
        page.question(asking, number, len(done), streak)
        if asking.verdict is not None:
            streak = streak + 1 if asking.verdict.correct else 0
            if asking.asked.item.kind == "open":
                page.choices(asking)
            page.given(asking.verdict.given)
        page.verdict(asking)
    if outcome:
        page.outcome(outcome)
    else:
        page.summary(done, next_due)


def read_source(source: str) -> str:
    """The text of a file, or of stdin for `-`.  Raises BadInput when it cannot be read."""
    name = "stdin" if source == "-" else f'"{source}"'
    try:
        data = stdin_bytes() if source == "-" else file_bytes(Path(source))
    except OSError as error:
        raise BadInput(f"cannot read {name}: {error.strerror or error}.", "Give a file, or - for stdin.") from None
    if len(data) > MOST:
        raise BadInput(f"{name} holds more than {MOST} bytes, and a round has a few answers.", ONE_A_LINE)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in data:
        raise BadInput(f"{name} is not UTF-8 text but UTF-16, as PowerShell writes it.", "Save it as UTF-8.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(f"{name} is not UTF-8 text.", ONE_A_LINE) from None


def file_bytes(path: Path) -> bytes:
    """A little more than there may be, whatever stands behind the name."""
    with path.open("rb") as file:
        return file.read(MOST + 1)


def stdin_bytes() -> bytes:
    if sys.stdin is None:
        return b""
    binary = getattr(sys.stdin, "buffer", None)  # a stream that somebody put in its place may have text alone
    return binary.read(MOST + 1) if binary else sys.stdin.read(MOST + 1).encode("utf-8", "surrogateescape")


def lines_of(text: str) -> list[str]:
    """The lines of a file of answers; none of an empty one."""
    lines = LINE_BREAK.split(text.rstrip())
    return lines if lines != [""] else []


def match(text: str, asked: Sequence[Asked]) -> list[str | None]:
    """The answer to each question: one a line in the order asked (an empty line skips), or JSON lines by id."""
    lines = lines_of(text)
    if lines and lines[0].lstrip().startswith("{"):
        return match_by_id(lines, asked)
    if len(lines) > len(asked):
        more = len(lines) - len(asked)
        were = f"{many(more, 'answer')} {'was' if more == 1 else 'were'}"
        tell(f"{were} left over: only {many(len(asked), 'question')} {'was' if len(asked) == 1 else 'were'} asked.")
    padded = [line.strip() or None for line in lines[: len(asked)]]
    return padded + [None] * (len(asked) - len(padded))


def match_by_id(lines: Sequence[str], asked: Sequence[Asked]) -> list[str | None]:
    """The answer to each question from JSON lines.  Raises BadInput for one that is not asked."""
    ids = [question.item.id for question in asked]
    given = answers_by_id(lines, ids)
    return [given.get(name, "") or None for name in ids]


def answers_by_id(lines: Sequence[str], ids: Sequence[str] | None = None) -> dict[str, str]:
    """JSON lines `{"id": ..., "answer": ...}`; an answer is text, a number or a list.  ids: that there may be."""
    given: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
            name, answer = str(fields["id"]), fields["answer"]
            answer = " ".join(map(str, answer)) if isinstance(answer, list) else "" if answer is None else str(answer)
        except (ValueError, KeyError, TypeError, RecursionError):
            raise BadInput(
                f"line {number} of the answers is not JSON.", 'One line: {"id": "...", "answer": "..."}'
            ) from None
        if ids is not None and name not in ids:
            raise BadInput(
                f'line {number} answers "{name}", which is not asked now.', f"Asked: {', '.join(ids) or 'nothing'}"
            )
        if name in given:
            raise BadInput(f'line {number} answers "{name}" a second time.', "Give each id once.")
        given[name] = answer.strip()
    return given


def check(asked: Sequence[Asked], answers: Sequence[str | None]) -> None:
    """Raises BadInput for the first answer that cannot be read, before anything is recorded."""
    for number, (question, answer) in enumerate(zip(asked, answers, strict=True), start=1):
        if answer is None:
            continue
        try:
            grade(question, answer)
        except Unreadable as problem:
            where = f'answer {number}, "{answer[:40]}" to {question.item.id}'
            raise BadInput(f"{where}, cannot be read; nothing was recorded.", str(problem)) from None
