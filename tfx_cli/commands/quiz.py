"""`tfx quiz`: asks what is due and what is new, and says which misconception is behind a wrong answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tfx.errors import BadInput
from tfx_cli import options
from tfx_cli.find_lessons import ensure_lessons
from tfx_cli.options import Face

if TYPE_CHECKING:
    from tfx_cli.quizzing.round import Wish

DEFAULT_COUNT = 10

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def complete_topic(incomplete: str) -> list[tuple[str, str]]:
    """Topics and decks for TAB."""
    ensure_lessons()
    from lessons.course import topics
    from lessons.decks import DECKS

    return [(topic.name, topic.title) for topic in (*topics(), *DECKS) if topic.name.startswith(incomplete)]


@app.command()
def quiz(
    topic: Annotated[
        str | None, typer.Argument(autocompletion=complete_topic, help="Or the deck `estimates`; without it: all.")
    ] = None,
    count: Annotated[
        int | None, typer.Option("--count", min=1, metavar="N", help="At most so many questions; 10 unless told.")
    ] = None,
    level: Annotated[
        int | None,
        typer.Option("--level", min=1, max=3, metavar="L", help="Only 1 recall, 2 use, 3 derive; interview: up to it."),
    ] = None,
    due: Annotated[bool, typer.Option("--due", help="Only what is due, nothing new.")] = False,
    test_out: Annotated[
        bool, typer.Option("--test-out", help="A short test of TOPIC; who passes it can skip the topic.")
    ] = False,
    interview: Annotated[
        bool, typer.Option("--interview", help="A mock interview with a clock, a report and a plan.")
    ] = False,
    minutes: Annotated[
        int | None, typer.Option("--minutes", min=1, max=600, metavar="N", help="It may take so long; 30 unless told.")
    ] = None,
    only: Annotated[
        str | None, typer.Option("--topics", metavar="A,B", help="An interview on these topics alone.")
    ] = None,
    days: Annotated[
        int | None, typer.Option("--days", min=1, max=365, metavar="N", help="Days left, for the plan; 7 unless told.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option("--save", metavar="FILE", help="Save the interview's report: .md or .json.")
    ] = None,
    answers: Annotated[
        str | None,
        typer.Option("--answers", metavar="FILE|-", help="One answer a line, or JSON lines; no terminal needed."),
    ] = None,
    sheet: Annotated[
        int | None,
        typer.Option("--sheet", min=1, metavar="N", help="N questions to hand out; nothing is recorded."),
    ] = None,
    key: Annotated[bool, typer.Option("--key", help="With --sheet: the answers too.")] = False,
    stats: Annotated[bool, typer.Option("--stats", help="How far you are, and your commonest misconceptions.")] = False,
    seed: Annotated[int | None, typer.Option("--seed", min=0, metavar="N", help="Draw the same numbers again.")] = None,
    json: options.Json = False,
    plain: options.Plain = False,
) -> int:
    """Answer questions; what you miss comes back in time.

    Numbers are new at every review and the truth is computed.  FSRS decides when a question returns.  Without a topic
    what is due comes first, then what is new in the topics that you have read.  At the prompt ? explains how to answer,
    s skips, q leaves.  With --answers, exit code 1 means that an answer was wrong, or that a test was not passed.

    \b
    examples
      tfx quiz
      tfx quiz scaling-variance --count 3
      tfx quiz estimates --count 5
      tfx quiz scaling-variance --test-out
      tfx quiz --interview --minutes 30 --days 5 --save report.md
      tfx quiz scaling-variance --count 2 --seed 1 --answers answers.txt --json
      tfx quiz --sheet 20 --key --seed 1
      tfx quiz --stats
    """
    face = options.face(json, plain)
    ensure_lessons()
    if stats:
        show_stats(topic, face)
        return 0
    from lessons.decks import find_deck_or_topic
    from tfx_cli.quizzing.round import Wish

    if topic is not None:
        find_deck_or_topic(topic)
    wish = Wish(topic, count or DEFAULT_COUNT, level, due, seed, test_out)
    if test_out:
        require_a_test(wish, sheet, interview)
    of_an_interview = {"--minutes": minutes, "--topics": only, "--days": days, "--save": save}
    if interview:
        if due or sheet is not None or key:
            other = "--due" if due else "--sheet" if sheet is not None else "--key"
            raise BadInput(f"an interview chooses and asks by itself, without {other}.", "Leave one of the two out.")
        names = tuple(name.strip() for name in (only or topic or "").split(",") if name.strip())
        if topic is not None and only is not None:
            raise BadInput(
                "the topics of an interview are given once.", f"Try: tfx quiz --interview --topics {topic},{only}"
            )
        from tfx_cli.interviewing.interview import DEFAULT_MINUTES, InterviewWish
        from tfx_cli.interviewing.session import hold, run_from, session

        held = session(InterviewWish(minutes or DEFAULT_MINUTES, level, names, count), seed, days, save, face)
        if answers is not None:
            return run_from(held, answers)
        needs_a_terminal(face, "tfx quiz --interview --seed 1 --json --answers -")
        return hold(held)
    if given := [name for name, value in of_an_interview.items() if value is not None]:
        raise BadInput(f"{given[0]} belongs to an interview.", "Try: tfx quiz --interview")
    if key and sheet is None:
        raise BadInput("--key belongs to a sheet.", "Try: tfx quiz --sheet 20 --key")
    if sheet is not None:
        if due or answers is not None:
            other = "--due" if due else "--answers"
            raise BadInput(f"a sheet is for everybody: {other} is about one reader's history.", "Leave it out.")
        from tfx_cli.quizzing.sheet import show_sheet

        show_sheet(wish, sheet, key, face)
        return 0
    if answers is not None:
        from tfx_cli.quizzing.script import run_script

        return run_script(wish, answers, face)
    needs_a_terminal(face, "tfx quiz --seed 1 --json --answers -")
    from tfx_cli.quizzing.conversation import converse

    return converse(wish, plain=face is Face.plain)


def needs_a_terminal(face: Face, listing: str) -> None:
    """Raises BadInput, with the command that lists the questions, where nobody can be asked."""
    from tfx_cli.terminal.console import interactive

    if face is Face.json or not interactive():
        why = "--json cannot ask questions" if face is Face.json else "there is no terminal to ask questions on"
        raise BadInput(
            f"{why}: give the answers with --answers FILE (or - for stdin).",
            f"List the questions first: echo | {listing}",
        )


def require_a_test(wish: Wish, sheet: int | None, interview: bool) -> None:
    """Raises BadInput where a test is asked for without a topic, or with an option that would choose its questions."""
    if wish.topic is None:
        raise BadInput("--test-out is about one topic, and none was named.", "Try: tfx quiz softmax --test-out")
    from lessons.decks import find_deck_or_topic, is_deck
    from tfx_cli.quizzing.round import Wish

    if is_deck(name := find_deck_or_topic(wish.topic).name):
        raise BadInput(f"{name} is no topic of the course, so there is nothing to skip.", f"Try: tfx quiz {name}")
    others = {
        "--count": wish.count != Wish.count,
        "--level": wish.level is not None,
        "--due": wish.only_due,
        "--interview": interview,
        "--sheet": sheet is not None,
    }
    for option in (option for option, given in others.items() if given):
        raise BadInput(
            f"a test chooses its questions itself, so it has no {option}.", f"tfx quiz {wish.topic} --test-out"
        )


def show_stats(topic: str | None, face: Face) -> None:
    """Prints the statistics; writes nothing."""
    from datetime import UTC, datetime

    from lessons.decks import find_deck_or_topic
    from tfx_cli.learner.state import open_to_read
    from tfx_cli.quizzing import stats
    from tfx_cli.render.show import show_document
    from tfx_cli.terminal.lines import show_line, tell

    with open_to_read() as state:
        measured = stats.measure(state, datetime.now(UTC), find_deck_or_topic(topic).name if topic else None)
        notice = state.notice
    if notice:
        tell("tfx: " + notice)
    if face is Face.json:
        show_document(stats.document(measured))
        return
    for text in stats.plain_lines(measured) if face is Face.plain else stats.terminal_lines(measured):
        show_line(text)
