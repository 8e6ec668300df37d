"""Every dependency has a lowest version, and `make test-lowest` installs just that."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.packaging.lowest import PYPROJECT, lowest_versions


def test_every_dependency_is_pinned_to_its_lowest_version():
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    extras = [one for name in ("anki", "notebook") for one in project["optional-dependencies"][name]]
    needed = [*project["dependencies"], *extras]
    assert [one.replace("==", ">=") for one in lowest_versions()] == [one.partition(",")[0] for one in needed]
    assert len(needed) >= 8


def test_what_an_extra_needs_is_the_same_in_the_tests_of_every_day():
    settings = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))
    for name in ("anki", "notebook"):
        assert set(settings["project"]["optional-dependencies"][name]) <= set(settings["dependency-groups"]["dev"])


@pytest.mark.parametrize("needed", ["numpy", "numpy<3", "numpy!=2.1"])
def test_a_dependency_without_one_is_refused(needed, tmp_path):
    (tmp_path / "pyproject.toml").write_text(f'[project]\ndependencies = ["{needed}"]\n', encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(f"'{needed}' names no lowest version")):
        lowest_versions(tmp_path / "pyproject.toml")


def test_the_deprecations_of_our_own_code_stay_errors():
    """What the settings of pytest say of a warning that is raised here."""
    import warnings

    with pytest.raises(DeprecationWarning, match="ours"):
        warnings.warn("ours", DeprecationWarning, stacklevel=1)
    warnings.warn_explicit("theirs", DeprecationWarning, "theirs.py", 1, module="matplotlib.theirs")
