"""The room's index names every file of it, and no other."""

import re
from pathlib import Path

import tfx.measure


def test_the_index_names_every_file_and_no_other():
    files = {path.stem for path in Path(tfx.measure.__file__).parent.glob("*.py")} - {"__init__"}
    words = set(re.findall(r"[a-z_]+", tfx.measure.__doc__ or ""))
    assert files <= words, files - words
    named = {word for word in words if "_" in word} - {"at_least", "at_most"}
    assert named <= files, named - files


def test_nothing_in_it_needs_the_rooms_above():
    for path in Path(tfx.measure.__file__).parent.glob("*.py"):
        assert not re.search(
            r"tfx\.(lab|bench)|lessons",
            "\n".join(
                line for line in path.read_text("utf-8").splitlines() if line.lstrip().startswith(("from ", "import "))
            ),
        ), path
