"""`--set help`: the example changes something, and is allowed."""

import pytest

from lessons.course import lesson_of, topics
from tfx.lab import gradient_flow, masking, scaling
from tfx.settings import apply_settings
from tfx_cli.command_table import COMMANDS
from tfx_cli.render.pages.help import help_page
from tfx_cli.render.pages.settings import changes

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
