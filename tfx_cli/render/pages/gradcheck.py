"""What `tfx gradcheck` shows: errors, caught mistakes, the verdict, and the JSON document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tfx.gradcheck import ADJOINT_TOLERANCE, COMPLEX_TOLERANCE, MODEL_TOLERANCE, TOLERANCE, not_registered
from tfx.records import Check, Column, Table
from tfx_cli.render.json import check_fields, column_fields

if TYPE_CHECKING:
    from tfx.gradcheck import CaseReport, ControlReport, Report

ERROR_COLUMNS = (
    Column("op", "operation"),
    Column("case", "case"),
    Column("error", "Richardson", digits=2),
    Column("complex", "complex step", digits=2),
    Column("adjoint", "adjoint", digits=2),
    Column("verdict", "verdict"),
)

CONTROL_COLUMNS = (
    Column("op", "operation"),
    Column("mistake", "mistake made on purpose"),
    Column("error", "error", digits=2),
    Column("verdict", "verdict"),
)

#: of the document, which has one row per input of each case
INPUT_COLUMNS = (
    Column("op", "operation"),
    Column("case", "case"),
    Column("input", "input"),
    Column("error", "relative error, Richardson"),
    Column("complex_error", "relative error, complex step"),
    Column("adjoint_error", "relative error, adjoint"),
    Column("passes", "passes"),
)


def errors_table(cases: Sequence[CaseReport]) -> Table:
    """One row per case, with the largest error over its inputs by each method; "-" where a method does not apply."""
    rows = tuple(
        {
            "op": measured.case.op,
            "case": measured.case.variant,
            "error": measured.report.worst,
            "complex": worst_of(measured.by_complex_step),
            "adjoint": worst_of(measured.by_adjoint),
            "verdict": "PASS" if measured.passes else f"FAIL {measured.worst_report.worst_input.summary()}",
        }
        for measured in cases
    )
    return Table(f"Relative gradient errors in float64; {gates()}", ERROR_COLUMNS, rows)


def worst_of(report: Report | None) -> float | None:
    return None if report is None else report.worst


def gates() -> str:
    """What passes, in words: `Richardson below 1e-09 (...), complex step below 1e-12, adjoint below 1e-14`."""
    return (
        f"Richardson below {TOLERANCE:.0e} (models {MODEL_TOLERANCE:.0e}), "
        f"complex step {COMPLEX_TOLERANCE:.0e}, adjoint {ADJOINT_TOLERANCE:.0e}"
    )


def controls_table(controls: Sequence[ControlReport]) -> Table:
    """One row per backward that is wrong on purpose."""
    rows = tuple(
        {
            "op": tried.control.op,
            "mistake": tried.control.says,
            "error": tried.report.worst,
            "verdict": "caught" if tried.caught else "NOT CAUGHT",
        }
        for tried in controls
    )
    return Table("Controls: the check has to fail these", CONTROL_COLUMNS, rows)


def verdicts(cases: Sequence[CaseReport], controls: Sequence[ControlReport], complete: bool) -> list[Check]:
    """The statements that decide the exit code; `complete` adds the one about the registry."""
    checks = [
        Check(
            "gradients", "every backward is the derivative of its forward", 0.0,
            max(measured.report.worst for measured in cases), TOLERANCE, all(measured.passes for measured in cases),
        ),
    ]  # fmt: skip
    if controls or complete:  # a layer has no mistakes of its own
        caught = sum(tried.caught for tried in controls)
        statement = "every mistake made on purpose is caught"
        checks.append(Check("controls", statement, len(controls), caught, "all of them", caught == len(controls)))
    if complete:
        missing = not_registered()
        statement = "every backward of the library is registered"
        checks.append(
            Check("registry", statement, "none missing", ", ".join(missing) or "none missing", "", not missing)
        )
    return checks


def document_of(
    cases: Sequence[CaseReport], controls: Sequence[ControlReport], checks: Sequence[Check], seed: int, elapsed: float
) -> dict[str, Any]:
    """The JSON document: one row per input of each case; an error that is no finite number is null."""
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
        "columns": [column_fields(column) for column in INPUT_COLUMNS],
        "rows": [
            {column.key: getattr(row, column.key) for column in INPUT_COLUMNS}
            for measured in cases
            for row in measured.rows()
        ],
        "controls": [
            {
                "name": f"{tried.control.op}: {tried.control.says}",
                "error": tried.report.worst,
                "caught": tried.caught,
            }
            for tried in controls
        ],
        "checks": [check_fields(check) for check in checks],
        "elapsed_s": elapsed,
    }
