"""Claims that the reader added: one Python file each, in the reader's data folder, beside those that come with tfx."""

from __future__ import annotations

import functools
import importlib.util
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tfx.errors import BadInput, TfxError
from tfx_cli.learner.state_file import data_folder, make_data_folder
from tfx_cli.terminal.lines import tell
from tfx_cli.terminal.printable import on_one_line

if TYPE_CHECKING:
    from tfx.claims import Claim, Evidence, Judged, Trial

#: A file to start from; it can be added as it is.
TEMPLATE = '''\
"""My claims.  Change this file, then: tfx claims --add FILE"""

from tfx.claims import Evidence, Trial, claim, contradicts, supports
from tfx.measure.verdicts import at_least, at_most
from tfx.ops.basics.softmax import softmax_forward

SECTION = "My claims"


@claim(
    "MY1",
    "A softmax gives some weight to every score.",
    verdict="holds when",
    why="no score is so far below the largest that its exponential is too small a number to be stored.",
)
def weight_for_every_score(trial: Trial) -> Evidence:
    """`supports` yields a case for the sentence, `contradicts` one against it.  Change a bound: the verdict changes."""
    scores = trial.generator(1).standard_normal(8)
    weights, _ = softmax_forward(scores)
    yield supports(at_least("normal", "smallest weight of eight normal scores", 1e-6, float(weights.min())))
    weights, _ = softmax_forward(scores - [0, 0, 0, 0, 0, 0, 0, 2000])
    yield contradicts(at_most("far", "... when one of them is 2,000 lower", 0.0, float(weights.min())))
'''


START = "A file to start from: tfx claims --template"


def folder() -> Path:
    return data_folder() / "claims"


def all_claims() -> dict[str, Claim]:
    """Those of tfx, and then the reader's; a file that cannot be read any more is told and passed over."""
    from tfx.claims import claims

    claims()
    for path in sorted(folder().glob("*.py")) if folder().is_dir() else ():
        if not any(path == place for place in LOADED):
            try:
                load(path)
            except TfxError as problem:
                tell(f"{path.name} is passed over: {problem.message}")
    return claims()


#: The files whose claims are registered.
LOADED: list[Path] = []


def load(path: Path) -> list[Claim]:
    """Runs the file and returns the claims that it registers.

    A measurement that fails later raises BadInput too.
    Raises BadInput for one that cannot be run, that has no claims, or an id that is taken; then nothing is registered.
    """
    from tfx.claims.claim import REGISTERED

    before = set(REGISTERED)
    spec = importlib.util.spec_from_file_location(f"tfx_own_claims_{len(LOADED)}", path)
    assert spec and spec.loader
    try:
        with unless_refused():
            spec.loader.exec_module(importlib.util.module_from_spec(spec))
            found = [of_the_reader(one) for id, one in REGISTERED.items() if id not in before]
            REGISTERED.update({one.id: one for one in found})
    except (Exception, SystemExit) as error:  # the file is the reader's: whatever is wrong with it is told as such
        words = on_one_line(f"{type(error).__name__}: {error}")
        raise BadInput(f"{on_one_line(path.name)} cannot be used: {words}.", START) from error
    if not found:
        raise BadInput(f"{on_one_line(path.name)} has no claims.", START)
    LOADED.append(path)
    return found


def of_the_reader(one: Claim) -> Claim:
    """The same claim, whose measurement says as a sentence what is wrong with it.  Raises TypeError for what is no
    text."""
    for name in ("id", "says", "why", "section", "experiment", "paper"):
        if not isinstance(getattr(one, name), str):
            raise TypeError(f"{name} must be a text, not {getattr(one, name)!r}")
    return one if one.measure is None else replace(one, measure=explained(one.id, one.measure))


def explained(id: str, measure: Callable[[Trial], Evidence]) -> Callable[[Trial], Evidence]:
    """A measurement that fails is the reader's to mend: it raises BadInput."""
    from tfx.records import Check

    @functools.wraps(measure)
    def told(trial: Trial) -> Evidence:
        try:
            for found in measure(trial):
                if not isinstance(getattr(found, "check", found), Check):
                    raise TypeError(f"it yields {found!r}, not supports(...), contradicts(...) or a check")
                yield found
        except (Exception, SystemExit) as error:
            words = on_one_line(f"{type(error).__name__}: {error}")
            raise BadInput(f"the measurement of {id} fails: {words}.", "Mend it, and add the file again.") from error

    return told


def added(path: Path) -> tuple[list[Judged], Path]:
    """Measures the claims of a file, and keeps the file when each comes out as it says.

    Raises BadInput when one does not, and for a file that is no file, is there already or cannot be used.
    """
    if not path.is_file():
        raise BadInput(f"there is no file {on_one_line(path)}.", "Check the path.")
    if path.suffix != ".py":
        raise BadInput(f"{on_one_line(path.name)} is no .py file.", START)
    kept = folder() / path.name
    if kept.exists():
        raise BadInput(f"{kept} is there already.", "Give your file another name, or remove that one first.")
    from tfx.claims import Trial, judge

    all_claims()
    with unless_refused():
        found = [judge(one, Trial()) for one in load(path)]
        require_as_said(found)
    make_data_folder()
    kept.parent.mkdir(exist_ok=True)
    with kept.open("xb") as file:  # never over a file that came between
        file.write(path.read_bytes())
        file.flush()
        os.fsync(file.fileno())
    return found, kept


@contextmanager
def unless_refused() -> Iterator[None]:
    """What was registered inside goes again when an error leaves it."""
    from tfx.claims.claim import REGISTERED

    before = dict(REGISTERED)
    try:
        yield
    except BaseException:
        REGISTERED.clear()
        REGISTERED.update(before)
        raise


def require_as_said(found: Sequence[Judged]) -> None:
    """Raises BadInput for the first whose verdict is not the one it names."""
    for judged in found:
        if judged.changed:
            checks = "; ".join(
                f"{check.statement}: {check.measured}, expected {check.expected}" for _, check in judged.checks
            )
            raise BadInput(
                f'{judged.claim.id} says "{judged.claim.verdict}", but the verdict is "{judged.found or "undecided"}" '
                f"({checks}).",
                "Change the verdict, the condition or the measurement, and add the file again.",
            )
