"""`--set help`: the example changes something, and is allowed."""

import shlex

import pytest

from lessons.course import lesson_of, topics
from tfx.lab.attention import masking, scaling
from tfx.lab.block import gradient_flow
from tfx.settings import apply_settings
from tfx_cli.command_table import COMMANDS
from tfx_cli.options import Face
from tfx_cli.render.pages.help import help_page
from tfx_cli.render.pages.settings import changes, show_settings

DEFAULTS = {
    **{topic.name: lesson_of(topic).settings for topic in topics()},
    **{room.__name__: room.Settings for room in (gradient_flow, masking, scaling)},
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_the_example_is_allowed_and_is_not_the_default(name):
    defaults = DEFAULTS[name]()
    pair = next(changes(defaults), None)
    assert pair is None or apply_settings(defaults, [pair], "") != defaults


def test_what_is_refused_is_not_proposed():
    assert next(changes(scaling.Settings())) == "mean=1"
    assert next(changes(gradient_flow.Settings())) == "depth=80"


def test_the_page_of_help_fits_a_screen_with_its_prompt():
    page = help_page({name: entry.help for name, entry in COMMANDS.items()}).splitlines()
    assert len(page) <= 23 and max(map(len, page)) <= 80


@pytest.mark.parametrize("width", [40, 60, 79])
def test_the_page_of_help_fits_a_narrow_terminal_and_says_the_same(width):
    commands = {name: entry.help for name, entry in COMMANDS.items()}
    page = help_page(commands, width)
    typed = {line for line in page.splitlines() if "--text" in line}
    assert not [line for line in page.splitlines() if len(line) > width and line not in typed]
    assert page.split() == help_page(commands).split()


@pytest.mark.parametrize("topic", topics(), ids=lambda topic: topic.name)
def test_the_page_ends_with_the_example(topic, capsys):
    defaults = lesson_of(topic).settings()
    show_settings(defaults, "tfx explain x", Face.terminal)
    _, found, example = capsys.readouterr().out.partition("change one: tfx explain x --set ")
    assert found or not defaults.__dict__
    if found:
        assert apply_settings(defaults, [shlex.split(example)[0]], "") != defaults
