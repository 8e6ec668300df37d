"""What `tfx train` shows after a run: tables, the loss curve, the verdict, and the JSON document."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tfx.records import Check, Column, Plot, Series, Table

if TYPE_CHECKING:
    from tfx.train import Example, StepRecord, TaskResult, TaskRun

#: rows of the loss table on a page, and in a document
FEW, MANY = 10, 100

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
    kept = [one for one in records if one.step % stride == 0 or one.step == steps]
    return tuple({column.key: getattr(one, column.key) for column in LOSS_COLUMNS} for one in kept)


def loss_table(records: Sequence[StepRecord], steps: int) -> Table:
    return Table("Loss on training sequences", LOSS_COLUMNS, loss_rows(records, steps, FEW))


def examples_table(examples: Sequence[Example]) -> Table:
    """Held-out sequences, what is right and what the model wrote."""
    columns = (Column("given", "given"), Column("written", "written"), Column("right", "right"))
    rows = tuple(
        {
            "given": " ".join(map(str, one.given)),
            "written": " ".join(map(str, one.written)),
            "right": one.written == one.wanted,
        }
        for one in examples
    )
    return Table("Held-out sequences, never seen in training", columns, rows)


def verdict(result: TaskResult) -> Check:
    """The statement that decides the exit code."""
    statement = f"all of {result.sequences} held-out sequences are right"
    return Check("solved", statement, 1.0, result.accuracy, 0.0, result.solved)


def loss_curve(run: TaskRun, records: Sequence[StepRecord], result: TaskResult) -> Plot:
    """Loss against steps, and the loss of somebody who guesses."""
    steps = [one.step for one in records]
    guess = math.log(run.settings.n_symbols)
    finding = f"{result.task}, positions {result.positions}: {result.accuracy:.1%} of held-out sequences right"
    return Plot(
        f"{finding} after {result.steps} steps",
        "step",
        "loss (nats per symbol)",
        (
            Series("training loss", steps, [one.loss for one in records]),
            Series(f"guessing: ln {run.settings.n_symbols}", steps[:1] + steps[-1:], [guess, guess], kind="line"),
        ),
        log_y=True,
    )


def document_of(
    run: TaskRun, records: Sequence[StepRecord], result: TaskResult, resumed_at: int, elapsed: float
) -> dict[str, Any]:
    """The JSON document; a resumed run differs in `resumed_at`, `elapsed_s` and the rows before it."""
    check = verdict(result)
    return {
        "name": "train",
        "task": result.task,
        "positions": result.positions,
        "seed": run.settings.seed,
        "device": run.device,
        "steps": result.steps,
        "resumed_at": resumed_at,
        "parameters": run.model.n_parameters,
        "columns": [{"key": one.key, "label": one.label, "unit": one.unit} for one in LOSS_COLUMNS],
        "rows": loss_rows(records, run.steps, MANY),
        "accuracy": result.accuracy,
        "token_accuracy": result.token_accuracy,
        "sequences": result.sequences,
        "solved": result.solved,
        "examples": [
            {"given": one.given, "wanted": one.wanted, "written": one.written, "right": one.written == one.wanted}
            for one in result.examples
        ],
        "checks": [
            {
                field: getattr(check, field)
                for field in ("id", "statement", "expected", "measured", "tolerance", "holds")
            }
        ],
        "elapsed_s": elapsed,
    }
