"""A trained model on the reader's own sequence: what it writes, what is right, and how sure it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from tfx.errors import BadInput
from tfx.records import Column, Record, Table, Text
from tfx_cli.training.checkpoints import Saved, command_of

if TYPE_CHECKING:
    from tfx.train import TaskRun


class Tried(NamedTuple):
    """probabilities: of what was written, at each place.  length: of the sequences of the training."""

    given: tuple[int, ...]
    wanted: tuple[int, ...]
    written: tuple[int, ...]
    probabilities: tuple[float, ...]
    length: int

    @property
    def right(self) -> int:
        """Places that are right."""
        return sum(a == b for a, b in zip(self.written, self.wanted, strict=True))


def example_of(run: TaskRun) -> str:
    """A sequence to try, as it is typed: one that training never saw."""
    import numpy as np

    ids = run.task.draw(1, np.random.default_rng(run.settings.seed), held_out=True).ids[0]
    return "".join(str(symbol) for symbol in ids)


def read_symbols(text: str, run: TaskRun) -> list[int]:
    """`3 1 4`, `3,1,4`, `[3, 1, 4]` or `314`.  Raises BadInput that says what is out of range."""
    again = f"For example: {command_of(run.settings, '--try', example_of(run))}"
    words = [word for word in re.split(r"[\s,;]+", text.strip().strip("[]()")) if word]
    if len(words) == 1 and words[0].isascii() and words[0].isdigit():
        words = list(words[0])
    if not words:
        raise BadInput("--try is empty, so there is nothing to try.", again)
    most = run.task.n_symbols - 1
    strange = [word for word in words if not (word.isascii() and word.isdigit() and int(word) <= most)]
    if strange:
        *before, last = (f'"{word}"' for word in dict.fromkeys(strange))
        names = f"{', '.join(before)} and {last} are" if before else f"{last} is"
        raise BadInput(f"this model knows the symbols 0 to {most}, and {names} not among them.", again)
    if len(words) > run.task.length:
        raise BadInput(
            f"{len(words)} symbols are too many: this model has places for {run.task.length}, as many as it was "
            "trained on.", again
        )  # fmt: skip
    return [int(word) for word in words]


def try_symbols(run: TaskRun, symbols: list[int]) -> Tried:
    """One pass of the model over (1, T) symbols."""
    import numpy as np

    from tfx.backend import to_numpy
    from tfx.nn.normalisation import evaluating
    from tfx.ops.basics.softmax import softmax_forward

    ids = np.array([symbols])
    with evaluating(run.model):
        logits, _ = run.model.forward(ids)
    probabilities = softmax_forward(to_numpy(logits))[0][0]  # (T, symbols)
    written = probabilities.argmax(axis=-1)
    return Tried(
        tuple(symbols),
        tuple(run.task.answer(ids)[0].tolist()),
        tuple(written.tolist()),
        tuple(probabilities.max(axis=-1).tolist()),
        run.task.length,
    )


def records_of(saved: Saved, tried: Tried) -> tuple[Record, ...]:
    """The page."""
    columns = (Column("what", ""), Column("symbols", "symbols"))
    rows = tuple(
        {"what": what, "symbols": " ".join(map(str, symbols))}
        for what, symbols in (("given", tried.given), ("written", tried.written), ("right", tried.wanted))
    )
    return (Text(about(saved)), Table("Your sequence", columns, rows), *(Text(line) for line in remarks(tried)))


def about(saved: Saved) -> str:
    settings = saved.settings
    trained = f"{saved.steps_done} steps" if saved.is_finished else f"{saved.steps_done} of {settings.steps} steps"
    return f"{settings.task}, from {saved.path.name}: positions {settings.positions}, seed {settings.seed}, {trained}."


def remarks(tried: Tried) -> list[str]:
    """How much is right, where the model is least sure, and whether it has ever seen such a length."""
    places, right = len(tried.given), tried.right
    if places == 1:
        count = "It is right" if right else "It is wrong"
    else:
        some = f"{right} of {places} places {'is' if right == 1 else 'are'} right"
        count = f"All {places} places are right" if right == places else some
    least = min(range(places), key=lambda place: tried.probabilities[place])
    said = [f"{count}; it is least sure of place {least + 1}, with p = {tried.probabilities[least]:.3f}."]
    if places != tried.length:
        said.append(
            f"It was trained on sequences of {tried.length} symbols, and yours has {places}: "
            "of such a length it has seen none."
        )
    return said


def document_of(saved: Saved, tried: Tried) -> dict[str, Any]:
    """The JSON face."""
    settings = saved.settings
    return {
        "name": "train",
        "task": settings.task,
        "positions": settings.positions,
        "seed": settings.seed,
        "steps": saved.steps_done,
        "model": str(saved.path),
        "trained_length": tried.length,
        "given": tried.given,
        "written": tried.written,
        "wanted": tried.wanted,
        "right": tried.right == len(tried.given),
        "probabilities": tried.probabilities,
    }
