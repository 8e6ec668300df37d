"""`s`: other settings, another text or another seed, and the same step again."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from tfx.errors import BadInput, unknown_name
from tfx_cli.explaining.predict import Pressed
from tfx_cli.explaining.prompt import answer, ask_line
from tfx_cli.render.wrapping import labelled, printable, wrapped
from tfx_cli.terminal.console import prose_width
from tfx_cli.terminal.lines import show_line
from tfx_cli.terminal.pager import LEAVE

if TYPE_CHECKING:
    from lessons.course import Topic
    from lessons.request import Request
    from lessons.walk import Walk

PROMPT = "  change (name=value, ? lists) > "

#: a setting with its value that is longer stands above its meaning
BESIDE = 18

#: What a topic is like that has no use for an option.
UNUSED = {"--text": "works on numbers, not on a sentence", "--untrained": "runs no trained model"}


class Changed(NamedTuple):
    """The new walk, the index of the step to show, and what is to be said about it."""

    steps: Walk
    at: int
    note: str


def changes(topic: Topic, steps: Walk, at: int) -> Changed | None:
    """The walk with what the reader changes; None to leave it as it is.  What cannot be is told, and asked again.

    Raises EOFError at the end of the input, and Pressed when the reader leaves.
    """
    listed = False
    while True:
        typed = ask_line(PROMPT).strip()
        if typed.lower() in LEAVE:
            raise Pressed("q")
        if typed in ("?", "help") or not (typed or listed):
            list_changes(topic, steps.request)
            listed = True
        elif not typed:
            return None
        else:
            try:
                return changed_walk(topic, steps, at, changed_request(topic, steps.request, typed))
            except BadInput as problem:
                hint = (
                    problem.hint if problem.hint.startswith("Try: --set") else "Enter alone lists what can be changed."
                )
                words = f"{problem.message}  {hint}".replace("--set ", "")
                answer(words[0].upper() + words[1:])
                listed = False


def changed_request(topic: Topic, request: Request, typed: str) -> Request:
    """`head=3`, `seed=1`, several of them, and `text=` last, which takes the rest of the line; `--set` is not needed.

    Raises BadInput for what `tfx explain` would refuse.
    """
    from lessons.course import lesson_of
    from tfx.settings import apply_settings, describe

    before, text_follows, text = re.sub(r"--set\s+", "", typed).partition("text=")
    if before and not before[-1].isspace():
        before, text_follows, text = before + text_follows + text, "", ""
    if text_follows:
        request = replace(request, text=checked_text(unquoted(text.strip()), topic.name))
    names = [setting.name for setting in describe(request.settings)]
    pairs = []
    for pair in re.split(r"\s+(?=[\w-]+\s*=)", before.strip()) if before.strip() else []:
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not equals:
            raise BadInput(f'a change is name=value, not "{pair}".', "")
        if name == "seed":
            request = replace(request, seed=checked_seed(value))
        elif name.replace("-", "_") not in names:
            raise unknown_name("setting", name, [*names, "text", "seed"], "")
        else:
            pairs.append(pair)
    request = replace(request, settings=apply_settings(request.settings, pairs, ""))
    for option in lesson_of(topic).unused(request):
        if option == "--text":
            raise BadInput(f"text changes nothing here: {topic.name} {UNUSED[option]}.", "")
    return request


def checked_text(text: str, topic: str) -> str:
    """The text, when there is some.  Raises BadInput when there is none."""
    if not text.strip():
        raise BadInput("the text is empty, so there is nothing to explain.", f'Try: tfx explain {topic} --text "a cat"')
    return text


def checked_seed(value: str) -> int:
    if not (value.isascii() and value.isdigit()) or len(value) > 18:
        raise BadInput(f'seed needs a whole number from 0 up, but got "{value}".', "")
    return int(value)


def unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def changed_walk(topic: Topic, steps: Walk, at: int, request: Request) -> Changed:
    """The walk anew, at the same step or, where that is no longer there, at the nearest before it.  The step is run, so
    that what it cannot show is known now.  Raises BadInput."""
    from lessons.walk import walk

    new = walk(topic, request)
    name = next((name for name in reversed(steps.names[: at + 1]) if name in new.names), new.names[0])
    there = new.names.index(name)
    note = "" if name == steps.names[at] else f"There is no step {steps.names[at]} now; this is the nearest before it."
    new[there]
    return Changed(new, there, note)


def list_changes(topic: Topic, request: Request) -> None:
    """What can be changed: its present value, what it means and what it may be."""
    from lessons.course import lesson_of
    from tfx.settings import describe

    lesson = lesson_of(topic)
    shown = {f"{one.name}={one.default}": "; ".join(filter(None, (one.about, one.allowed)))
             for one in describe(request.settings)}  # fmt: skip
    if lesson.text is not None:
        shown[printable(f"text={request.text or lesson.text}")] = "the sentence; it takes the rest of the line"
    shown[f"seed={request.seed}"] = "everything random follows from it; a whole number"
    column = 2 + min(max(map(len, shown)), BESIDE)
    for now, meaning in shown.items():
        for line in (
            labelled(now, meaning, prose_width(), column=column) if len(now) < column else own_line(now, meaning)
        ):
            show_line(line)
    answer("Enter alone leaves all as it is.")


def own_line(now: str, meaning: str) -> list[str]:
    """What is too long to stand beside its meaning, above it."""
    return [f"  {now}", *(f"      {line}" for line in wrapped(meaning, prose_width() - 6))]
