"""`tfx export`: where the files go, and that nothing that is there already is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import one_sentence
from tests.lessons.made_up import made_up_course
from tfx.errors import BadInput
from tfx_cli.exporting.saving import write

COURSE = """
[[module]]
number = 1
title = "Numbers"
about = "Counting."
folder = "numbers"
topics = [
  { name = "one", folder = "one", title = "One", level = 1, minutes = 3, questions = [], after = [], aliases = [] },
  { name = "two", folder = "two", title = "Two", level = 1, minutes = 3, questions = [], after = [], aliases = [] },
]
"""
LESSON = """
from lessons.writing import Lesson, exactly

lesson = Lesson(lambda request: request.seed)


@lesson.step("A number")
def the_number(seed):
    yield f"The seed is {seed}."
    yield exactly("same", "the seed is itself", seed, seed)
"""


@pytest.fixture
def two(tmp_path):
    with made_up_course(tmp_path / "course", COURSE, {"numbers/one": LESSON, "numbers/two": LESSON}):
        yield


def test_one_topic_is_one_file_and_the_face_says_which(two, tfx):
    ran = tfx("export", "markdown", "one", "--seed", "4")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "file saved: one.md\nfor any editor, or a page that shows Markdown\n"
    assert "\n\nThe seed is 4.\n\n" in Path("one.md").read_text(encoding="utf-8")
    assert tfx("export", "markdown", "one", "--to", "other.md", "--plain").out == "saved\tother.md\n"
    told = json.loads(tfx("export", "markdown", "one", "--to", "third.md", "--json").out)
    assert told == {"schema_version": 1, "kind": "markdown", "seed": 0, "files": [{"path": "third.md"}]}


def test_all_topics_are_a_folder(two, tfx):
    ran = tfx("export", "markdown")
    assert ran.out.splitlines()[0] == "2 files saved in tfx-markdown"
    assert sorted(path.name for path in Path("tfx-markdown").iterdir()) == ["one.md", "two.md"]
    told = json.loads(tfx("export", "markdown", "--to", "here", "--json").out)
    assert [Path(one["path"]).as_posix() for one in told["files"]] == ["here/one.md", "here/two.md"]


def test_what_is_there_stays_unless_it_is_forced(two, tfx):
    Path("one.md").write_text("mine", encoding="utf-8")
    ran = tfx("export", "markdown", "one")
    assert (ran.code, ran.out) == (2, "") and Path("one.md").read_text(encoding="utf-8") == "mine"
    assert one_sentence(ran) == (
        'tfx: "one.md" is there already; nothing was written.\n     Another place: --to PATH   or over it: --force\n'
    )
    assert tfx("export", "markdown", "one", "--force").code == 0
    assert Path("one.md").read_text(encoding="utf-8").startswith("# One\n")


def test_one_file_of_a_folder_that_is_there_stops_all_of_them(two, tfx):
    Path("tfx-markdown").mkdir()
    Path("tfx-markdown/two.md").write_text("mine", encoding="utf-8")
    ran = tfx("export", "markdown")
    assert ran.code == 2 and '"tfx-markdown/two.md" is there already; nothing was written.' in one_sentence(ran)
    assert [path.name for path in Path("tfx-markdown").iterdir()] == ["two.md"]
    Path("tfx-markdown/one.md").write_text("mine", encoding="utf-8")
    assert "is there already, and 1 other too; nothing was written." in one_sentence(tfx("export", "markdown"))
    assert tfx("export", "markdown", "--force").code == 0
    assert "mine" not in Path("tfx-markdown/two.md").read_text(encoding="utf-8")


def test_a_file_that_came_between_is_not_written_over(tmp_path):
    (tmp_path / "one.md").write_text("mine", encoding="utf-8")
    with pytest.raises(BadInput, match="is there already"):
        write(tmp_path / "one.md", b"ours", force=False)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"mine"], "and no part of a file is left"


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("export",), 2, "Missing argument"),
        (("export", "cards"), 2, "'cards'"),
        (("export", "markdown", "three"), 2, 'no topic is called "three"'),
        (("export", "notebook", "estimate"), 2, "estimates is a deck of questions and has no lesson."),
        (("export", "markdown", "one", "--to", "one.txt"), 2, '"one.txt" does not end in .md.'),
        (("export", "markdown", "one", "--to", "nowhere/one.md"), 3, 'there is no folder "nowhere"'),
        (("export", "markdown", "--to", "file"), 2, '"file" is a file, and every topic needs its own.'),
        (("export", "markdown", "--to", "nowhere/folder"), 3, 'there is no folder "nowhere"'),
    ],
)
def test_what_cannot_be_is_said_before_anything_runs(two, tfx, words, code, sentence):
    Path("file").write_text("mine", encoding="utf-8")
    ran = tfx(*words)
    assert (ran.code, ran.out) == (code, "") and sentence in one_sentence(ran), ran
    assert [path.name for path in Path().iterdir()] == ["file"]


def test_what_can_be_made_is_listed_on_one_line(tfx):
    ran = tfx("export")
    assert ran.code == 2
    assert ran.err == (
        "tfx: Missing argument 'anki|notebook|markdown'. Give one: anki, notebook, markdown\n     Help: tfx export -h\n"
    )
