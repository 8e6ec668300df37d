"""The frame of experiments and benchmarks: seed, sizes, timing, progress, Ctrl-C and resuming are its own.

An experiment is one module.  It has

    QUESTION = "..."             one line, the one of the list; whoever has it is an experiment
    TITLE = "..."                or title(run)
    CLAIM = "..."                what people say, with its condition, in one or two sentences; or claim(run)
    def prompt(run)              what the reader predicts; asked before anything is measured, so it knows no row
    def question(run)            that prompt as a Question: the answer comes from run.rows
    COLUMNS = (Column(...), )    or columns(run)
    BREAK_IT = ("--set ...", )   what makes a check fail; or nothing
    HOST_ONLY = "..."            why it has nothing to do on a card, where that is so
    class Settings               tfx/settings.py: declared fields, quick() -> Settings for smaller sizes, and full() for
                                 a careful run of minutes
    def rows(run)                a generator: yields a row as soon as it is measured, and checks that belong to no row
    def checks(run)              verdicts on run.rows, when all are there
    def notes(run)               what the numbers mean: Texts; the first is the finding, in one to three short sentences
    def plots(run)               Plots, or ()
    def decisive(run)            the rows, from 0, in which the finding shows; or nothing

and nothing that another file has to know of.  Claim, prompt and question are an experiment's; a benchmark may go
without.  Columns marked `detail` and most of many rows are left to --details.  Where rows do not depend on each other,
it goes over their keys with

    for d_k in run.over(run.settings.d_k, "d_k = {}"):
        yield measure_row(run.settings, run.seed, d_k, run.xp)

which shows how far it is and measures no key again that was measured before a Ctrl-C.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from types import ModuleType
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from tfx.backend import device_module
from tfx.blas_threads import blas_threads
from tfx.errors import BadInput
from tfx.lab.kept_rows import KeptRows, Piece
from tfx.measure.progress import Progress, silent
from tfx.measure.seeds import generator
from tfx.records import Check, Result, Text
from tfx.settings import check_settings

S = TypeVar("S")
K = TypeVar("K")

#: As many rows are shown at a first look, spread evenly, unless that many are decisive; never more than the second.
SPREAD, MOST_ROWS = 4, 9

Row = dict[str, Any]
#: What `rows(run)` is.
Measured = Iterator[Row | Check]


@dataclass
class Run(Generic[S]):
    """What an experiment is given, and what it has measured so far.

    facts: what belongs to no row and to every one (a clock, a machine); it is shown among the parameters.
    """

    settings: S
    seed: int = 0
    quick: bool = False
    device: str = "cpu"
    progress: Progress = silent
    kept: KeptRows | None = None
    rows: list[Row] = field(default_factory=list)
    verdicts: list[Check] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    n_keys: int | None = None
    n_done: int = 0
    full: bool = False

    @property
    def xp(self) -> Any:
        """NumPy, or CuPy on a card."""
        return device_module(self.device)

    def generator(self, *key: int) -> np.random.Generator:
        """Random numbers for one part: they depend on the seed and the key, and not on the other parts."""
        return generator(self.seed, *key)

    def over(self, keys: Iterable[K], label: str = "{}") -> Iterator[K]:
        """The keys whose rows are still to be measured, in order; rows that were kept take their own place."""
        keys = list(keys)
        self.n_keys = len(keys)
        for key in keys:
            self.progress(self.n_done, len(keys), label.format(key))
            piece = self.kept.find(key) if self.kept else None
            if piece:
                self.rows += map(dict, piece.rows)
                self.verdicts += piece.checks
            else:
                rows, verdicts = len(self.rows), len(self.verdicts)
                yield key
                if self.kept:
                    self.kept.keep(key, Piece(self.rows[rows:], self.verdicts[verdicts:]))
            self.n_done += 1
        self.progress(len(keys), len(keys), "done")

    def saying(self, what: str) -> Callable[[int, int], None]:
        """Progress inside a key, or of all where there are no keys, for who counts it in parts: turns of a clock."""
        n_keys = self.n_keys or 1
        return lambda done, total: self.progress(self.n_done * total + done, n_keys * total, what)

    def seeds(self, n: int, what: str) -> Iterator[int]:
        """n seeds for the models of one row, none of which a run with another seed has.  what: with {} for a number."""
        for number in range(n):
            self.saying(what.format(number + 1))(number, n)
            yield self.seed * n + number

    def params(self) -> dict[str, Any]:
        """Everything that the numbers depend on."""
        size = {"quick": self.quick, **({"full": True} if self.full else {})}
        return {**asdict(self.settings), **size, "device": self.device, **self.facts}  # type: ignore[call-overload]


class Stopped(KeyboardInterrupt):
    """Ctrl-C: what was measured until then, a Result that is `partial`, with the rows of whole keys where keys are."""

    def __init__(self, result: Result, progress: str) -> None:
        super().__init__(progress)
        self.result = result


def prepare(
    experiment: ModuleType,
    settings: Any,
    seed: int = 0,
    quick: bool = False,
    device: str = "cpu",
    progress: Progress = silent,
    kept: KeptRows | None = None,
    full: bool = False,
) -> Run[Any]:
    """A run before its first row.  Raises BadInput for settings out of range, a seed below 0 or a missing card."""
    check_settings(settings)
    if device != "cpu" and hasattr(experiment, "HOST_ONLY"):
        raise BadInput(experiment.HOST_ONLY, "Use --device cpu")
    generator(seed), device_module(device)
    return Run(sized(settings, quick, full), seed, quick, device, progress, kept, full=full)


class Opening(NamedTuple):
    """What can be said before anything is measured; claim and prompt are empty where there are none."""

    title: str
    claim: str
    prompt: str


def opening(experiment: ModuleType, this: Run[Any]) -> Opening:
    """Title, claim and the question to predict, of the settings alone."""
    return Opening(*(said(experiment, what, this, "") for what in ("title", "claim", "prompt")))


def run(
    experiment: ModuleType,
    settings: Any,
    seed: int = 0,
    quick: bool = False,
    device: str = "cpu",
    progress: Progress = silent,
    kept: KeptRows | None = None,
    full: bool = False,
    workers: Callable[[Run[Any]], None] | None = None,
) -> Result:
    """Measures, judges and puts together.  Equal seeds give equal results, but for what is measured in seconds.

    kept: where rows are kept while they are measured; those that are there already are not measured again.
    workers: fills `kept` by other processes first (tfx/lab/sweep.py).
    Raises BadInput as `prepare` does, and Stopped with what is there on Ctrl-C.
    """
    this = prepare(experiment, settings, seed, quick, device, progress, kept, full)
    began = time.perf_counter()
    if workers is not None:
        workers(this)
    try:
        measure(experiment, this)
        return finished(experiment, this, began)
    except KeyboardInterrupt:
        raise stopped(experiment, this, began) from None


def sized(settings: S, quick: bool, full: bool) -> S:
    """The sizes of --quick or of --full, where there are such.  Raises BadInput for both at once."""
    if quick and full:
        raise BadInput("--quick and --full are two sizes.", "Give one of them.")
    way = "quick" if quick else "full" if full else ""
    chosen: S = getattr(settings, way)() if way and hasattr(settings, way) else settings
    return chosen


def measure(experiment: ModuleType, this: Run[Any]) -> None:
    """Takes what the experiment yields until it has no more.

    With one BLAS thread, as in a worker: most products here are small, and the other threads of a product would only
    wait for each other, minutes of computing where a thread takes seconds.
    """
    with blas_threads(1):
        for found in experiment.rows(this):
            if isinstance(found, Check):
                this.verdicts.append(found)
            else:
                this.rows.append(found)


def finished(experiment: ModuleType, this: Run[Any], began: float) -> Result:
    """The whole Result; what was kept has done its service."""
    result = replace(
        measured(experiment, this),
        checks=(*this.verdicts, *experiment.checks(this)),
        plots=tuple(experiment.plots(this)),
        notes=tuple(experiment.notes(this)),
        break_it=said(experiment, "break_it", this, ()),
        question=experiment.question(this) if hasattr(experiment, "question") else None,
        shown=first_look(experiment, this, said(experiment, "decisive", this, ())),
        elapsed_s=time.perf_counter() - began,
    )
    if this.kept:
        this.kept.forget()
    return result


def stopped(experiment: ModuleType, this: Run[Any], began: float) -> Stopped:
    """The rows there are.  Only verdicts that were reached are claimed: the others need all rows."""
    if this.n_keys is None:
        far = f"{len(this.rows)} row{'' if len(this.rows) == 1 else 's'}"
    else:
        far = f"{this.n_done} of {this.n_keys} pieces"
    note = f"Stopped after {far}. What needs all of the rows is not claimed: checks, notes and plots."
    result = replace(
        measured(experiment, this), notes=(Text(note),), elapsed_s=time.perf_counter() - began, partial=True
    )
    return Stopped(result, f"stopped after {far}")


def measured(experiment: ModuleType, this: Run[Any]) -> Result:
    """The rows so far, with the verdicts that came with them, and what they are rows of."""
    return Result(
        name=name_of(experiment, this),
        title=said(experiment, "title", this),
        seed=this.seed,
        params=this.params(),
        columns=said(experiment, "columns", this),
        rows=tuple(this.rows),
        checks=tuple(this.verdicts),
        claim=said(experiment, "claim", this, ""),
        shown=first_look(experiment, this),
    )


def first_look(experiment: ModuleType, this: Run[Any], decisive: Sequence[int] = ()) -> tuple[int, ...]:
    """The rows to show at first, in order: all of a few, else the decisive ones and some that are spread evenly; all of
    a benchmark without a claim, where no row stands for others."""
    n_rows = len(this.rows)
    if n_rows <= SPREAD + 2 or not said(experiment, "claim", this, ""):
        return tuple(range(n_rows))
    spread = [round(place * (n_rows - 1) / (SPREAD - 1)) for place in range(SPREAD)]
    wanted = list(dict.fromkeys([*decisive, *(spread if len(decisive) < SPREAD else [])]))
    return tuple(sorted(wanted[:MOST_ROWS]))


def name_of(experiment: ModuleType, this: Run[Any]) -> str:
    """`name(run)` where there is one, else the file's name."""
    own = getattr(experiment, "name", None)
    return own(this) if own else experiment.__name__.rpartition(".")[2].replace("_", "-")


def said(experiment: ModuleType, what: str, this: Run[Any], *otherwise: Any) -> Any:
    """`title(run)` where the experiment has it, else its TITLE, else `otherwise`; the same for columns, claim ..."""
    function = getattr(experiment, what, None)
    return function(this) if callable(function) else getattr(experiment, what.upper(), *otherwise)
