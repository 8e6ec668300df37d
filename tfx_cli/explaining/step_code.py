"""The code that a step ran: first in a few lines, proved equal to the library's, then the library's own."""

from __future__ import annotations

from tfx.records import Code, Step
from tfx_cli.explaining.manner import Manner
from tfx_cli.explaining.prompt import answer_lines
from tfx_cli.render.number_text import brief
from tfx_cli.render.source_code import link_of, short_source_of, source_of
from tfx_cli.render.terminal_records import print_source
from tfx_cli.terminal.console import output
from tfx_cli.terminal.lines import show_line

#: how often `c` is pressed until the code is away again
NONE, SHORT, SOURCE = range(3)


def targets_of(step: Step) -> list[Code]:
    return [record for record in step.records if isinstance(record, Code)]


def pressed(level: int, step: Step) -> int:
    """What is shown after one more `c`: the few lines, the source where that says more, nothing."""
    from tfx.short_forms import is_short

    if level == SHORT and all(is_short(record.target) for record in targets_of(step)):
        return NONE
    return (level + 1) % 3


def show_code(step: Step, manner: Manner) -> None:
    """The code of every function that the step names."""
    for record in targets_of(step):
        show_line()
        if manner.short:
            show_short(record.target, more=manner.screen and not manner.code, source=manner.code)
        if manner.code:
            show_source(record.target)


def show_source(target: object) -> None:
    for line in answer_lines(f"code      {link_of(target)}"):
        show_line(line)
    show_line()
    print_source(source_of(target), output())


def show_short(target: object, more: bool, source: bool) -> None:
    """The short form and how far it is from the library's; the source where that is short itself; else why there is no
    short form.  more: another `c` shows the source; source: the source follows."""
    from tfx.short_forms import difference, is_short, short_form, why_whole

    form = short_form(target)
    place = link_of(target)
    again = " (c again)" if more else ""
    if form is not None:
        print_source(short_source_of(form), output())
        off = difference(target)
        same = "equal to the library's bit for bit" if off == 0 else f"equal to the library's to {brief(off, 1)}"
        say(f"{same}: {place}{again}")
    elif not is_short(target):
        say(f"{place}: no short form, {why_whole(target)}{again}")
    elif not source:
        show_source(target)


def say(text: str) -> None:
    for line in answer_lines(text):
        show_line(line)
