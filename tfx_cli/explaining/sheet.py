"""`tfx explain 3 --lesson`: the cheat sheet of a module."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from tfx_cli.explaining.manner import Manner
from tfx_cli.explaining.walk import show_page
from tfx_cli.options import Face
from tfx_cli.render.files import write_whole
from tfx_cli.render.sentences import saved_line
from tfx_cli.render.show import show_document
from tfx_cli.terminal.lines import show_line
from tfx_cli.terminal.progress import progress_on_stderr

if TYPE_CHECKING:
    from tfx.records import Step


def show_sheet(face: Face, number: str, seed: int, html: Path | None) -> bool:
    """The sheet of that module, and the page where one is asked for.  Returns whether every check holds.

    Raises BadInput for a number that no module has.
    """
    from lessons.cheat_sheet import sheet_of
    from lessons.course import find_module

    module = find_module(number)
    title, started = f"{module.title}: the cheat sheet", time.perf_counter()
    steps: list[Step] = []
    with progress_on_stderr() as progress:
        for place, topic in enumerate(module.topics):
            progress(place, len(module.topics), topic.title)
            steps.append(sheet_of(topic, seed))
    checks = [check for step in steps for check in step.checks]
    if html:
        from tfx_cli.render.html import walkthrough_page

        write_whole(html, walkthrough_page(title, steps).encode("utf-8", "replace"))
    if face is Face.json:
        from tfx_cli.render.json import check_fields, record_fields

        rows = [
            {"topic": step.name, "title": step.title, "records": [record_fields(one, False) for one in step.records]}
            for step in steps
        ]
        fields = {"module": module.number, "title": module.title, "seed": seed, "topics": rows}
        show_document(
            {**fields, "checks": [check_fields(one) for one in checks], "elapsed_s": time.perf_counter() - started}
        )
    else:
        show_page(title, steps, range(len(steps)), Manner(face), [topic.number for topic in module.topics])
        if html:
            show_line(saved_line(html, face))
    return all(check.holds for check in checks)
