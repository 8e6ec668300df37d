"""Where tasks of a sweep run: processes of this machine, or the workers of a Dask scheduler.

Each process has one BLAS thread, as a single run has where its numbers depend on it.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from tfx.errors import EnvironmentProblem
from tfx.lab.kept_rows import Piece
from tfx.lab.sweep import Task, measure_key

#: A task that ended so many workers is given up.
TRIES = 3
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class LocalWorkers:
    """n processes, each in a pool of its own, so that one that is killed takes no other's task with it."""

    def __init__(self, n: int) -> None:
        self.n = n

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Piece]]:
        """As `Workers` says.  Raises EnvironmentProblem for a task that ended TRIES workers, and what a task raises."""
        waiting = list(tasks)
        tries = dict.fromkeys(waiting_keys(waiting), 0)
        pools = [one_process() for _ in range(min(self.n, len(waiting)))]
        running: dict[Future[Piece], tuple[int, Task]] = {}

        def give(place: int) -> None:
            if waiting:
                task = waiting.pop(0)
                running[pools[place].submit(measure_key, task)] = (place, task)

        try:
            for place in range(len(pools)):
                give(place)
            while running:
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    place, task = running.pop(future)
                    try:
                        piece = future.result()
                    except BrokenProcessPool:
                        tries[task.key] += 1
                        if tries[task.key] >= TRIES:
                            raise EnvironmentProblem(
                                f"a worker ended {TRIES} times while it measured {task.key}.",
                                "Is there memory enough?  Choose fewer workers.",
                            ) from None
                        pools[place] = one_process()
                        waiting.insert(0, task)
                    else:
                        yield task, piece
                    give(place)
        finally:
            for pool in pools:
                end(pool)


def waiting_keys(tasks: list[Task]) -> list[str]:
    return [task.key for task in tasks]


def one_process() -> ProcessPoolExecutor:
    """A fresh interpreter, because a fork would share the threads of the BLAS."""
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=prepare)


def prepare() -> None:
    """In the worker: one BLAS thread, and a Ctrl-C that is the caller's to answer."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for variable in ONE_THREAD:
        os.environ[variable] = "1"


def end(pool: ProcessPoolExecutor) -> None:
    """At once: a task in hand is not waited for.

    The thread that looks after the process is: left alone it may close what the end of the program still writes to.
    """
    for process in list((pool._processes or {}).values()):
        process.terminate()
    pool.shutdown(wait=True, cancel_futures=True)


class ClusterWorkers:
    """The workers of a Dask scheduler, on which the same tfx is installed."""

    def __init__(self, address: str) -> None:
        self.address = address

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Piece]]:
        """As `Workers` says; Dask gives the task of a lost worker to another.

        Raises EnvironmentProblem without the extra, without a scheduler there, and for a task that ended TRIES workers.
        """
        try:
            import distributed
        except ImportError:
            raise EnvironmentProblem(
                "--cluster needs Dask, which is not installed.", 'Install it: pip install "tfx-learn[cluster]"'
            ) from None
        try:
            client: Any = distributed.Client(self.address, timeout="10s", set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise EnvironmentProblem(
                f"no Dask scheduler answers at {self.address}.",
                "Its address stands in its first lines: tcp://HOST:8786",
            ) from error
        try:
            of = {client.submit(measure_key, task, pure=False, retries=TRIES): task for task in tasks}
            for future in distributed.as_completed(of, loop=client.loop):
                try:
                    yield of[future], future.result()
                except distributed.KilledWorker as error:
                    raise EnvironmentProblem(
                        f"the workers ended while they measured {of[future].key}.", "Is there memory enough on them?"
                    ) from error
        finally:
            client.cancel(list(of))
            client.close()
