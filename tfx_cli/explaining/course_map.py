"""`tfx explain` alone: the whole course, or one module of it.  Reads only; imports neither NumPy nor Rich."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tfx_cli.explaining import course_page as page
from tfx_cli.learner.progress import progress
from tfx_cli.learner.standing import standings
from tfx_cli.learner.state import open_to_read
from tfx_cli.options import Face
from tfx_cli.render.files import write_whole
from tfx_cli.render.sentences import saved_line
from tfx_cli.render.show import show_document
from tfx_cli.render.terminal_lists import put, put_bold
from tfx_cli.terminal.console import prose_width
from tfx_cli.terminal.lines import show_line, tell


def show_map(face: Face, module: str | None = None, plot: Path | None = None) -> None:
    """All modules, or the one of that number, with what this reader has seen of them.  plot: where to save it as a
    picture."""
    from lessons.course import find_module, modules, topics

    shown = modules() if module is None else (find_module(module),)
    with open_to_read() as state:
        stands = standings(topics(), progress(state), state.answers(), state.due(), datetime.now(UTC))
        notice = state.notice
    if notice:
        tell("tfx: " + notice)
    if plot:
        from tfx_cli.render.course_picture import picture_of_course

        seen = {name: standing.words for name, standing in stands.items() if standing.word != "new"}
        write_whole(plot, picture_of_course(shown, seen, plot.suffix))
    if face is Face.json:
        show_document(page.document_of(shown, stands))
    elif face is Face.plain:
        put(page.plain_lines(shown, stands))
    else:
        for line, is_heading in page.terminal_lines(shown, stands, prose_width()):
            (put_bold if is_heading else put)([line])
    if plot and face is not Face.json:
        show_line(saved_line(plot, face))
