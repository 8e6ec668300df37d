"""The run over the rest of the house: mutants on disk in copies of the checkout, a few at a time."""

from __future__ import annotations

import json
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.mutation.anywhere import mutants_anywhere
from tests.mutation.copies import LIMIT, TOO_LONG, asked, copied, first_failing, warm_up, written
from tests.mutation.equivalent import is_equivalent
from tests.mutation.held import held_always, tests_of_check
from tests.mutation.mutants import Mutant
from tests.mutation.rooms import files_of, likeliest_tests
from tests.mutation.visible import Seen, all_outputs, commands_for

#: Of the mutants that a reader would see, so many are to be caught.
ENOUGH = 0.9


class Tried(NamedTuple):
    """caught: the test that failed, or "".  seen: the first command that prints something else, or ""."""

    index: int
    caught: str
    seen: str
    seconds: float


def sample_of(rooms: list[str], sample: int | None, seed: int) -> list[tuple[str, Mutant]]:
    """(room, mutant), in no order, so that a run that is cut short has seen every room: every file is drawn with as
    many chances as it has mutants."""
    every = [
        (room, mutant)
        for room, path in files_of(rooms)
        for mutant in mutants_anywhere(path)
        if not is_equivalent(mutant)
    ]
    if sample is None or sample >= len(every):
        return every
    return random.Random(seed).sample(every, sample)


def run_rooms(
    rooms: list[str],
    sample: int | None,
    seed: int,
    jobs: int,
    diffs: Path | None,
    only_list: bool = False,
    after: int = 0,
) -> int:
    """0 when enough of the mutants that are seen are caught."""
    chosen = sample_of(rooms, sample, seed)[after:]
    if only_list:
        for room in rooms:
            print(f"{sum(one == room for one, _ in chosen):6d}  {room}")
        return 0

    def try_out(worker: Worker, index: int) -> Tried:
        room, mutant = chosen[index]
        began = time.monotonic()
        with written(worker.copy, mutant):
            tests = likeliest_tests(room, mutant.path)
            measures = mutant.file.startswith("tfx/")
            caught = worker.noticed_by(tests.first, measures)
            seen = "" if caught else worker.visible(room, mutant.path)
            if seen:  # what nobody sees is not worth the minutes that all other tests take
                caught = worker.noticed_by(tests.rest, measures)
        return Tried(index, caught, seen, time.monotonic() - began)

    def say(one: Tried) -> None:
        _, mutant = chosen[one.index]
        verdict = one.caught or (f"SURVIVES, seen in `tfx {one.seen}`" if one.seen else "no visible effect")
        place = f"{mutant.file}:{mutant.number}"
        print(f"{place}  {mutant.mutation[:90]}\n    {verdict}  ({one.seconds:.0f} s)", flush=True)

    tried = share_out(len(chosen), jobs, try_out, say)
    survivors = [one for one in tried if not one.caught]
    seen = [one for one in survivors if one.seen]
    for one in seen:
        print(chosen[one.index][1].diff())
    if diffs:
        text = (f"# {one.seen or 'no visible effect'}\n{chosen[one.index][1].diff()}" for one in survivors)
        diffs.write_text("\n".join(text), encoding="utf-8")
    print("caught  seen and not caught  not seen  room")
    for room in rooms:
        here = [one for one in tried if chosen[one.index][0] == room]
        counts = (sum(bool(one.caught) for one in here), sum(bool(one.seen) for one in here))
        print(f"{counts[0]:6d}  {counts[1]:19d}  {len(here) - sum(counts):8d}  {room}")
    caught = len(tried) - len(survivors)
    share = caught / max(caught + len(seen), 1)
    each = sum(one.seconds for one in tried) / max(len(tried), 1)
    print(f"{caught} of {caught + len(seen)} caught, {share:.1%}; {each:.0f} s for each; {jobs} at a time, seed {seed}")
    return int(share < ENOUGH)


def run_checks(rooms: list[str], jobs: int, sample: int | None, seed: int) -> int:
    """Makes each check hold always, or a sample of them: 0 when every one of them is noticed."""
    checks = tests_of_check(rooms)
    if sample is not None and sample < len(checks):
        checks = random.Random(seed).sample(checks, sample)

    def try_out(worker: Worker, index: int) -> Tried:
        _, id, stages = checks[index]
        began = time.monotonic()
        answers = (asked(worker.copy, held_always(worker.copy, id, stage)).words for stage in stages)
        caught = next(filter(None, answers), "")
        return Tried(index, caught, "", time.monotonic() - began)

    def say(one: Tried) -> None:
        place, id, _ = checks[one.index]
        print(f"{place} {id}: {one.caught or 'NOT NOTICED'}  ({one.seconds:.0f} s)", flush=True)

    tried = share_out(len(checks), jobs, try_out, say)
    unnoticed = [checks[one.index] for one in tried if not one.caught]
    print(f"{len(tried) - len(unnoticed)} of {len(tried)} checks made to hold always are noticed")
    return int(bool(unnoticed))


class Worker:
    """A copy, and what is known of it as it is."""

    def __init__(self, copy: Path) -> None:
        self.copy = copy
        self.share = copy.with_name("quick-runs")
        self.broken: dict[str, bool] = {}
        self.times: dict[tuple[str, ...], float] = {}
        self.outputs: dict[tuple[str, ...], Seen] = {}

    def noticed_by(self, tests: list[str], measures: bool = True) -> str:
        """The first test that fails and does not fail without the mistake, or "".  measures: it may change what an
        experiment gives."""
        skipped: list[str] = []
        limit, share = LIMIT, None if measures else self.share
        while True:
            words = first_failing(self.copy, tests, tuple(skipped), limit, share).words
            if words.startswith(TOO_LONG) and limit < (needed := round(2 * self.computing(tests, share))):
                limit = needed
            elif "::" not in words or not self.fails_anyway(words):
                return words
            else:
                skipped.append(words)

    def computing(self, tests: list[str], share: Path | None) -> float:
        """Seconds that the tests take without a mistake: no time-out is a proof where that is longer."""
        key = tuple(tests)
        if key not in self.times:
            with copied() as clean:
                self.times[key] = first_failing(clean, tests, limit=40 * LIMIT, share=share).computing
        return self.times[key]

    def fails_anyway(self, test: str) -> bool:
        """Asked in a copy of its own: this one has the mistake in it."""
        if test not in self.broken:
            with copied() as clean:
                self.broken[test] = bool(first_failing(clean, [test]).words)
        return self.broken[test]

    def visible(self, room: str, path: Path) -> str:
        commands = commands_for(room, path)
        if tuple(commands) not in self.outputs:
            with copied() as clean:
                runs = [asked(clean, lambda: all_outputs(commands), 10 * LIMIT).words for _ in range(2)]
            self.outputs[tuple(commands)] = Seen(commands, *runs)
        found = asked(self.copy, lambda: all_outputs(commands), 10 * LIMIT).words
        return self.outputs[tuple(commands)].first_difference(found)


def share_out(n: int, jobs: int, try_out: Callable[[Worker, int], Tried], say: Callable[[Tried], None]) -> list[Tried]:
    """try_out(worker, index) for every index, in processes that each have a copy; told as soon as it is known."""
    warm_up()
    with tempfile.TemporaryDirectory() as folder:
        children = []
        for job in range(min(jobs, max(n, 1))):
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    with copied() as copy, open(Path(folder) / f"{job}.jsonl", "w", encoding="utf-8") as kept:
                        worker = Worker(copy)
                        for index in range(job, n, jobs):
                            one = try_out(worker, index)
                            say(one)
                            kept.write(json.dumps(one) + "\n")
                            kept.flush()
                    status = 0
                finally:
                    os._exit(status)
            children.append(child)
        statuses = [os.waitpid(child, 0)[1] for child in children]
        found = sorted(results(Path(folder)))
    if any(statuses) or len(found) < n:
        raise RuntimeError(f"a worker ended early: {len(found)} of {n} were tried")
    return found


def results(folder: Path) -> Iterator[Tried]:
    for path in folder.glob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            fields: list[Any] = json.loads(line)
            yield Tried(*fields)
