"""`tfx doctor`: what this installation, terminal and data folder can do, and what to do about the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from tfx_cli import options
from tfx_cli.options import Face
from tfx_cli.render.show import show_document, show_records
from tfx_cli.terminal.lines import show_line
from tfx_cli.terminal.progress import progress_on_stderr

if TYPE_CHECKING:
    from tfx_cli.diagnosis.finding import Finding

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def doctor(json: options.Json = False, plain: options.Plain = False) -> None:
    """Check this installation, terminal and folders.

    Exit code 0 when all is well, 3 when something is broken; each problem comes with the next action.

    \b
    examples
      tfx doctor
      tfx doctor --json
    """
    from tfx.records import Column, Table
    from tfx_cli.diagnosis.examination import diagnose

    face = options.face(json, plain)
    with progress_on_stderr() as progress:
        findings = diagnose(progress)
    problems = [finding for finding in findings if finding.state == "problem"]
    rows = tuple(map(asdict, findings))
    if face is Face.json:
        show_document({"name": "doctor", "healthy": not problems, "findings": rows})
    elif face is Face.plain:
        columns = tuple(Column(key, key) for key in ("state", "area", "name", "value", "action"))
        show_records([Table("tfx doctor", columns, rows)], face)
    else:
        for line in page_lines(findings):
            show_line(line)
        show_line()
        show_line(verdict(len(problems)))
    if problems:
        raise typer.Exit(3)


def page_lines(findings: Sequence[Finding]) -> Iterator[str]:
    """One line a finding under the name of its area; what to do about it on a line below."""
    area = ""
    for finding in findings:
        if finding.area != area:
            area = finding.area
            yield area
        mark = "" if finding.state == "ok" else f"   [{finding.state}]"
        yield f"  {finding.name:<13} {finding.value}{mark}"
        if finding.action:
            yield f"  {'':<13} -> {finding.action}"


def verdict(problems: int) -> str:
    """The closing line."""
    if not problems:
        return "All is well.   next: tfx explain intuition"
    return f"{problems} problem{'s' if problems > 1 else ''}: follow the arrows above, then run tfx doctor again."
