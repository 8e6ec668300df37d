"""Which topics and experiments use a file: on the screens of all others a mistake in it cannot be seen.

Without this every mutant of an experiment that is not caught at once has all sixty others run, several times.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.import_graph import ROOT, module_name, reached, users_of_names


class Users(NamedTuple):
    """Names of topics and of experiments."""

    topics: tuple[str, ...]
    experiments: tuple[str, ...]

    @property
    def words(self) -> list[str]:
        return [*self.topics, *self.experiments]


def users_of(room: str, path: Path) -> Users:
    """Of a file of the lab or of a topic those that import it, however far; of any other file all of them."""
    from lessons.course import topics
    from tfx.lab import experiment_module, experiments

    every = {topic.name: folder_of(topic.package) for topic in topics()}
    if room not in ("lab", "measure", "lessons"):
        return Users(tuple(every), tuple(experiments()))
    module = module_name(path)
    return Users(
        tuple(name for name, roots in every.items() if module in used_by(roots)),
        tuple(name for name in experiments() if module in used_by((experiment_module(name).__name__,))),
    )


@cache
def used_by(roots: tuple[str, ...]) -> frozenset[str]:
    return frozenset(reached(users_of_names(), roots))


def folder_of(package: str) -> tuple[str, ...]:
    """The modules of a topic."""
    folder = ROOT.joinpath(*package.split("."))
    return tuple(module_name(path) for path in sorted(folder.rglob("*.py")))
