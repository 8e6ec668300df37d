"""`--set help` ends with a command that changes something."""

from __future__ import annotations

import pytest

from lessons.course import lesson_of, topics
from tfx.settings import apply_settings
from tfx_cli.options import Face
from tfx_cli.render.pages.settings import show_settings


@pytest.mark.parametrize("topic", topics(), ids=lambda topic: topic.name)
def test_the_example_is_allowed_and_not_the_default(topic, capsys):
    defaults = lesson_of(topic).settings()
    show_settings(defaults, "tfx explain x", Face.terminal)
    _, found, example = capsys.readouterr().out.partition("change one: tfx explain x --set ")
    assert found or not defaults.__dict__
    if found:
        assert apply_settings(defaults, [example.split()[0]], "") != defaults
