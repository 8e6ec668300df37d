"""The command line, for tests of what an experiment's settings and name become there."""

from tests.cli.conftest import tfx

__all__ = ["tfx"]
