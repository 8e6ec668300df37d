"""`tfx explain`: the course map, or one topic walked through step by step on the reader's own input."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tfx.errors import BadInput
from tfx_cli import options
from tfx_cli.find_lessons import ensure_lessons
from tfx_cli.options import Face
from tfx_cli.render.files import attempted, require_writable, write_whole
from tfx_cli.render.sentences import saved_line
from tfx_cli.render.show import show_document
from tfx_cli.terminal import console
from tfx_cli.terminal.lines import show_line, tell

if TYPE_CHECKING:
    from lessons.course import Topic
    from lessons.request import Request
    from lessons.walk import Walk
    from tfx.records import Step
    from tfx_cli.explaining.manner import Manner

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def complete_topic(incomplete: str) -> list[tuple[str, str]]:
    """Names and aliases for TAB; names first."""
    ensure_lessons()
    from lessons.course import topics

    names = [(topic.name, topic.title) for topic in topics()]
    aliases = [(alias, topic.title) for topic in topics() for alias in topic.aliases]
    return [(name, title) for name, title in names + aliases if name.startswith(incomplete)]


@app.command()
def explain(
    topic: Annotated[
        str | None,
        typer.Argument(autocompletion=complete_topic, help="Name or number; without it: the course map."),
    ] = None,
    text: Annotated[str | None, typer.Option("--text", help="Your own sentence in the place of the topic's.")] = None,
    seed: options.Seed = 0,
    step: Annotated[str | None, typer.Option("--step", metavar="NAME|N", help="Only this step.")] = None,
    from_step: Annotated[
        str | None, typer.Option("--from", metavar="NAME|N", help="Start at this step, the rest follows.")
    ] = None,
    code: Annotated[bool, typer.Option("--code", help="What each step ran: in a few lines, and its source.")] = False,
    predict: Annotated[
        bool | None,
        typer.Option("--predict/--no-predict", help="Ask for a number before it is shown; a terminal does."),
    ] = None,
    details: Annotated[bool, typer.Option("--details", help="Every check and every row by itself.")] = False,
    lesson: Annotated[
        bool, typer.Option("--lesson", help="All steps as one page to read; of a module, its cheat sheet.")
    ] = False,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Which interview questions are answered, and where.")
    ] = False,
    untrained: Annotated[bool, typer.Option("--untrained", help="Random weights instead of trained ones.")] = False,
    settings: options.Settings = None,
    plot: options.PlotPath = None,
    html: options.HtmlPath = None,
    json: options.Json = False,
    plain: options.Plain = False,
) -> None:
    """Walk through a topic on your own input, step by step.

    In a terminal one step is shown at a time, and a number is asked for before it is shown; in a pipe all are.  Keys:
    Enter goes on, ? lists the others.  Exit code 1 when a check fails.

    \b
    examples
      tfx explain
      tfx explain attention --text "the cat sat on the mat"
      tfx explain attention --from softmax --no-predict
      tfx explain scaling-variance --step the_sum --code
      tfx explain attention --set help
    """
    face = options.face(json, plain)
    ensure_lessons()
    from lessons.course import find_topic

    if coverage:
        from tfx_cli.explaining.coverage_page import show_coverage

        if topic is not None and not topic.isdigit():
            raise BadInput(
                f'--coverage is for the course or a module, and "{topic}" is no number.', "tfx explain 3 --coverage"
            )
        show_coverage(face, topic)
        return
    if lesson and topic is not None and topic.isdigit():
        from tfx_cli.explaining.sheet import show_sheet

        require_no_topic_needed(
            {"--text": text, "--step": step, "--from": from_step, "--set": settings, "--plot": plot}
        )
        require_writable(html, (".html",))
        if not show_sheet(face, topic, seed, html):
            raise typer.Exit(1)
        return
    if topic is None or topic.isdigit():
        from tfx_cli.explaining.course_map import show_map

        require_no_topic_needed(
            {"--text": text, "--step": step, "--from": from_step, "--set": settings, "--html": html}
        )
        require_writable(plot, options.PICTURES)
        show_map(face, topic, plot)
        return
    found = find_topic(topic)
    if predict and (lesson or face is Face.json):
        other = "--lesson is a page to read" if lesson else "--json is for programs"
        raise BadInput(f"--predict asks a person, and {other}.", "Leave one of them out.")
    if step is not None and from_step is not None:
        raise BadInput(
            "--step shows one step, and --from all that follow it.",
            f"Leave out --step to read on, or --from to see {step} alone.",
        )
    for path, endings in ((plot, options.PICTURES), (html, (".html",))):
        require_writable(path, endings)
    request = request_for(found, text, seed, settings or [], untrained, face)
    if request is None:
        return
    from lessons.walk import walk  # and with it NumPy

    started = time.perf_counter()
    steps = walk(found, request)
    chosen = list(range(len(steps))) if step is None else [place_of(found, steps, step)]
    chosen = chosen if from_step is None else chosen[place_of(found, steps, from_step) :]
    _, problem = attempted(lambda: save_files(found, steps, chosen, plot, html))
    walks = [steps]
    if face is Face.json:
        from tfx_cli.render.json import walkthrough_fields

        numbered = [(index + 1, steps[index]) for index in chosen]
        elapsed = time.perf_counter() - started
        show_document(walkthrough_fields(found.name, request, numbered, elapsed, with_source=code))
    else:
        from tfx_cli.explaining.manner import Manner

        asks = console.interactive() and not lesson if predict is None else predict
        manner = Manner(face, code, asks, details, short=code)
        walks = show(found, steps, chosen, manner, lesson, whole=step is None, counts=not (plot or html))
        for path in (plot, html):
            if path and not problem:
                show_line(saved_line(path, face))
    if problem:
        raise problem
    if any(not check.holds for shown in walks for check in shown.checks_shown):
        raise typer.Exit(1)


def require_no_topic_needed(given: Mapping[str, object]) -> None:
    """Raises BadInput for the first option that means nothing without a topic."""
    for option, value in given.items():
        if value not in (None, []):
            words = f'{option} "{value}"' if option == "--text" else f"{option} ..."
            raise BadInput(
                f"{option} needs a topic, and none was named.",
                f"Try: tfx explain attention {words}   See all: tfx explain",
            )


def show(
    found: Topic, steps: Walk, chosen: list[int], manner: Manner, lesson: bool, whole: bool, counts: bool
) -> list[Walk]:
    """The chosen steps, and on a terminal where the reader goes from there.  Returns every walk that was made.

    counts: whether a step whose end was on the screen is noted as seen.
    """

    def seen(step: str, names: Sequence[str]) -> None:
        """names: of all steps of its walk."""
        if counts:
            from tfx_cli.learner.progress import record_seen

            record_seen(found.name, step, names)

    from tfx_cli.explaining.walk import show_page, show_walk

    if lesson:
        show_page(found.title, steps, chosen, manner)
    elif manner.paged:
        from tfx_cli.explaining.moving import walk_through

        return walk_through(found, steps, chosen, manner, seen, whole)
    else:
        show_walk(steps, chosen, manner)
    return [steps]


def request_for(
    topic: Topic, text: str | None, seed: int, pairs: list[str], untrained: bool, face: Face
) -> Request | None:
    """What the lesson runs on; None when the reader only wanted the list of settings."""
    from lessons.course import lesson_of
    from lessons.request import Request
    from tfx.settings import apply_settings
    from tfx_cli.render.pages.settings import asks_for_list, show_settings

    if text is not None:
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")  # bytes of another locale
        if not text.strip():
            raise BadInput(
                "--text is empty, so there is nothing to explain.", f'Try: tfx explain {topic.name} --text "a cat"'
            )
    lesson = lesson_of(topic)
    defaults = lesson.settings()
    command = f"tfx explain {topic.name}"
    if asks_for_list(pairs):
        show_settings(defaults, command, face)
        return None
    request = Request(text, seed, apply_settings(defaults, pairs, f"{command} --set help"), untrained)
    for option in lesson.unused(request):
        from tfx_cli.explaining.changing import UNUSED

        tell(f"tfx: {option} changes nothing here: {topic.name} {UNUSED[option]}.")
    return request


def place_of(topic: Topic, steps: Walk, step: str) -> int:
    """The index of the step that the reader named or counted."""
    try:
        return steps.place(step)
    except BadInput as problem:
        raise BadInput(f"{topic.name}: {problem.message}", f"See all: tfx explain {topic.name}") from None


def save_files(topic: Topic, steps: Walk, chosen: Sequence[int], plot: Path | None, html: Path | None) -> None:
    """Writes the picture of all matrices and curves, and the page.  Nothing is run when neither is wanted."""
    from tfx.records import Matrix, Plot

    if plot:
        from tfx_cli.render.plots import picture_of_matrices

        pictures = [
            record for step in shown(steps, chosen) for record in step.records if isinstance(record, Matrix | Plot)
        ]
        if not pictures:
            raise BadInput("there is no matrix or curve here to draw.", f"See the steps: tfx explain {topic.name}")
        write_whole(plot, picture_of_matrices(topic.title, pictures, plot.suffix))
    if html:
        from tfx_cli.render.html import walkthrough_page

        write_whole(html, walkthrough_page(topic.title, shown(steps, chosen)).encode("utf-8", "replace"))


def shown(steps: Walk, chosen: Sequence[int]) -> list[Step]:
    return [steps[index] for index in chosen]
