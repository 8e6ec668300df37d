"""`tfx explain`: the course map, or one topic walked through step by step on the reader's own input."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tfx.errors import BadInput
from tfx_cli import options
from tfx_cli.find_lessons import ensure_lessons
from tfx_cli.options import Face
from tfx_cli.render.files import require_writable, write_whole
from tfx_cli.render.sentences import saved_line
from tfx_cli.render.show import show_document
from tfx_cli.terminal.lines import show_line

if TYPE_CHECKING:
    from lessons.course import Request, Topic
    from tfx.records import Step

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
        str | None, typer.Argument(autocompletion=complete_topic, help="Without it: the course map.")
    ] = None,
    text: Annotated[str | None, typer.Option("--text", help="Your own sentence in the place of the topic's.")] = None,
    seed: options.Seed = 0,
    step: Annotated[int | None, typer.Option("--step", min=1, metavar="N", help="Only this step.")] = None,
    code: Annotated[bool, typer.Option("--code", help="The source of what each step ran.")] = False,
    predict: Annotated[bool, typer.Option("--predict", help="Ask for a number before it is shown.")] = False,
    lesson: Annotated[bool, typer.Option("--lesson", help="The lesson to read, with live numbers.")] = False,
    untrained: Annotated[bool, typer.Option("--untrained", help="Random weights instead of trained ones.")] = False,
    settings: options.Settings = None,
    plot: options.PlotPath = None,
    html: options.HtmlPath = None,
    json: options.Json = False,
    plain: options.Plain = False,
) -> None:
    """Walk through a topic on your own input, step by step.

    In a terminal one step is shown at a time; in a pipe all are.  Exit code 1 when a check fails.

    \b
    examples
      tfx explain
      tfx explain attention --text "the cat sat on the mat"
      tfx explain scaling-variance --step 3 --code
      tfx explain attention --set help
    """
    face = options.face(json, plain)
    ensure_lessons()
    from lessons.course import find_topic

    if topic is None:
        show_map(face)
        return
    found = find_topic(topic)
    if lesson:
        show_lesson(found, face)
        return
    if predict and face is Face.json:
        raise BadInput("--predict asks a person, and --json is for programs.", "Leave one of them out.")
    for path, endings in ((plot, options.PICTURES), (html, (".html",))):
        require_writable(path, endings)
    request = request_for(found, text, seed, settings or [], untrained)
    if request is None:
        return
    started = time.perf_counter()
    steps = walk_through(found, request)
    elapsed = time.perf_counter() - started
    chosen = list(enumerate(steps, 1)) if step is None else [(step, one_step(steps, step, found))]
    save_files(found, [one for _, one in chosen], plot, html)
    if face is Face.json:
        from tfx_cli.render.json import walkthrough_fields

        show_document(walkthrough_fields(found.name, request, chosen, elapsed, with_source=code))
    else:
        from tfx_cli.walk import show_walk

        seen = show_walk(found.name, chosen, len(steps), face, code=code, predict=predict)
        if seen and step is None:
            from tfx_cli.learner.state import record_explained

            record_explained(found.name)
        for path in (plot, html):
            if path:
                show_line(saved_line(path, face))
    if not all(check.holds for _, one in chosen for check in checks_of(one)):
        raise typer.Exit(1)


def request_for(topic: Topic, text: str | None, seed: int, pairs: list[str], untrained: bool) -> Request | None:
    """What the walkthrough runs on; None when the reader only wanted the list of settings."""
    from lessons.course import Request, walkthrough_module
    from tfx.settings import apply_settings
    from tfx_cli.render.pages.settings import asks_for_list, show_settings

    if text is not None:
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")  # bytes of another locale
        if not text.strip():
            raise BadInput(
                "--text is empty, so there is nothing to explain.", f'Try: tfx explain {topic.name} --text "a cat"'
            )
    defaults = walkthrough_module(topic).Settings()
    command = f"tfx explain {topic.name}"
    if asks_for_list(pairs):
        show_settings(defaults, command)
        return None
    return Request(text, seed, apply_settings(defaults, pairs, f"{command} --set help"), untrained)


def walk_through(topic: Topic, request: Request) -> list[Step]:
    from lessons.course import walk

    return list(walk(topic, request))


def one_step(steps: list[Step], number: int, topic: Topic) -> Step:
    if number > len(steps):
        raise BadInput(
            f"{topic.name} has {len(steps)} steps, so there is no step {number}.", f"See all: tfx explain {topic.name}"
        )
    return steps[number - 1]


def checks_of(step: Step) -> list[Any]:
    from tfx.records import Check

    return [record for record in step.records if isinstance(record, Check)]


def save_files(topic: Topic, steps: list[Step], plot: Path | None, html: Path | None) -> None:
    """Writes the picture of all matrices and curves, and the page."""
    from tfx.records import Matrix, Plot

    if plot:
        from tfx_cli.render.plots import picture_of_matrices

        pictures = [record for step in steps for record in step.records if isinstance(record, Matrix | Plot)]
        if not pictures:
            raise BadInput("there is no matrix or curve here to draw.", f"See the steps: tfx explain {topic.name}")
        write_whole(plot, picture_of_matrices(topic.title, pictures, plot.suffix))
    if html:
        from tfx_cli.render.html import walkthrough_page

        write_whole(html, walkthrough_page(topic.title, steps).encode("utf-8", "replace"))


def show_lesson(topic: Topic, face: Face) -> None:
    """The prose of lesson.md, with every number computed now."""
    from lessons.course import read_front_matter, walkthrough_module
    from tfx_cli.render.lesson_text import filled
    from tfx_cli.walk import show_prose

    _, body = read_front_matter((topic.path / "lesson.md").read_text(encoding="utf-8"))
    prose = filled(body.strip("\n"), walkthrough_module(topic).values())
    if face is Face.json:
        show_document({"name": topic.name, "title": topic.title, "lesson": prose})
    else:
        show_prose(prose, face)


def show_map(face: Face) -> None:
    """All modules and topics in course order."""
    from lessons.course import modules
    from tfx_cli.walk import show_course

    if face is Face.json:
        from tfx_cli.render.json import course_fields

        show_document(course_fields(modules()))
    else:
        show_course(modules(), face)
