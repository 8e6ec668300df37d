"""The HTML face: one self-contained page that needs no network and no script, and prints well.

Matrices are tables with numbers on coloured cells; curves and their text stand inside as SVG.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import singledispatch
from html import escape
from pathlib import Path
from typing import Any

from tfx import records
from tfx_cli.render.colors import readable_on
from tfx_cli.render.matrix_text import Grid
from tfx_cli.render.number_text import column_texts, is_number, label_of
from tfx_cli.render.sentences import answer_of, check_numbers, source_words, verdict_words
from tfx_cli.render.source_code import link_of, source_of
from tfx_cli.render.tex import mathml, twin_of
from tfx_cli.terminal.printable import printable

#: a matrix larger than this is coloured without numbers in the cells (they are in the tooltips)
NUMBERS = 32

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #111 }
h1 { font-size: 1.5rem }
h2 { font-size: 1.15rem; margin-top: 2.5rem; border-top: 1px solid #ccc; padding-top: 1rem }
pre, code, .formula { font-family: ui-monospace, monospace; font-size: 0.9rem }
pre { background: #f4f4f4; padding: 0.75rem; overflow-x: auto }
.formula { white-space: pre-wrap }
.formula math { font-size: 1.15em }
details { margin: 1rem 0 }
summary { cursor: pointer; font-weight: 600 }
.wide { overflow-x: auto }
table { border-collapse: collapse; margin: 0.5rem 0 }
caption { text-align: left; font-weight: 600; white-space: pre-wrap; width: max-content; max-width: 90vw }
th, td { padding: 0.15rem 0.6rem; text-align: left }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
table.matrix td, table.matrix th { padding: 0.1rem 0.35rem; font-size: 0.8rem; text-align: right }
.pass { color: #046a04; font-weight: 700 }
.fail { color: #b00020; font-weight: 700 }
.note { color: #444; white-space: pre-wrap }
svg { max-width: 100%; height: auto }
"""


def page(title: str, body: Iterable[str]) -> str:
    """A whole document."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def text(value: object) -> str:
    return escape(printable(str(value)))


@singledispatch
def html(record: records.Record) -> str:
    """The markup of one record."""
    raise TypeError(f"no HTML face for {type(record).__name__}")


@html.register
def _(record: records.Text) -> str:
    return f"<p>{text(record.text)}</p>"


@html.register
def _(record: records.Formula) -> str:
    shapes = f"      <span class='note'>{text(record.shapes)}</span>" if record.shapes else ""
    lines = [record.tex] if record.tex else [twin_of(line) for line in record.text.splitlines()]
    spoken = [record.text] if record.tex else record.text.splitlines()
    typeset = "<br>".join(mathml(tex, printable(line)) for tex, line in zip(lines, spoken, strict=True))
    return f"<p class='formula'>{typeset}{shapes}</p>"


@html.register
def _(record: records.Matrix) -> str:
    grid = Grid.of(record)
    form = grid.form if 0 not in grid.shape else None
    times = f", all numbers times 1e{form.exponent}" if form and form.exponent else ""
    head = "".join(f"<th scope='col'>{text(label)}</th>" for label in grid.col_labels)
    rows = []
    for i in grid.shown_rows:
        cells = "".join(matrix_cell(grid, value, form.text(value) if form else "") for value in grid.values[i])
        rows.append(f"<tr><th scope='row'>{text(grid.row_labels[i])}</th>{cells}</tr>")
    facts = "\n".join(filter(None, (grid.zero_words(), grid.caption())))
    note = f"<p class='note'>{text(facts)}</p>" + (f"<p>{text(record.note)}</p>" if record.note else "")
    return (
        f"<div class='wide'><table class='matrix'><caption>{text(grid.heading() + times)}</caption>"
        f"<tr><td></td>{head}</tr>{''.join(rows)}</table></div>{note}"
    )


def matrix_cell(grid: Grid, value: Any, shown: str) -> str:
    background = grid.scale.color(value)
    in_cell = shown if max(grid.shape) <= NUMBERS else ""
    title = f" title='{shown}'" if not in_cell else ""
    if background is None:
        return f"<td{title}>{in_cell}</td>"
    colors = f"background:rgb{background};color:rgb{readable_on(background)}".replace(" ", "")
    return f"<td style='{colors}'{title}>{in_cell}</td>"


@html.register
def _(record: records.Table) -> str:
    return html_table(record.title, record.columns, record.rows)


def html_table(title: str, columns: Sequence[records.Column], rows: Sequence[Mapping[str, Any]]) -> str:
    """A table; numbers to the right."""
    numeric = [any(is_number(row.get(column.key)) for row in rows) for column in columns]
    kinds = [" class='number'" if right else "" for right in numeric]
    head = "".join(
        f"<th scope='col'{kind}>{text(label_of(column))}</th>" for column, kind in zip(columns, kinds, strict=True)
    )
    texts = [column_texts([row.get(column.key) for row in rows], column.digits) for column in columns]
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{text(cell)}</td>" for kind, cell in zip(kinds, cells, strict=True)) + "</tr>"
        for cells in zip(*texts, strict=True)
    )
    caption = f"<caption>{text(title)}</caption>" if title else ""
    return f"<div class='wide'><table>{caption}<tr>{head}</tr>{body}</table></div>"


@html.register
def _(record: records.Plot) -> str:
    from tfx_cli.render.plots import picture_of_plots

    svg = picture_of_plots([record], ".svg").decode("utf-8")
    return f"<figure role='img' aria-label='{text(record.title)}'>{without_addresses(svg)}</figure>"


def without_addresses(svg: str) -> str:
    """The drawing alone: no XML prologue and no metadata, which name addresses on the network."""
    svg = svg[svg.index("<svg") :]
    start, end = svg.find("<metadata>"), svg.find("</metadata>")
    return svg if start < 0 else svg[:start] + svg[end + len("</metadata>") :]


@html.register
def _(record: records.Code) -> str:
    return (
        f"<details><summary>code <code>{text(link_of(record.target))}</code></summary>"
        f"<pre>{text(source_of(record.target))}</pre></details>"
    )


@html.register
def _(record: records.Question) -> str:
    answer = f"<details><summary>answer</summary><p>{text(answer_of(record))}</p></details>"
    return f"<p><strong>Predict:</strong> {text(record.prompt)}</p>{answer}"


@html.register
def _(record: records.Check) -> str:
    word, kind = ("PASS", "pass") if record.holds else ("FAIL", "fail")
    numbers = f"<span class='note'>{text(check_numbers(record))}</span>"
    return f"<p><span class='{kind}'>{word}</span> {text(record.statement)} {numbers}</p>"


@html.register
def _(record: records.Said) -> str:
    return f"<p><strong>Said:</strong> &ldquo;{text(record.sentence)}&rdquo;<br>{text(verdict_words(record))}</p>"


@html.register
def _(record: records.Source) -> str:
    return f"<p class='note'>Source: {text(source_words(record))}</p>"


@html.register
def _(record: records.See) -> str:
    return f"<p>See also: {text(record.title)} <code>{text(record.command)}</code></p>"


@html.register
def _(record: records.Try) -> str:
    return f"<p>What if: <code>{text(record.command)}</code></p>"


def experiment_page(result: records.Result, command: str, code: Path | None = None) -> str:
    """A whole experiment, with what made it.  command: what was typed; code: the file that ran."""
    body = [
        f"<h1>{text(result.title)}</h1>",
        f"<p class='note'>{text(command)}</p>",
        *([f"<p><strong>Claim:</strong> {text(result.claim)}</p>"] if result.claim else []),
        *([html(result.question)] if result.question else []),
        *(html(note) for note in result.notes[:1]),
        html_table("", result.columns, result.rows),
        *(html(check) for check in result.checks),
        *(html(plot) for plot in result.plots),
        *(html(note) for note in result.notes[1:]),
        *made_with(result),
        *([folded(f"The code that ran: {code.name}", code.read_text(encoding="utf-8"))] if code else []),
    ]
    return page(result.title, body)


def made_with(result: records.Result) -> list[str]:
    """Parameters, seed and versions: what the numbers depend on."""
    from importlib.metadata import version
    from platform import python_version

    import tfx

    depends = {"seed": result.seed, **result.params}
    rows = [{"name": key, "value": str(value)} for key, value in depends.items()]
    rows += [
        {"name": name, "value": value}
        for name, value in (("tfx", tfx.__version__), ("NumPy", version("numpy")), ("Python", python_version()))
    ]
    columns = (records.Column("name", "what it depends on"), records.Column("value", "here"))
    return [html_table("", columns, rows)]


def folded(summary: str, source: str) -> str:
    """Code that the reader opens."""
    return f"<details><summary>{text(summary)}</summary><pre>{text(source)}</pre></details>"


def walkthrough_page(title: str, steps: Sequence[records.Step]) -> str:
    """A whole walkthrough."""
    body = [f"<h1>{text(title)}</h1>"]
    for number, step in enumerate(steps, 1):
        body.append(f"<h2>{number}/{len(steps)} {text(step.title)}</h2>")
        body += [html(record) for record in step.records]
        body += [html(suggestion) for suggestion in step.tries]
    return page(title, body)
