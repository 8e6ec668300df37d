"""`tfx gradcheck`: the measured gradient error of every operation, and mistakes that the checker has to catch."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tfx_cli import options
from tfx_cli.options import Face
from tfx_cli.show import show_document, show_line, show_records
from tfx_cli.terminal.progress import progress_on_stderr

if TYPE_CHECKING:
    from tfx.gradcheck import CaseReport, ControlReport
    from tfx.records import Check, Table

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
    seed: options.Seed = 0,
    json: options.Json = False,
    plain: options.Plain = False,
) -> None:
    """Measure the gradient error of every operation.

    Each hand-derived backward is compared with numeric derivatives of its forward, in float64, with a random upstream
    gradient: by extrapolated differences (Richardson), and by the complex step, which is exact, where the forward is
    analytic.  Linear maps go through the adjoint test too.  Then backwards with a known mistake go through the same
    check, which has to catch them.  Exit code 1 when a gradient is wrong or a mistake is not caught.

    \b
    examples
      tfx gradcheck
      tfx gradcheck softmax
      tfx gradcheck attention layer_norm --json
    """
    from tfx.gradcheck import run_all, run_controls

    face = options.face(json, plain)
    names = operations or None
    began = time.perf_counter()
    with progress_on_stderr() as progress:
        cases = list(run_all(names, progress, seed))
        controls = list(run_controls(names, progress, seed))
    elapsed = time.perf_counter() - began
    checks = verdicts(cases, controls, complete=names is None)
    if face is Face.json:
        show_document(document_of(cases, controls, checks, seed, elapsed))
    else:
        show_records([errors_table(cases), controls_table(controls), *checks], face)
        if face is Face.terminal:
            show_line(f"\nseed {seed}, {elapsed:.1f} s")
            show_line("check your own code: from tfx.gradcheck import check_gradients")
    if not all(check.holds for check in checks):
        raise typer.Exit(1)


def errors_table(cases: list[CaseReport]) -> Table:
    """One row per case, with the largest error over its inputs by each method; "-" where a method does not apply."""
    from tfx.records import Column, Table

    columns = (
        Column("op", "operation"),
        Column("case", "case"),
        Column("error", "Richardson", digits=2),
        Column("complex", "complex step", digits=2),
        Column("adjoint", "adjoint", digits=2),
        Column("verdict", "verdict"),
    )
    rows = tuple(
        {
            "op": one.case.op,
            "case": one.case.variant,
            "error": one.report.worst,
            "complex": None if one.by_complex_step is None else one.by_complex_step.worst,
            "adjoint": None if one.by_adjoint is None else one.by_adjoint.worst,
            "verdict": "PASS" if one.passes else f"FAIL {one.worst_report.worst_input.summary()}",
        }
        for one in cases
    )
    return Table(f"Relative gradient errors in float64; {gates()}", columns, rows)


def gates() -> str:
    """What passes, in words: `Richardson below 1e-09 (...), complex step below 1e-12, adjoint below 1e-14`."""
    from tfx.gradcheck import ADJOINT_TOLERANCE, COMPLEX_TOLERANCE, MODEL_TOLERANCE, TOLERANCE

    return (
        f"Richardson below {TOLERANCE:.0e} (models {MODEL_TOLERANCE:.0e}), "
        f"complex step {COMPLEX_TOLERANCE:.0e}, adjoint {ADJOINT_TOLERANCE:.0e}"
    )


def controls_table(controls: list[ControlReport]) -> Table:
    """One row per backward that is wrong on purpose."""
    from tfx.records import Column, Table

    columns = (
        Column("op", "operation"),
        Column("mistake", "mistake made on purpose"),
        Column("error", "error", digits=2),
        Column("verdict", "verdict"),
    )
    rows = tuple(
        {
            "op": one.control.op,
            "mistake": one.control.mistake,
            "error": one.report.worst,
            "verdict": "caught" if one.caught else "NOT CAUGHT",
        }
        for one in controls
    )
    return Table("Controls: the check has to fail these", columns, rows)


def verdicts(cases: list[CaseReport], controls: list[ControlReport], complete: bool) -> list[Check]:
    """The statements that decide the exit code; `complete` adds the one about the registry."""
    from tfx.gradcheck import TOLERANCE, not_registered
    from tfx.records import Check

    checks = [
        Check(
            "gradients", "every backward is the derivative of its forward", 0.0,
            max(one.report.worst for one in cases), TOLERANCE, all(one.passes for one in cases),
        ),
        Check(
            "controls", "every mistake made on purpose is caught", len(controls),
            sum(one.caught for one in controls), "all of them", all(one.caught for one in controls),
        ),
    ]  # fmt: skip
    if complete:
        missing = not_registered()
        statement = "every backward of the library is registered"
        checks.append(
            Check("registry", statement, "none missing", ", ".join(missing) or "none missing", "", not missing)
        )
    return checks


def document_of(
    cases: list[CaseReport], controls: list[ControlReport], checks: list[Check], seed: int, elapsed: float
) -> dict[str, Any]:
    """The JSON document: one row per input of each case; an error that is no finite number is null."""
    from tfx.gradcheck import ADJOINT_TOLERANCE, COMPLEX_TOLERANCE, MODEL_TOLERANCE, TOLERANCE

    columns = {"op": "operation", "case": "case", "input": "input", "error": "relative error, Richardson"}
    columns |= {"complex_error": "relative error, complex step", "adjoint_error": "relative error, adjoint"}
    columns |= {"passes": "passes"}
    return {
        "name": "gradcheck",
        "seed": seed,
        "gate": TOLERANCE,
        "gates": {
            "error": TOLERANCE,
            "models": MODEL_TOLERANCE,
            "complex_error": COMPLEX_TOLERANCE,
            "adjoint_error": ADJOINT_TOLERANCE,
        },
        "columns": [{"key": key, "label": label, "unit": ""} for key, label in columns.items()],
        "rows": [{key: getattr(row, key) for key in columns} for one in cases for row in one.rows()],
        "controls": [
            {"name": f"{one.control.op}: {one.control.mistake}", "error": one.report.worst, "caught": one.caught}
            for one in controls
        ],
        "checks": [
            {field: getattr(one, field) for field in ("id", "statement", "expected", "measured", "tolerance", "holds")}
            for one in checks
        ],
        "elapsed_s": elapsed,
    }
