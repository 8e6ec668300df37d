"""`tfx` alone: where you are, and the next useful command."""

from __future__ import annotations

import sys

from tfx_cli.app import HEAD


def show_dashboard() -> None:
    """Prints the welcome page."""
    sys.stdout.write(f"{HEAD}\n\n  next   tfx explain attention\n\n")
    sys.stdout.write("  map: tfx explain      all experiments: tfx experiment      help: tfx -h\n")
