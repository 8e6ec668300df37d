"""`tfx gradcheck`: the measured gradient error of every operation, and mistakes that the checker has to catch."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from tfx.errors import unknown_name
from tfx_cli import options
from tfx_cli.options import Face
from tfx_cli.render.show import show_document, show_records
from tfx_cli.terminal.lines import show_line
from tfx_cli.terminal.progress import progress_on_stderr
from tfx_cli.words import operation_names, words_called

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def complete_operation(incomplete: str) -> list[str]:
    """Names for TAB."""
    from tfx.gradcheck import op_names

    return [name for name in op_names() if name.startswith(incomplete)]


@app.command()
def gradcheck(
    operations: Annotated[
        list[str] | None, typer.Argument(metavar="[OP]...", autocompletion=complete_operation, help="Without it: all.")
    ] = None,
    details: Annotated[bool, typer.Option("--details", help="A row for every case, also of all operations.")] = False,
    seed: options.Seed = 0,
    json: options.Json = False,
    plain: options.Plain = False,
) -> None:
    """Measure the gradient error of every operation.

    Each hand-derived backward is compared with numeric derivatives of its forward, in float64, with a random upstream
    gradient: by extrapolated differences (Richardson), and by the complex step, which is exact, where the forward is
    analytic.  Linear maps go through the adjoint test too.  Then backwards with a known mistake go through the same
    check, which has to catch them.  Exit code 1 when a gradient is wrong or a mistake is not caught.
    All operations make a summary by room of tfx; --details, and operations that you name, have a row for every case.

    \b
    examples
      tfx gradcheck
      tfx gradcheck softmax
      tfx gradcheck attention layer_norm --json
    """
    face = options.face(json, plain)
    refuse_other_words(operations or [])
    from tfx.gradcheck import run_all, run_controls
    from tfx_cli.render.pages import gradcheck as page

    names = operations or None
    began = time.perf_counter()
    with progress_on_stderr() as progress:
        cases = list(run_all(names, progress, seed))
        controls = list(run_controls(names, progress, seed))
    elapsed = time.perf_counter() - began
    checks = page.verdicts(cases, controls, complete=names is None)
    if face is Face.json:
        show_document(page.document_of(cases, controls, checks, seed, elapsed))
    else:
        short = names is None and not details and face is Face.terminal
        rows = [page.errors_table(cases), *([page.controls_table(controls)] if controls else [])]
        if short:
            show_records([*page.summary_tables(cases, controls), *page.folded(checks)], face)
        else:
            show_records([*rows, *checks], face)
        if face is Face.terminal:
            show_line(f"\nseed {seed}, {elapsed:.1f} s")
            if short:
                show_line("every case: tfx gradcheck --details      of one operation: tfx gradcheck softmax")
            show_line("check your own code: from tfx.gradcheck import check_gradients")
    if not all(check.holds for check in checks):
        raise typer.Exit(1)


def refuse_other_words(names: list[str]) -> None:
    """Raises BadInput for what names something else here, before anything is imported that takes time."""
    for name in names:
        kinds = {word.kind for word in words_called(name)}
        if kinds and "operation" not in kinds and "." not in name:
            raise unknown_name("operation", name, operation_names(), "tfx gradcheck")
