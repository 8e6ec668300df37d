"""`python -m tests.mutation`: counts what is caught, file by file, and shows what survives."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from pathlib import Path

from tests.mutation.equivalent import is_equivalent
from tests.mutation.mutants import ROOMS, Mutant, files, mutants_of
from tests.mutation.rooms import ROOMS as HOUSE

ENOUGH = 0.95


def chosen(names: list[str] | None, sample: int | None, seed: int, room: str | None = None) -> list[Mutant]:
    """The mutants of these files, without those known to compute the same thing; at random when sample is given."""
    found = [mutant for path in files(names, room) for mutant in mutants_of(path) if not is_equivalent(mutant)]
    if sample is None or sample >= len(found):
        return found
    keep = sorted(random.Random(seed).sample(range(len(found)), sample))
    return [found[index] for index in keep]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutation",
        description="Plants mistakes in the operations, or in the rest of the house.",
    )
    parser.add_argument("--ops", nargs="*", metavar="FILE", help="softmax, longformer, ...; all files unless told")
    parser.add_argument("--room", choices=ROOMS, help="the files of this folder alone")
    parser.add_argument("--sample", type=int, metavar="N", help="so many mutants (or checks), drawn at random")
    parser.add_argument(
        "--after", type=int, default=0, metavar="N", help="with --rooms: go on behind the first N of them"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--diffs", type=Path, metavar="PATH", help="write the survivors' diffs there too")
    parser.add_argument("--rooms", metavar="A,B", help=f"of the rest of the house: {', '.join(HOUSE)}, or all")
    parser.add_argument("--jobs", type=int, default=2, help="with --rooms and --checks: so many at a time")
    parser.add_argument("--checks", action="store_true", help="make each check of the rooms hold always instead")
    parser.add_argument("--answers", nargs="*", metavar="NAME", help="in right answers to exercises (answers.py)")
    parser.add_argument("--tensors", nargs="*", metavar="NAME", help="in those in PyTorch (tensors.py); takes --sample")
    parser.add_argument("--list", action="store_true", help="count the mutants of each file and stop")
    options = parser.parse_args(arguments)
    if options.answers is not None:
        from tests.mutation.answers import run_answers

        return run_answers(options.answers)
    if options.tensors is not None:
        from tests.mutation.tensors import run_tensors

        return run_tensors(options.tensors, options.sample or 10**6, options.seed)
    if options.rooms or options.checks:
        from tests.mutation.house import run_checks, run_rooms

        rooms = list(HOUSE) if options.rooms in (None, "all") else options.rooms.split(",")
        if unknown := [room for room in rooms if room not in HOUSE]:
            parser.error(f"there is no room {unknown[0]}; there are {', '.join(HOUSE)}")
        if options.checks:
            return run_checks(rooms, options.jobs, options.sample, options.seed)
        return run_rooms(rooms, options.sample, options.seed, options.jobs, options.diffs, options.list, options.after)
    mutants = chosen(options.ops, options.sample, options.seed, options.room)
    total = Counter(mutant.file for mutant in mutants)
    if options.list:
        for file, n in total.items():
            print(f"{n:5d}  {file}")
        print(f"{len(mutants):5d}  in all")
        return 0
    from tests.mutation.noticing import try_out, warm_up
    from tests.mutation.planting import module_of

    modules = list(dict.fromkeys(module_of(mutant) for mutant in mutants))
    warm_up(modules)
    survivors: list[Mutant] = []
    began = time.monotonic()
    for mutant in mutants:
        if not try_out(mutant):
            survivors.append(mutant)
            print(mutant.diff(), flush=True)
    survived = Counter(mutant.file for mutant in survivors)
    print("caught  of   file")
    for file, n in total.items():
        print(f"{n - survived[file]:6d}  {n:4d} {file}")
    caught = len(mutants) - len(survivors)
    share = caught / len(mutants) if mutants else 1.0
    each = (time.monotonic() - began) / max(len(mutants), 1)
    print(f"{caught} of {len(mutants)} caught, {share:.1%}; {each:.2f} s for each")
    if options.diffs:
        text = "\n".join(f"# {mutant.mutation}\n{mutant.diff()}" for mutant in survivors)
        options.diffs.write_text(text, encoding="utf-8")
    return int(share < ENOUGH)


if __name__ == "__main__":
    sys.exit(main())
