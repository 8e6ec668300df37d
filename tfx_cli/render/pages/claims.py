"""What `tfx claims` shows: sections with their counts, a list, or all about one claim that was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tfx.claims import Claim, Judged
from tfx.claims.claim import SOURCES, Verdict
from tfx.records import Column, Record, Table, Text, Try
from tfx_cli.options import Face
from tfx_cli.render.json import check_fields
from tfx_cli.render.sentences import saved_line
from tfx_cli.terminal.lines import show_line

WHAT_NEXT = """\

a section:  tfx claims positions
a claim:    tfx claims C001
all:        tfx claims --all --quick"""

#: What a check speaks for -> the words in front of it.
ROLES = {"for": "speaks for it", "against": "speaks against it", "": "beside it"}


def overview(known: Iterable[Claim]) -> Table:
    """One row per section, with how many come out how."""
    found = list(known)
    counts = Counter((one.section, one.verdict) for one in found)
    columns = (Column("section", "section"), *(Column(verdict, verdict) for verdict in Verdict))
    sections = dict.fromkeys(one.section for one in found)
    rows = [{"section": name, **{str(word): counts[name, word] for word in Verdict}} for name in sections]
    total = {str(word): sum(one.verdict == word for one in found) for word in Verdict}
    return Table(f"{len(found)} claims", columns, (*rows, {"section": "all", **total}))


def listed(found: Sequence[Claim]) -> Table:
    columns = [Column(key, key) for key in ("id", "claim", "verdict", "why", "experiment", "paper", "section", "where")]
    rows = [{**row_of(one), "where": " ".join(one.where)} for one in found]
    return Table(f"{len(found)} claims", tuple(columns), tuple(rows))


def row_of(one: Claim) -> dict[str, Any]:
    return {
        "id": one.id,
        "claim": one.says,
        "verdict": one.verdict.value,
        "why": one.why,
        "experiment": one.experiment,
        "paper": one.paper,
        "section": one.section,
        "where": list(one.where),
    }


def records_of(judged: Judged, said: str = "") -> list[Record]:
    """The claim, what was predicted and measured, the verdict, and where it goes on."""
    one = judged.claim
    found: list[Record] = [] if said else [Text(f"{one.id}  {one.says}")]
    for role, words in ROLES.items():
        checks = [check for speaks_for, check in judged.checks if speaks_for == role]
        if checks:
            found += [Text(f"{words}:"), *checks]
    found += [Text(said)] if said else []
    found.append(Text(verdict_in_words(judged)))
    if one.experiment:
        found.append(Try(f"tfx experiment {one.experiment}"))
    if one.paper:
        found.append(Text(f"paper: {one.paper}"))
    if one.where:
        texts = dict.fromkeys(place.partition(":")[0] for place in one.where)
        found.append(Text(f"said in: {', '.join(f'{SOURCES[name]} ({places_in(one, name)})' for name in texts)}"))
    return found


def places_in(one: Claim, source: str) -> str:
    lines = [place.partition(":")[2] for place in one.where if place.startswith(f"{source}:")]
    return f"{source}, line{'s' * (len(lines) > 1)} {', '.join(lines)}"


def verdict_in_words(judged: Judged) -> str:
    """`Verdict: it holds when ...`, and how it was before, where that differs."""
    recorded = judged.claim.verdict
    if not judged.changed:
        link = "" if recorded == Verdict.conditional else ":"
        return f"Verdict: {recorded}{link} {judged.claim.why}"
    now = f'the verdict now is "{judged.found}"' if judged.found else "nothing is decided now"
    return f'Changed: {now}, on record is "{recorded}".'


def judged_fields(judged: Judged, seed: int, quick: bool) -> dict[str, Any]:
    return {
        **row_of(judged.claim),
        "found": str(judged.found),
        "changed": judged.changed,
        "number": judged.number,
        "seed": seed,
        "quick": quick,
        "checks": [{"speaks": role, **check_fields(check)} for role, check in judged.checks],
    }


def save(path: Path, title: str, records: Sequence[Record], face: Face) -> None:
    """One self-contained page."""
    from tfx_cli.render.files import require_writable, write_whole
    from tfx_cli.render.html import html, page, text

    require_writable(path, (".html",))
    body = [f"<h1>{text(title)}</h1>", *map(html, records)]
    write_whole(path, page(title, body).encode("utf-8", "replace"))
    if face is not Face.json:
        show_line(saved_line(path, face))
