"""`tfx doctor`: what this installation, terminal and data folder can do, and what to do about the rest."""

from __future__ import annotations

import typer

from tfx_cli import options
from tfx_cli.options import Face
from tfx_cli.show import show_document, show_line, show_records

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
    from tfx_cli.diagnosis import as_rows, diagnose

    face = options.face(json, plain)
    findings = diagnose()
    problems = [one for one in findings if one.state == "problem"]
    if face is Face.json:
        show_document({"name": "doctor", "healthy": not problems, "findings": as_rows(findings)})
    elif face is Face.plain:
        columns = tuple(Column(key, key) for key in ("state", "area", "name", "value", "action"))
        show_records([Table("tfx doctor", columns, tuple(as_rows(findings)))], face)
    else:
        area = ""
        for one in findings:
            if one.area != area:
                area = one.area
                show_line(area)
            mark = "" if one.state == "ok" else f"   [{one.state}]"
            show_line(f"  {one.name:<13} {one.value}{mark}")
            if one.action:
                show_line(f"  {'':<13} -> {one.action}")
        show_line()
        show_line(verdict(len(problems)))
    if problems:
        raise typer.Exit(3)


def verdict(problems: int) -> str:
    """The closing line."""
    if not problems:
        return "All is well.   next: tfx explain attention"
    return f"{problems} problem{'s' if problems > 1 else ''}: follow the arrows above, then run tfx doctor again."
