"""`make weights`: trains the models that ship, and says how far it is.  A tool for whoever makes a release.

python -m tfx_cli.make_weights                all three, into tfx/shipped/weights (at most 15 minutes on 2 cores)
python -m tfx_cli.make_weights --only plain     one of them
python -m tfx_cli.make_weights --quick --out /tmp/w      a rehearsal of seconds; the models are bad
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tfx_cli.terminal.lines import tell


def main(arguments: list[str] | None = None) -> int:
    from tfx.shipped.make_weights import NAMES, QUICK, WEIGHTS, Recipe, make

    parser = argparse.ArgumentParser(
        prog="python -m tfx_cli.make_weights", description="Trains the models that ship, and says how good they are."
    )
    parser.add_argument("--only", choices=NAMES, action="append", help="train this model (may be repeated)")
    parser.add_argument("--out", type=Path, default=WEIGHTS, metavar="DIR", help="where the .npz files go")
    parser.add_argument("--quick", action="store_true", help="a few steps of everything: does the recipe run?")
    given = parser.parse_args(arguments)
    if given.quick and given.out == WEIGHTS:
        parser.error("--quick makes bad models: give it a folder of its own with --out DIR")
    began = time.perf_counter()
    make(tuple(given.only or NAMES), given.out, QUICK if given.quick else Recipe(), tell)
    tell(f"done in {time.perf_counter() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
