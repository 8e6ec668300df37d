"""The index of tfx.ops names every room, with the words of the room itself."""

import ast
import re
from pathlib import Path

import tfx.ops

HERE = Path(tfx.ops.__file__).parent


def words_of(room: Path) -> str:
    """The first line of the room's docstring, begun in lower case and without its full stop."""
    text = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8"))) or ""
    line = text.splitlines()[0].rstrip(".")
    return line[:1].lower() + line[1:]


def test_the_index_has_a_line_for_every_room_and_no_other():
    rooms = {path.parent.name: words_of(path.parent) for path in HERE.glob("*/__init__.py")}
    index = dict(re.findall(r"^ {4}(\w+) {2,}(.+)$", tfx.ops.__doc__, re.MULTILINE))
    assert index == rooms and list(index) == sorted(index)


def test_what_it_sends_readers_to_is_there():
    names = re.findall(r"\w+/\w+\.py", tfx.ops.__doc__)
    assert len(names) == 4
    assert [name for name in names if not ((HERE / name).is_file() or (HERE.parent / name).is_file())] == []


def test_every_operation_is_in_a_room():
    assert [path.name for path in HERE.glob("*.py")] == ["__init__.py"]
