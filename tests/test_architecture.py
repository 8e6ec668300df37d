"""How the house is laid out: who may import whom, who may print, and what a file may be called."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator

import pytest

from tests.import_graph import (
    ROOT,
    circles,
    import_graph,
    imports_in,
    imports_of,
    is_ours,
    module_name,
    parsed,
    source_files,
)

#: The floors of tfx.  A file may import what is on a lower floor, and its own room.
FLOORS: dict[str, int] = {
    "tfx": 0,
    "tfx.errors": 0,
    "tfx.arguments": 0,
    "tfx.shapes": 0,
    "tfx.schedule": 1,
    "tfx.records": 0,
    "tfx.systems": 1,
    "tfx.backend": 1,
    "tfx.allocator": 1,
    "tfx.free_memory": 0,
    "tfx.blas_threads": 1,
    "tfx.settings": 1,
    "tfx.half": 1,
    "tfx.caches": 2,
    "tfx.ops": 2,
    "tfx.params": 2,
    "tfx.efficient": 3,
    "tfx.optim": 3,
    "tfx.data": 3,
    "tfx.tokenizers": 3,
    "tfx.nn": 4,
    "tfx.tuning": 5,
    "tfx.compression": 5,
    "tfx.models": 6,
    "tfx.gradcheck": 7,
    "tfx.generate": 7,
    "tfx.io": 7,
    "tfx.train": 8,
    "tfx.shipped": 9,
    "tfx.parallel": 9,
    "tfx.trace": 10,
    "tfx.measure": 10,
    "tfx.short_forms": 11,
    "tfx.lab": 12,
    "tfx.claims": 13,
    "tfx.bench": 13,
    "lessons": 14,
    "tfx_cli": 15,
    "tfx.__main__": 16,  # `python -m tfx`
}

#: Libraries that may be imported inside a function of tfx, and why.
OPTIONAL_IN_TFX = {
    "cupy": "arrays on a CUDA card, only with --device cuda",
    "threadpoolctl": "the number of BLAS threads, of workers and while something is timed",
    "distributed": "the workers of a Dask scheduler, only with --cluster",
    "torch": "what `tfx bench` compares with, where it is installed",
}

#: Libraries of an extra that may be imported inside a function of tfx_cli, and why.
OPTIONAL_IN_CLI = {
    "genanki": "Anki packages, only with tfx export anki",
    "nbformat": "notebooks, only with tfx export notebook",
}

#: tfx_cli starts in milliseconds because these are imported only inside functions.
HEAVY = {"numpy", "matplotlib", "rich", "fsrs", "plotille", "latex2mathml", *OPTIONAL_IN_CLI}

#: Files over 300 lines, each with the reason why it is still one room.
LONG_FILES: dict[str, str] = {}
LONG = 300

#: The top of the house.
TOP = {"tfx", "tfx_cli", "lessons", "tests"}

FORBIDDEN_NAMES = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "managers"}


def room_of(module: str) -> str:
    """`tfx.ops.basics.softmax` -> `tfx.ops`, `tfx_cli.app` -> `tfx_cli`, `tfx.__version__` -> `tfx`."""
    parts = module.split(".")
    if parts[0] == "tfx" and len(parts) > 1:
        is_room = (ROOT / "tfx" / parts[1]).is_dir() or (ROOT / "tfx" / f"{parts[1]}.py").is_file()
        return f"tfx.{parts[1]}" if is_room else "tfx"
    return parts[0]


def wrong_way(module: str, imported: str) -> str | None:
    """Why `module` must not import `imported`, or None."""
    here, there = room_of(module), room_of(imported)
    if here == there:
        return None
    if FLOORS[there] >= FLOORS[here]:
        return f"{here} (floor {FLOORS[here]}) must not import {there} (floor {FLOORS[there]})"
    return None


def test_imports_run_one_way_from_the_command_line_down_to_the_backend():
    wrong = []
    for path in source_files("tfx", "lessons", "tfx_cli"):
        for found in imports_in(path):
            if is_ours(found.module):
                reason = wrong_way(module_name(path), found.module)
                if reason:
                    wrong.append(f"{path.relative_to(ROOT)}:{found.line} {reason}")
    assert not wrong, "\n".join(wrong)


def test_every_room_of_tfx_has_a_floor():
    rooms = {room_of(module_name(path)) for path in source_files("tfx", "lessons", "tfx_cli")}
    assert rooms <= FLOORS.keys(), f"give these a floor in this file: {sorted(rooms - FLOORS.keys())}"


def arrows_between(floor: str) -> dict[str, set[str]]:
    """room -> the other rooms of `floor` (a package such as tfx.ops) that its files import."""
    depth = len(floor.split("."))
    arrows: dict[str, set[str]] = {}
    for path in source_files(floor.replace(".", "/")):
        here = module_name(path).split(".")[depth:]
        for found in imports_in(path):
            there = found.module.split(".")
            if len(here) > 1 and there[:depth] == floor.split(".") and len(there) > depth + 1:
                arrows.setdefault(here[0], set()).update({there[depth]} - {here[0]})
    return arrows


def test_the_rooms_of_the_operations_have_no_circle():
    arrows = arrows_between("tfx.ops")
    assert len(arrows) > 5 and "basics" in arrows["attention"]
    found = circles({room: frozenset(wanted & arrows.keys()) for room, wanted in arrows.items()})
    assert not found, [{room: arrows[room] for room in sorted(circle)} for circle in found]
    assert not arrows.get("basics"), "basics is the lowest room"


def test_the_house_plan_and_the_readme_name_every_room():
    plan = re.search(
        r"## How the house is laid out.*?```\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.S
    )
    assert plan
    named = set(re.findall(r"\b(\w+)/", plan[1]))
    rooms = {path.parent.name for floor in ("tfx", "tfx_cli") for path in (ROOT / floor).glob("*/__init__.py")}
    assert rooms <= named, f"name these in CONTRIBUTING.md: {sorted(rooms - named)}"
    table = set(re.findall(r"`tfx\.(\w+)`", (ROOT / "README.md").read_text("utf-8")))
    rooms_of_tfx = {path.parent.name for path in (ROOT / "tfx").glob("*/__init__.py")}
    assert rooms_of_tfx <= table, f"name these in the table of README.md: {sorted(rooms_of_tfx - table)}"
    there = {path.name for path in ROOT.rglob("*") if path.is_dir() and path.relative_to(ROOT).parts[0] in TOP}
    assert named <= there, f"the plan of CONTRIBUTING.md names rooms that are not there: {sorted(named - there)}"


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("tfx.ops.basics.softmax", "tfx.nn.linear"),
        ("tfx.backend", "tfx.ops.basics.softmax"),
        ("tfx.lab.attention.scaling", "lessons.course"),
        ("lessons.quiz", "tfx_cli.app"),
        ("tfx.ops.basics.softmax", "tfx.lab"),
    ],
)
def test_an_import_up_the_stairs_is_caught(module, imported):
    assert wrong_way(module, imported)


def test_no_modules_import_one_another_in_a_circle():
    """Imports inside functions and those for the type checker count: who must know whom is the same."""
    found = circles(import_graph())
    assert not found, f"who needs what both use, in a third file? {[sorted(circle) for circle in found]}"


def test_a_circle_is_seen():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": set(), "f": {"a", "g"}, "g": {"f"}}
    assert circles({module: frozenset(targets) for module, targets in graph.items()}) == {
        frozenset("abc"),
        frozenset("fg"),
    }


def test_hidden_imports_are_seen():
    source = "def f():\n    from ..nn import linear\nif TYPE_CHECKING:\n    import tfx.lab\n"
    found = list(imports_of(source, "tfx.ops.softmax", is_package=False))
    assert [(hidden.module, hidden.at_module_level) for hidden in found] == [
        ("tfx.nn.linear", False),
        ("tfx.lab", False),
    ]


def test_tfx_and_lessons_need_only_numpy_and_the_standard_library():
    foreign = []
    for path in source_files("tfx", "lessons"):
        for found in imports_in(path):
            top = found.module.split(".")[0]
            if top in sys.stdlib_module_names or is_ours(found.module) or top == "numpy":
                continue
            if top in OPTIONAL_IN_TFX and not found.at_module_level:
                continue
            foreign.append(f"{path.relative_to(ROOT)}:{found.line} imports {found.module}")
    assert not foreign, "\n".join(foreign)


def test_the_command_line_imports_nothing_heavy_at_module_level():
    heavy = [
        f"{path.relative_to(ROOT)}:{found.line} imports {found.module}: move it into the function that needs it"
        for path in source_files("tfx_cli")
        for found in imports_in(path)
        if found.at_module_level and found.module.split(".")[0] in HEAVY
    ]
    assert not heavy, "\n".join(heavy)


def import_names_of_dependencies() -> set[str]:
    """The runtime dependencies of pyproject.toml; each is imported under its own name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {re.match(r"[A-Za-z0-9_]+", line).group() for line in project["dependencies"]}  # type: ignore[union-attr]


def test_the_command_line_imports_only_what_an_installation_brings():
    known = import_names_of_dependencies() | OPTIONAL_IN_TFX.keys() | OPTIONAL_IN_CLI.keys() | sys.stdlib_module_names
    foreign = [
        f"{path.relative_to(ROOT)}:{found.line} imports {found.module}"
        for path in source_files("tfx_cli")
        for found in imports_in(path)
        if not is_ours(found.module) and found.module.split(".")[0] not in known
    ]
    assert not foreign, "\n".join(foreign)


def printing_lines(source: str) -> Iterator[int]:
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            yield node.lineno
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("sys.stdout", "sys.stderr"):
            yield node.lineno


def test_only_the_command_line_prints():
    printing = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in source_files("tfx", "lessons")
        for line in printing_lines(path.read_text(encoding="utf-8"))
    ]
    assert not printing, f"return records instead: {printing}"


def test_printing_is_seen():
    assert list(printing_lines("x = 1\nprint(x)\nimport sys\nsys.stdout.write('y')\n")) == [2, 4]


def files_without_encoding(source: str) -> Iterator[int]:
    """Lines that open a text file without saying which encoding."""
    for node in ast.walk(parsed(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        opens = name in ("read_text", "write_text", "fdopen", "NamedTemporaryFile")
        if name == "open":  # the built-in one, or path.open("w"); not os.open, and not an entry of an archive
            first = node.args[0] if node.args else None
            opens = isinstance(node.func, ast.Name) or first is None or isinstance(first, ast.Constant)
        if not opens:
            continue
        words = {keyword.arg for keyword in node.keywords}
        modes = [
            argument.value
            for argument in [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg == "mode")]
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
        ]
        binary = any("b" in mode and len(mode) <= 3 for mode in modes) or (name == "NamedTemporaryFile" and not modes)
        if "encoding" not in words and None not in words and not binary:
            yield node.lineno


def test_every_text_file_is_opened_with_an_encoding():
    bare = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in source_files("tfx", "lessons", "tfx_cli")
        for line in files_without_encoding(path.read_text(encoding="utf-8"))
    ]
    assert not bare, f"say encoding='utf-8': {bare}"


def test_a_bare_open_is_seen():
    source = "open(p)\nopen(p, 'rb')\np.read_text()\np.read_text(encoding='utf-8')\np.open(mode='wb')\n"
    assert list(files_without_encoding(source)) == [1, 3]


def test_a_file_over_300_lines_has_a_reason():
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in source_files("tfx", "lessons", "tfx_cli")
    }
    long = {name for name, lines in lengths.items() if lines > LONG}
    assert long <= LONG_FILES.keys(), f"split, or give a reason in this file: {sorted(long - LONG_FILES.keys())}"
    assert LONG_FILES.keys() <= long, f"no longer long: {sorted(LONG_FILES.keys() - long)}"


def test_no_file_has_a_name_that_says_nothing():
    nameless = [
        str(path.relative_to(ROOT))
        for path in source_files("tfx", "lessons", "tfx_cli", "tests")
        if FORBIDDEN_NAMES & {part.lower() for part in path.relative_to(ROOT).with_suffix("").parts}
    ]
    assert not nameless, nameless


def test_every_folder_of_tests_is_a_package():
    bare = sorted(
        str(folder.relative_to(ROOT))
        for folder in {path.parent for path in source_files("tests")}
        if not (folder / "__init__.py").is_file()
    )
    assert not bare, bare


def test_lesson_text_is_plain_ascii():
    strange = [
        f"{path.relative_to(ROOT)}: {character!r}"
        for pattern in ("*.md", "*.toml")
        for path in sorted((ROOT / "lessons").rglob(pattern))
        for character in sorted({c for c in path.read_text(encoding="utf-8") if ord(c) > 126})
    ]
    assert not strange, strange
