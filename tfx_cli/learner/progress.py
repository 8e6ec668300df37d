"""How far the reader is in each topic: which of its steps came on a terminal.

A lesson may have steps that only some inputs get, so a topic is done when all steps of one walk have been seen, on
whatever day.  What an earlier tfx counted as shown stays done, and a topic whose test was passed is done as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tfx.errors import TfxError
from tfx_cli.learner.state import State, open_to_write
from tfx_cli.terminal.lines import say


@dataclass(frozen=True)
class Progress:
    """seen: of the `steps` steps of the walk that is nearest to its end; both 0 where only an earlier tfx knows it.

    done: read or tested out.
    """

    seen: int = 0
    steps: int = 0
    done: bool = False
    tested_out: bool = False

    @property
    def words(self) -> str:
        """`read`, `tested out`, `seen 3 of 11`, or nothing."""
        if self.done:
            return "tested out" if self.tested_out else "read"
        return f"seen {self.seen} of {self.steps}" if self.seen else ""


NOTHING = Progress()


def record_seen(topic: str, step: str, steps: Sequence[str]) -> bool:
    """Notes that the end of this step came on a terminal; steps: the names of all that the reader was given.

    It is on disk when this returns.  Returns False, and disturbs nobody, when it cannot be written.
    """
    try:
        with open_to_write(patience=1.0) as state:
            if state.notice:
                say(state.notice, "")
            state.record_step(topic, step, steps)
    except TfxError:
        return False
    return True


def progress(state: State) -> Mapping[str, Progress]:
    """Topic -> how far it is; a topic that was never begun has none."""
    names: dict[str, set[str]] = defaultdict(set)
    walks: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for seen in state.seen():
        names[seen.topic].add(seen.step)
        walks[seen.topic].add(seen.steps)
    found = {topic: Progress(done=True) for topic in state.explained()}
    for topic, seen_names in names.items():
        parts = [(len(seen_names & set(walk)), len(walk)) for walk in walks[topic]]
        count, of = max(parts, key=lambda part: (part[0] / part[1], part[1]))
        found[topic] = Progress(count, of, count == of or topic in found)
    for test in state.tests():
        if test.passed:
            found[test.topic] = replace(found.get(test.topic, NOTHING), done=True, tested_out=True)
    return found
