"""Records as text that is pasted somewhere: 80 columns, ASCII, no colour, whatever terminal it is made on."""

from __future__ import annotations

import io
from collections.abc import Iterable
from contextlib import redirect_stdout
from dataclasses import replace

from tfx.records import Matrix, Record
from tfx_cli.terminal.console import on_paper

COLUMNS = 80


def as_text(records: Iterable[Record]) -> str:
    """What `tfx explain` prints of these records in a pipe, every row of a matrix included."""
    from tfx_cli.render.terminal_records import print_records

    whole = [replace(record, focus=()) if isinstance(record, Matrix) else record for record in records]
    paper = io.StringIO()  # has no encoding, so that what is written to it is ASCII
    with on_paper(COLUMNS), redirect_stdout(paper):
        print_records(whole)
    return paper.getvalue()
