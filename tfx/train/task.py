"""copy, reverse and sort from start to end: model, training, held-out accuracy, checkpoints.

One encoder block with a linear output reads the whole sequence and writes one symbol at every place, so that each
answer is a single attention away: reverse has to find place T - 1 - t from place t, and only positions say where that
is.  Without them the encoder is permutation-equivariant: equal symbols get equal outputs wherever they stand, so it
can solve copy, but neither reverse nor sort.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfx.backend import device_module, to_numpy
from tfx.data.toys.tasks import find_task
from tfx.errors import BadInput
from tfx.io.checkpoint import load_checkpoint, read_facts, save_checkpoint
from tfx.io.npz import DamagedFile
from tfx.nn.normalisation import evaluating
from tfx.train.loop import StepRecord
from tfx.train.toys import ToyRun, make_model, shares_right

#: Steps after which every seed that was tried had reached its final accuracy.
DEFAULT_STEPS = {"copy": 150, "reverse": 400, "sort": 1600}


@dataclass(frozen=True)
class TaskSettings:
    """Everything that decides a run.  steps: None = enough for the task."""

    task: str
    seed: int = 0
    steps: int | None = None
    positions: str = "sinusoidal"
    length: int = 12
    n_symbols: int = 10
    d_model: int = 64
    n_heads: int = 8
    d_ff: int = 256
    n_layers: int = 1
    batch: int = 64
    learning_rate: float = 4e-3
    warmup: int = 50
    weight_decay: float = 0.01


@dataclass(frozen=True)
class Example:
    """One held-out sequence, what is right, and what the model wrote."""

    given: tuple[int, ...]
    wanted: tuple[int, ...]
    written: tuple[int, ...]


@dataclass(frozen=True)
class TaskResult:
    """accuracy: share of `sequences` held-out sequences that are right at every place; token_accuracy: of places."""

    task: str
    positions: str
    steps: int
    accuracy: float
    token_accuracy: float
    sequences: int
    examples: tuple[Example, ...]

    @property
    def solved(self) -> bool:
        return self.accuracy == 1.0


class TaskRun(ToyRun):
    """One run: `for record in run.train(): ...`, then `run.evaluate()`.  Stop it between two records at any time;
    `run.save(path)` and, in a run with equal settings, `run.resume(path)` go on with the same bits."""

    def __init__(self, settings: TaskSettings, device: str = "cpu") -> None:
        """device: "cpu" or "cuda"; it is no setting, because a run may go on elsewhere, with the same draws.

        Raises BadInput for an unknown task, ValueError for settings that no model can have, and EnvironmentProblem
        when there is no such device.
        """
        xp = device_module(device)
        self.device = device
        task = find_task(settings.task)
        steps = DEFAULT_STEPS[settings.task] if settings.steps is None else settings.steps
        self.settings = dataclasses.replace(settings, steps=steps)
        self.task = dataclasses.replace(task, length=settings.length, n_symbols=settings.n_symbols)
        model = make_model(
            self.task,
            settings.seed,
            d_model=settings.d_model,
            n_heads=settings.n_heads,
            d_ff=settings.d_ff,
            n_layers=settings.n_layers,
            max_len=settings.length,
            positions=settings.positions,
        )
        model.to_device(xp)
        super().__init__(
            self.task,
            model,
            steps,
            settings.seed,
            settings.learning_rate,
            settings.batch,
            warmup=min(settings.warmup, steps),
            weight_decay=settings.weight_decay,
        )

    def write(self, ids: np.ndarray) -> np.ndarray:
        """ids: (B, T) -> (B, T), the model's most likely symbol at every place."""
        logits, _ = self.model.forward(ids)
        return to_numpy(logits.argmax(axis=-1))

    def evaluate(self, sequences: int = 1000, examples: int = 3) -> TaskResult:
        """Accuracy on `sequences` different held-out sequences, the same ones for every run of this length."""
        given, wanted, asked = self.task.draw(sequences, np.random.default_rng(0), held_out=True)
        parts = np.array_split(given, max(1, sequences // 250))
        with evaluating(self.model):  # a norm of batches must neither read the held-out batch nor learn from it
            written = np.concatenate([self.write(part) for part in parts])
        token_accuracy, accuracy = shares_right(written, wanted, asked)
        shown = zip(given[:examples], wanted[:examples], written[:examples], strict=True)
        return TaskResult(
            task=self.task.name,
            positions=self.settings.positions,
            steps=self.steps_done,
            accuracy=accuracy,
            token_accuracy=token_accuracy,
            sequences=sequences,
            examples=tuple(Example(*(tuple(row.tolist()) for row in rows)) for rows in shown),
        )

    def save(self, path: str | Path, new: bool = False) -> None:
        """Writes a checkpoint, atomically.  new: raises FileExistsError when the name is taken."""
        settings = {"settings": dataclasses.asdict(self.settings)}
        save_checkpoint(path, self.model, self.optimizer, self.settings.seed, settings, new)

    def resume(self, path: str | Path) -> int:
        """Takes over a checkpoint of a run with the same settings; returns the steps it had done.

        Raises BadInput when the settings differ, DamagedFile when it is no such checkpoint.
        """
        theirs = read_facts(path)[2].get("settings")
        if not isinstance(theirs, dict):
            raise DamagedFile(f"{path} is not a checkpoint of a task.", "Give a file that TaskRun.save has written.")
        ours = dataclasses.asdict(self.settings)
        different = [name for name in ours if name in theirs and theirs[name] != ours[name]]
        if different:
            named = ", ".join(f"{name} {theirs[name]} and not {ours[name]}" for name in different)
            given = ", ".join(f"{name}={theirs[name]!r}" for name in different)
            raise BadInput(f"{path} is from a run with {named}.", f"Resume with its settings: TaskSettings({given})")
        fresh = TaskRun(self.settings, self.device)
        load_checkpoint(path, fresh.model, fresh.optimizer)
        self.model, self.optimizer = fresh.model, fresh.optimizer
        return self.steps_done


def train_task(
    task: str, seed: int = 0, steps: int | None = None, positions: str = "sinusoidal", **settings: int | float
) -> Iterator[StepRecord | TaskResult]:
    """Yields a StepRecord for every step and at last the TaskResult on held-out sequences."""
    run = TaskRun(TaskSettings(task, seed, steps, positions, **settings))  # type: ignore[arg-type]
    yield from run.train()
    yield run.evaluate()
