"""Pipeline parallelism: every worker has some of the layers, and micro-batches follow each other through them.

With p stages and one batch, only one stage works at a time.  Cut into m micro-batches, stage 2 starts on the first one
while stage 1 takes the second.  At both ends stages still wait for each other, the bubble:

    idle share of the time = (p - 1) / (m + p - 1)        when all stages and micro-batches take equally long

because every stage works for m steps of the m + p - 1 that the first to the last output take; the same in backward.

    GPipe      all forwards, then all backwards                    keeps the activations of m micro-batches
    1F1B       backward as soon as possible, then in turn          stage s keeps those of min(m, p - s): same bubble

The gradient is that of the whole batch: weights do not change before every micro-batch is through.
Sources: Huang et al. 2019, "GPipe: Efficient Training of Giant Neural Networks using Pipeline Parallelism", section 2;
Narayanan et al. 2021, "Efficient Large-Scale Language Model Training on GPU Clusters Using Megatron-LM", section 2.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tfx.arguments import number, whole_number
from tfx.backend import Array

SCHEDULES = ("gpipe", "1f1b")
FORWARD, BACKWARD = "forward", "backward"


class Event(NamedTuple):
    stage: int
    micro_batch: int
    direction: str  # "forward" or "backward"
    start: float
    stop: float


class Timetable(NamedTuple):
    """events: in the order of their start."""

    events: tuple[Event, ...]
    n_stages: int

    @property
    def duration(self) -> float:
        return max(event.stop for event in self.events)

    @property
    def bubble(self) -> float:
        """The share of all the stages' time in which they wait."""
        busy = sum(event.stop - event.start for event in self.events)
        return 1.0 - busy / (self.n_stages * self.duration)

    def held(self, stage: int) -> int:
        """The most micro-batches whose activations this stage keeps at one time."""
        count, most = 0, 0
        for event in self.events:
            if event.stage == stage:
                count += 1 if event.direction == FORWARD else -1
                most = max(most, count)
        return most


def pipeline_schedule(
    n_stages: int, n_micro_batches: int, kind: str = "gpipe", forward: float = 1.0, backward: float = 2.0
) -> Timetable:
    """Plays a schedule through: every stage takes its tasks in order, each as soon as what it needs is there.

    forward, backward: how long one of them takes.  Raises ValueError for an unknown kind or numbers below 1.
    """
    if kind not in SCHEDULES:
        raise ValueError(f'the schedule must be one of {", ".join(SCHEDULES)}, not "{kind}"')
    number("the time of a forward", forward, 0)
    number("the time of a backward", backward, 0)
    if not forward + backward:
        raise ValueError("a forward and a backward that take no time have no timetable")
    if whole_number("n_stages", n_stages) < 1 or whole_number("n_micro_batches", n_micro_batches) < 1:
        raise ValueError(f"a pipeline needs stages and micro-batches, not {n_stages} and {n_micro_batches}")
    waiting = [_tasks(stage, n_stages, n_micro_batches, kind) for stage in range(n_stages)]
    takes, free = {FORWARD: forward, BACKWARD: backward}, [0.0] * n_stages
    done: dict[tuple[int, int, str], float] = {}
    events = []
    while any(waiting):
        for stage, tasks in enumerate(waiting):
            while tasks and _needed(stage, *tasks[0], n_stages) in done.keys() | {None}:
                micro_batch, direction = tasks.pop(0)
                needed = _needed(stage, micro_batch, direction, n_stages)
                start = max(free[stage], 0.0 if needed is None else done[needed])
                free[stage] = done[stage, micro_batch, direction] = start + takes[direction]
                events.append(Event(stage, micro_batch, direction, start, free[stage]))
    return Timetable(tuple(sorted(events, key=lambda event: (event.start, event.stage))), n_stages)


def run_pipeline(
    stages: Sequence[Any], inputs: Sequence[Array], dloss: Callable[[Array, int], Array], timetable: Timetable
) -> tuple[list[Array], list[Array]]:
    """Runs layers by a timetable -> the outputs y and the gradients dx of every micro-batch.

    stages: layers with forward(x) and backward(dy, cache).  inputs: one x for each micro-batch.  dloss(y, number): the
    gradient of the loss at a micro-batch's output.  Gradients add up in the parameters of the stages.
    Raises ValueError when the timetable was made for other numbers.
    """
    n_micro_batches = 1 + max(event.micro_batch for event in timetable.events)
    if timetable.n_stages != len(stages) or n_micro_batches != len(inputs):
        raise ValueError(
            f"the timetable is for {timetable.n_stages} stages and {n_micro_batches} micro-batches, "
            f"not for {len(stages)} and {len(inputs)}"
        )
    travelling = list(inputs)  # what each micro-batch is on its way: x, activations, y, gradients, dx
    caches: dict[tuple[int, int], Any] = {}
    outputs = list(inputs)
    for stage, micro_batch, direction, _, _ in timetable.events:
        if direction == FORWARD:
            y, caches[stage, micro_batch] = stages[stage].forward(travelling[micro_batch])
            travelling[micro_batch] = y
            if stage == len(stages) - 1:
                outputs[micro_batch], travelling[micro_batch] = y, dloss(y, micro_batch)
        else:
            cache = caches.pop((stage, micro_batch))
            travelling[micro_batch] = stages[stage].backward(travelling[micro_batch], cache)
    return outputs, travelling


def _tasks(stage: int, n_stages: int, m: int, kind: str) -> list[tuple[int, str]]:
    forwards, backwards = [(i, FORWARD) for i in range(m)], [(i, BACKWARD) for i in range(m)]
    if kind == "gpipe":
        return forwards + backwards
    ahead = min(m, n_stages - stage)  # forwards before the first backward comes back from the end
    in_turn = [task for pair in zip(backwards, forwards[ahead:], strict=False) for task in pair]
    return forwards[:ahead] + in_turn + backwards[m - ahead :]


def _needed(stage: int, micro_batch: int, direction: str, n_stages: int) -> tuple[int, int, str] | None:
    """The task that has to be done before: the stage before in forward, the stage after in backward."""
    if direction == FORWARD:
        return None if stage == 0 else (stage - 1, micro_batch, FORWARD)
    return (stage, micro_batch, FORWARD) if stage == n_stages - 1 else (stage + 1, micro_batch, BACKWARD)
