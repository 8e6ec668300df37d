"""A course file that breaks its rules: which file, which line, which entry, and all that is wrong with it."""

from __future__ import annotations

import pytest

from lessons.course_file import BadCourseFile, read_modules

MODULE = '[[module]]\nnumber = 3\ntitle = "Attention"\nabout = "One formula."\nfolder = "attention"\n'
TOPIC = '[[module.topics]]\nname = "qkv"\nfolder = "qkv"\ntitle = "Queries"\nlevel = 1\nminutes = 15\n'


def message(path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadCourseFile) as caught:
        read_modules(path)
    assert caught.value.message.startswith(str(path))
    return caught.value.message.removeprefix(str(path))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ": holds only [[module]] tables, but has nothing"),
        (f"title = 1\n{MODULE}{TOPIC}", ": holds only [[module]] tables, but has module, title"),
        ("module = 3\n", ": holds only [[module]] tables, but has module"),
        ("module = [3]\n", ": a module is a table, not 3"),
        (f"{MODULE}topics = []\n", ', line 3: module "Attention" has no topic'),
        (
            MODULE.replace('title = "Attention"\n', ""),
            ', line 3: module "without a name" has no title, and has no topics',
        ),
        (f"{MODULE}{TOPIC}{TOPIC}", ', line 7: topic "qkv" is there already'),
        (f"{MODULE}{TOPIC}color = 1\n", ', line 7: topic "qkv" has color, which no topic has'),
        (f"{MODULE}{TOPIC.replace('= 15', '= true')}", ', line 7: topic "qkv" minutes must be a whole number'),
        (MODULE.replace("= 3", '= "3"') + TOPIC, ', line 2: module "Attention" number must be a whole number'),
        (f"{MODULE}{TOPIC}aliases = [1]\n", ', line 7: topic "qkv" aliases must be a list of texts'),
        (f"{MODULE}{TOPIC}after = 'shapes'\n", ', line 7: topic "qkv" after must be a list of texts'),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text, said, tmp_path):
    assert message(tmp_path / "course.toml", text) == said


def test_a_file_that_keeps_the_rules_is_read_as_it_stands(tmp_path):
    path = tmp_path / "course.toml"
    path.write_text(MODULE + TOPIC + 'aliases = ["maps"]\n', encoding="utf-8")
    (module,) = read_modules(path)
    assert module["number"] == 3 and [topic["aliases"] for topic in module["topics"]] == [["maps"]]


def test_a_file_that_is_not_there_or_no_text_or_no_toml_is_named(tmp_path):
    with pytest.raises(BadCourseFile) as caught:
        read_modules(tmp_path / "course.toml")
    assert caught.value.message == f"{tmp_path}/course.toml: No such file or directory"
    (tmp_path / "course.toml").write_bytes(b"\xff")
    with pytest.raises(BadCourseFile, match="can't decode byte 0xff in position 0"):
        read_modules(tmp_path / "course.toml")
    assert message(tmp_path / "course.toml", "a = [[[").startswith(": Invalid value (at ")
