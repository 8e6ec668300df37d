"""One BLAS thread for all tests, set before NumPy is loaded.

The matrices here are so small that a second thread costs more than it brings: training `reverse` takes several times
the processor time with two.  And a Ctrl-C that means something: in a background job it is ignored, and so it would be
in every process that a test starts.
"""

import os
import signal

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ.setdefault(variable, "1")

signal.signal(signal.SIGINT, signal.default_int_handler)
