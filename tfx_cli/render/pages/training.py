"""What `tfx train` shows after a run: tables, the loss curve, the verdict, and the JSON document."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfx.records import Check, Column, Plot, Record, Series, Table, Text
from tfx_cli.render.json import check_fields, column_fields

if TYPE_CHECKING:
    from tfx.train import Example, StepRecord, TaskResult, TaskRun

#: rows of the loss table under its curve, on a page without one, and in a document
FEWEST, FEW, MANY = 4, 10, 100

LOSS_COLUMNS = (
    Column("step", "step"),
    Column("loss", "loss", "nats"),
    Column("learning_rate", "learning rate", digits=3),
    Column("grad_norm", "gradient norm", digits=3),
)


def loss_rows(records: Sequence[StepRecord], steps: int, limit: int) -> tuple[dict[str, Any], ...]:
    """At most about `limit` of the records, the last one among them; which steps depends on `steps` alone, so that a
    resumed run shows the rows of one that was never stopped."""
    stride = max(1, math.ceil(steps / limit))
    kept = [record for record in records if record.step % stride == 0 or record.step == steps]
    return tuple({column.key: getattr(record, column.key) for column in LOSS_COLUMNS} for record in kept)


def loss_table(records: Sequence[StepRecord], steps: int, limit: int) -> Table:
    return Table("Loss on training sequences", LOSS_COLUMNS, loss_rows(records, steps, limit))


def examples_table(examples: Sequence[Example]) -> Table:
    """Held-out sequences, what is right and what the model wrote."""
    columns = (Column("given", "given"), Column("written", "written"), Column("right", "right"))
    rows = tuple(
        {
            "given": " ".join(map(str, example.given)),
            "written": " ".join(map(str, example.written)),
            "right": is_right(example),
        }
        for example in examples
    )
    return Table("Held-out sequences, never seen in training", columns, rows)


def is_right(example: Example) -> bool:
    return example.written == example.wanted


def verdict(result: TaskResult) -> Check:
    """The statement that decides the exit code."""
    statement = f"all of {result.sequences} held-out sequences are right"
    return Check("solved", statement, 1.0, result.accuracy, 0.0, result.solved)


def loss_curve(run: TaskRun, records: Sequence[StepRecord], result: TaskResult) -> Plot:
    """Loss against steps, and the loss of somebody who guesses."""
    steps = [record.step for record in records]
    guess = math.log(run.settings.n_symbols)
    finding = f"{result.task}, positions {result.positions}: {result.accuracy:.1%} of held-out sequences right"
    return Plot(
        f"{finding} after {result.steps} steps",
        "step",
        "loss (nats per symbol)",
        (
            Series("training loss", steps, [record.loss for record in records]),
            Series(f"guessing: ln {run.settings.n_symbols}", steps[:1] + steps[-1:], [guess, guess], kind="line"),
        ),
        log_y=True,
    )


def records_of(
    run: TaskRun,
    records: Sequence[StepRecord],
    result: TaskResult,
    elapsed: float | None = None,
    curves: Sequence[Plot] = (),
) -> tuple[Record, ...]:
    """The page.  elapsed: seconds, or None where the same run has to give the same lines; curves: to be drawn."""
    took = "" if elapsed is None else f", in {elapsed:.1f} s"
    about = f"{result.task}{took}: {run.task.question}.  Positions: {result.positions}, seed {run.settings.seed}."
    return (
        Text(about),
        loss_table(records, run.steps, FEWEST if curves else FEW),
        *curves,
        examples_table(result.examples),
        verdict(result),
    )


def document_of(
    run: TaskRun,
    records: Sequence[StepRecord],
    result: TaskResult,
    resumed_at: int,
    elapsed: float,
    path: Path,
) -> dict[str, Any]:
    """The JSON document; a resumed run differs in `resumed_at`, `elapsed_s` and the rows before it."""
    return {
        "name": "train",
        "task": result.task,
        "positions": result.positions,
        "seed": run.settings.seed,
        "device": run.device,
        "steps": result.steps,
        "resumed_at": resumed_at,
        "parameters": run.model.n_parameters,
        "columns": [column_fields(column) for column in LOSS_COLUMNS],
        "rows": loss_rows(records, run.steps, MANY),
        "accuracy": result.accuracy,
        "token_accuracy": result.token_accuracy,
        "sequences": result.sequences,
        "solved": result.solved,
        "examples": [
            {"given": example.given, "wanted": example.wanted, "written": example.written, "right": is_right(example)}
            for example in result.examples
        ],
        "checks": [check_fields(verdict(result))],
        "saved": str(path),
        "elapsed_s": elapsed,
    }
