"""`python -m tfx` is the command `tfx`.  The one file of this package that knows the command line, and only by name."""

import importlib
import sys

if __name__ == "__main__":
    sys.exit(importlib.import_module("tfx_cli.__main__").main())
