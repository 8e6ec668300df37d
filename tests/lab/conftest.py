"""The command line, for tests of what an experiment's settings and name become there; and which proofs are slow."""

import pytest

from tests.cli.conftest import tfx
from tfx.lab import groups_of

__all__ = ["tfx"]

#: Most experiments of these groups train something: what breaks their checks, and their own tests, take minutes all
#: together, so that `make test-all` runs them.  That their checks hold at the quick size is seen in every run, but for
#: those of LONG in quick_runs.py.
TRAINED = ("training", "generation", "beyond text", "position")
#: ... and so do these, of other groups.
ALSO = {"additive-vs-dot", "attention-vs-ablation", "qk-symmetry", "head-pruning", "rank-bottleneck", "norm-stability"}


def pytest_collection_modifyitems(items):
    group = groups_of()
    slow = {name for name in group if group[name] in TRAINED} | ALSO
    files = {f"test_{name.replace('-', '_')}.py" for name in slow}
    for item in items:
        if "lab" not in item.path.parts:
            continue
        named = list(item.callspec.params.values()) if hasattr(item, "callspec") else []
        of_one = any(isinstance(value, str) and value in slow for value in named)
        breaking = item.path.name == "test_broken_checks.py" or "really_changes_a_verdict" in item.name
        if item.path.name in files or (of_one and breaking):
            item.add_marker(pytest.mark.slow)
