"""The cases stand where the library stands: the file of an operation's case follows from the file of the operation."""

import importlib
import pkgutil

import pytest

from tfx.gradcheck import CASES, cases
from tfx.gradcheck.discovery import modules_in


def modules_of_cases():
    for info in pkgutil.walk_packages(cases.__path__, cases.__name__ + "."):
        module = importlib.import_module(info.name)
        if hasattr(module, "CASES") and not info.ispkg:
            yield module


@pytest.mark.parametrize(
    "module", list(modules_of_cases()), ids=lambda module: module.__name__.removeprefix(cases.__name__)
)
def test_a_file_of_cases_has_the_path_of_what_it_tests(module):
    path = module.__name__.removeprefix(cases.__name__)
    assert {case.target.__module__ for case in module.CASES} == {"tfx" + path}
    assert f"tfx{path.replace('.', '/')}.py" in module.__doc__


def test_every_file_of_cases_is_found():
    found = [case for module in modules_of_cases() for case in module.CASES]
    assert len(found) == len(CASES) and {id(case) for case in found} == {id(case) for case in CASES}


def test_a_new_file_is_found_by_itself(tmp_path, monkeypatch):
    room = tmp_path / "mirror" / "ops" / "basics"
    room.mkdir(parents=True)
    for folder in (tmp_path / "mirror", tmp_path / "mirror" / "ops", room):
        (folder / "__init__.py").write_text("", encoding="utf-8")
    (room / "thrice.py").write_text("CASES = ('one', 'two')\n", encoding="utf-8")
    (room / "shared.py").write_text("SIZE = 3\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    found = [getattr(module, "CASES", ()) for module in modules_in("mirror", ("ops",))]
    assert found == [(), (), ("one", "two")]
