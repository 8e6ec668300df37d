"""`python -m tests.gpu`: exit code 3 and one sentence where there is no card to test on.

pytest would find the tests and fail every one of them for the same reason; skipping them would look like success.
"""

from __future__ import annotations

import sys

from tfx.backend import device_module
from tfx.errors import EnvironmentProblem
from tfx_cli.terminal.lines import say


def main() -> int:
    try:
        cupy = device_module("cuda")
    except EnvironmentProblem as problem:
        say(f"no test was run: {problem.message}", f"{problem.hint}   then: make test-gpu")
        return problem.exit_code
    name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    print(f"CuPy {cupy.__version__} on {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
