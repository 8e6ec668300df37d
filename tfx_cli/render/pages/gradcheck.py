"""What `tfx gradcheck` shows: errors, caught mistakes, the verdict, and the JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from tfx.gradcheck import ADJOINT_TOLERANCE, COMPLEX_TOLERANCE, MODEL_TOLERANCE, TOLERANCE, not_registered
from tfx.measure.verdicts import largest
from tfx.records import Check, Column, Record, Table, Text
from tfx_cli.render.json import check_fields, column_fields
from tfx_cli.render.judgement import others_hold

if TYPE_CHECKING:
    from tfx.gradcheck import Case, CaseReport, ControlReport, Report

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

FAMILY_COLUMNS = (
    Column("family", "room of tfx"),
    Column("cases", "cases"),
    Column("worst", "worst error", digits=2),
    Column("caught", "mistakes caught"),
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


def family_of(case: Case) -> str:
    """`ops/basics` for an operation of tfx/ops/basics, `nn` for a layer of tfx/nn."""
    _, room, inner, *_ = case.covers.split(".")
    return f"{room}/{inner}" if room == "ops" else room


def families(cases: Sequence[CaseReport], controls: Sequence[ControlReport]) -> list[dict[str, Any]]:
    """A row for each room: how many cases, the largest error of Richardson's, and how many mistakes were caught."""
    of_op = {measured.case.op: family_of(measured.case) for measured in cases}
    rows = []
    for family in sorted(set(of_op.values())):
        mine = [measured for measured in cases if of_op[measured.case.op] == family]
        tried = [control for control in controls if of_op[control.control.op] == family]
        rows.append(
            {
                "family": family,
                "cases": len(mine),
                "passes": sum(measured.passes for measured in mine),
                "worst": largest(measured.report.worst for measured in mine),
                "mistakes": len(tried),
                "caught": sum(control.caught for control in tried),
            }
        )
    return rows


def summary_table(cases: Sequence[CaseReport], controls: Sequence[ControlReport]) -> Table:
    """One row per room."""
    rows = tuple(
        {
            "family": row["family"],
            "cases": row["cases"],
            "worst": row["worst"],
            "caught": f"{row['caught']} of {row['mistakes']}" if row["mistakes"] else None,
            "verdict": "PASS" if row["passes"] == row["cases"] else f"FAIL {row['cases'] - row['passes']}",
        }
        for row in families(cases, controls)
    )
    return Table(f"Relative gradient errors in float64; {gates()}", FAMILY_COLUMNS, rows)


def summary_tables(cases: Sequence[CaseReport], controls: Sequence[ControlReport]) -> list[Table]:
    """The summary, and whole what is wrong."""
    wrong = [measured for measured in cases if not measured.passes]
    missed = [tried for tried in controls if not tried.caught]
    return [
        summary_table(cases, controls),
        *([errors_table(wrong)] if wrong else []),
        *([controls_table(missed)] if missed else []),
    ]


def folded(checks: Sequence[Check]) -> list[Record]:
    """What is proved in one sentence; those that fail, whole, and how many others hold."""
    fail = [check for check in checks if not check.holds]
    if fail:
        return [*fail, Text(others_hold(len(checks) - len(fail)))]
    said = "; ".join(check.statement for check in checks)
    return [Text(f"{said[0].upper()}{said[1:]}.")]


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


def derivatives(ops: Iterable[str]) -> str:
    """What the cases show: the straight-through estimator is the derivative of the clip that it stands for."""
    of_a_clip = ", but for straight_through: that of the clip it stands for" * ("straight_through" in ops)
    return f"every backward is the derivative of its forward{of_a_clip}"


def verdicts(cases: Sequence[CaseReport], controls: Sequence[ControlReport], complete: bool) -> list[Check]:
    """The statements that decide the exit code; `complete` adds the one about the registry."""
    checks = [
        Check(
            "gradients", derivatives(measured.case.op for measured in cases), 0.0,
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
        "families": families(cases, controls),
        "checks": [check_fields(check) for check in checks],
        "elapsed_s": elapsed,
    }
