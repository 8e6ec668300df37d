"""The Markdown face: prose and formulas for a page, and in fences what `tfx explain` prints of numbers.

Prose is escaped, so that a product `q*k` stays a product and an index `q_1` an index; the fences need no escaping.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from tfx import records
from tfx_cli.render.paper import as_text
from tfx_cli.render.sentences import answer_of, source_words, verdict_words
from tfx_cli.terminal.printable import printable

#: what is computed, and shown as the terminal shows it
NUMBERS = (records.Matrix, records.Table, records.Plot, records.Check)
#: signs that mean something inside a line, and at its start
INSIDE = re.compile(r"[\\`*_\[\]<>$~|]")
AT_START = re.compile(r"^(?:(?=[#+=-])|(\d+)(?=[.)](?:\s|$)))")


def escaped(text: str) -> str:
    """Prose that means itself."""
    safe = INSIDE.sub(r"\\\g<0>", printable(text).replace("&", "&amp;"))
    return "\n".join(AT_START.sub(r"\1\\", line) for line in safe.split("\n"))


def fenced(text: str, language: str = "text") -> str:
    """Text that stays as it is, line by line."""
    fence = "`" * max(3, 1 + max((len(ticks) for ticks in re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def folded(summary: str, body: str) -> str:
    """What the reader opens."""
    return f"<details>\n<summary>{escaped(summary)}</summary>\n\n{body}\n\n</details>"


def markdown(shown: Iterable[records.Record]) -> str:
    """Records one after the other; numbers that stand together share a fence, and so do formulas.  Code is left out."""
    visible = [record for record in shown if not isinstance(record, records.Code)]
    parts = [part for like, group in groupby(visible, key=kind) for part in blocks(like, list(group))]
    return "\n\n".join(part for part in parts if part)


def kind(record: records.Record) -> type:
    """All that is computed is of one kind."""
    return records.Check if isinstance(record, NUMBERS) else type(record)


def blocks(like: type, group: Sequence[records.Record]) -> list[str]:
    """Blocks of records of one kind."""
    if like in (records.Check, records.Formula):
        return [fenced(unindented(as_text(group)))]
    return [block(record) for record in group]


def block(record: records.Record) -> str:
    """One record that is a block by itself."""
    match record:
        case records.Text():
            return escaped(record.text)
        case records.Question():
            return f"**Predict:** {escaped(record.prompt)}\n\n{folded('answer', escaped(answer_of(record)))}"
        case records.Said():
            return f'**Said:** "{escaped(record.sentence)}"\n\n{escaped(verdict_words(record))}'
        case records.Source():
            return f"*Source:* {escaped(source_words(record))}"
        case records.See():
            return f"*See also:* {escaped(record.title)}\n\n{fenced(record.command, 'sh')}"
        case records.Try():
            return f"*What if:*\n\n{fenced(record.command, 'sh')}"
    raise TypeError(f"no Markdown face for {type(record).__name__}")


def unindented(text: str) -> str:
    """Without the margin that a terminal page has."""
    lines = text.split("\n")
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[margin:] for line in lines)


def prose(text: str) -> str:
    """The text of a quiz as blocks."""
    return "\n\n".join(fenced(part) if is_code else escaped(part) for is_code, part in parts_of_prose(text))


def parts_of_prose(text: str) -> Iterator[tuple[bool, str]]:
    """Lines of prose join into paragraphs; those that are indented by two spaces stay as they are, without the indent:
    (whether it stays as it is, the text)."""
    lines = printable(text).rstrip().split("\n")
    for is_code, group in groupby(lines, key=lambda line: line.startswith("  ") if line.strip() else None):
        if is_code is not None:
            together = list(group)
            yield is_code, unindented("\n".join(together)) if is_code else " ".join(one.strip() for one in together)
