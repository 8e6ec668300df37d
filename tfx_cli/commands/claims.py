"""`tfx claims`: the ledger of sentences that people repeat, and the measurement that decides each."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tfx.errors import BadInput
from tfx_cli import options
from tfx_cli.options import Face
from tfx_cli.terminal.lines import show_line, tell, write

if TYPE_CHECKING:
    from tfx.claims import Claim
    from tfx_cli.measurement import Asked

BET = "1 holds   2 holds under a condition that it leaves out   3 does not hold"

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def complete_claim(incomplete: str) -> list[tuple[str, str]]:
    """Ids for TAB."""
    from tfx_cli.learner.own_claims import all_claims

    known = {id: one.says for id, one in all_claims().items()}
    return options.completions(known, incomplete.upper())


@app.command()
def claims(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID or WORDS]", autocompletion=complete_claim, help="A claim to measure, or words to look for."
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Measure every claim; exit code 1 if a verdict changed.")
    ] = False,
    predict: Annotated[bool, typer.Option("--predict", help="Bet on the verdict first; the score is kept.")] = False,
    add: Annotated[Path | None, typer.Option("--add", metavar="FILE", help="Add claims of your own.")] = None,
    template: Annotated[bool, typer.Option("--template", help="Print a file to start from, for --add.")] = False,
    seed: options.Seed = 0,
    quick: Annotated[bool, typer.Option("--quick", help="As small as a verdict allows.")] = False,
    html: options.HtmlPath = None,
    details: options.Details = False,
    resume: Annotated[bool, typer.Option("--resume", help="With --all: go on with what Ctrl-C left.")] = False,
    workers: options.Workers = 0,
    cluster: options.Cluster = "",
    json: options.Json = False,
    plain: options.Plain = False,
) -> None:
    """Look up what people say, and measure whether it is so.

    Without a word: the sections.  A claim's id measures it; any other words list the claims that speak of them.
    A verdict is "holds", "holds when", "does not hold" or "not measurable here", and follows from measurements alone.

    \b
    examples
      tfx claims
      tfx claims positions
      tfx claims C001 --predict
      tfx claims --all --quick
      tfx claims --template > mine.py
      tfx claims --add mine.py
    """
    face = options.face(json, plain)
    given = " ".join(words or ())
    if sum((every, add is not None, template, bool(given))) > 1:
        raise BadInput("a claim, --all, --add and --template are four things to ask for.", "Give one of them.")
    if predict and not given:
        raise BadInput("--predict bets on one claim.", "For example: tfx claims C001 --predict")
    if (resume or workers or cluster) and not every:
        raise BadInput("--resume, --workers and --cluster go with --all.", "For example: tfx claims --all --workers 2")
    if template:
        from tfx_cli.learner.own_claims import TEMPLATE

        write(TEMPLATE)
    elif add is not None:
        add_file(add)
    elif every:
        from tfx_cli.measurement import Asked, Files

        files = Files(None, None, html)
        measure_all(Asked(seed, quick, "cpu", files, face, resume, False, details, workers=workers, cluster=cluster))
    else:
        show_found(given, seed, quick, html, face, predict)


def add_file(path: Path) -> None:
    """Checks the reader's file and keeps it."""
    from tfx_cli.learner.own_claims import added

    found, kept = added(path)
    for judged in found:
        show_line(f"{judged.claim.id}: {judged.claim.says}  Verdict: {judged.found}.")
    show_line(f"kept as {kept}")
    show_line(f"measure it: tfx claims {found[0].claim.id}")


def measure_all(asked: Asked) -> None:
    """As an experiment whose rows are verdicts."""
    from tfx.claims import every
    from tfx_cli.learner.own_claims import all_claims
    from tfx_cli.measurement import measure_and_show

    known = all_claims()
    settings = every.Settings()
    if asked.workers or asked.cluster:  # another process knows the claims that come with tfx, and no others
        shipped = [id for id, one in known.items() if one.measure is None or one.measure.__module__ in sys.modules]
        if len(shipped) < len(known):
            tell("your own claims are left out: they are measured without --workers and --cluster.")
            settings = every.Settings(only=tuple(shipped))
    measure_and_show(every, "tfx claims --all", [], asked, settings)


def show_found(given: str, seed: int, quick: bool, html: Path | None, face: Face, predict: bool) -> None:
    """The sections, a list, or one claim, which is measured."""
    from tfx_cli.learner.own_claims import all_claims
    from tfx_cli.render.pages import claims as page
    from tfx_cli.render.show import show_document, show_list, show_records

    known = all_claims()
    if not given and face is Face.terminal and html is None:
        show_records([page.overview(known.values())], face)
        show_line(page.WHAT_NEXT)
        return
    from tfx.claims import find_claims

    found: list[Claim] = find_claims(given) if given else list(known.values())
    if len(found) == 1 and given.strip().upper() == found[0].id.upper():
        measure_one(found[0], seed, quick, html, face, predict)
    elif predict:
        raise BadInput(
            f'"{given}" is not one claim but {len(found)}.', f"For example: tfx claims {found[0].id} --predict"
        )
    elif html is not None:
        page.save(html, f"Claims: {given}" if given else "Claims", [page.listed(found)], face)
    elif face is Face.json:
        show_document({"rows": [page.row_of(one) for one in found]})
    elif face is Face.plain:
        show_records([page.listed(found)], face)
    else:
        lines = {one.id: f"{one.says}  ({one.verdict})" for one in found}
        title = f"{len(found)} claims" if len(found) > 1 else "1 claim"
        show_list(title, lines, f"measure one: tfx claims {found[0].id}", face)


def measure_one(one: Claim, seed: int, quick: bool, html: Path | None, face: Face, predict: bool) -> None:
    """Measures it and shows what came out; exit code 1 when the verdict has changed."""
    from tfx.claims import Trial, judge
    from tfx_cli.render.pages import claims as page
    from tfx_cli.render.show import show_document, show_records

    said = ""
    if predict:
        from tfx_cli.learner import bets

        bet = ask_for_bet(one, bets.CHOICES)
        judged = judge(one, Trial(seed, quick))
        said = bets.settled(one, bet, judged.found)
    else:
        judged = judge(one, Trial(seed, quick))
    if face is Face.json:
        show_document(page.judged_fields(judged, seed, quick))
    else:
        show_records(page.records_of(judged, said), face)
    if html is not None:
        page.save(html, f"{one.id}: {one.says}", page.records_of(judged), face)
    if judged.changed:
        raise typer.Exit(1)


def ask_for_bet(one: Claim, choices: Sequence[str]) -> str:
    """One of the choices, or "" for Enter alone.  Raises EOFError at the end of the input."""
    from tfx_cli.explaining.prompt import answer, ask_line
    from tfx_cli.render.wrapping import wrapped
    from tfx_cli.terminal.console import prose_width

    for line in (*wrapped(f"{one.id}  {one.says}", prose_width()), "", *wrapped(BET, prose_width())):
        show_line(line)
    while True:
        typed = ask_line().strip().lower()
        if not typed or typed in choices:
            return typed
        if typed in ("1", "2", "3"):
            return choices[int(typed) - 1]
        answer("Type 1, 2 or 3.  Enter alone measures without a bet.")
