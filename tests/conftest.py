"""One BLAS thread for all tests, set before NumPy is loaded.

The matrices here are so small that a second thread costs more than it brings: training `reverse` takes several times
the processor time with two.  And a Ctrl-C that means something: in a background job it is ignored, and so it would be
in every process that a test starts.
"""

import os
import signal
from pathlib import Path

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ.setdefault(variable, "1")

signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config):
    """Names the folder that the workers of one run share (tests/once.py): beside those of their own."""
    if hasattr(config, "workerinput"):
        os.environ["TFX_TESTS_SHARE"] = str(Path(config.option.basetemp).parent / "shared")
