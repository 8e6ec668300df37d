"""Every step of every topic on a terminal of 80x24: it starts at its top, and how many need more than one screen."""

from __future__ import annotations

import pytest

from lessons.course import topics
from tests.cli.running import TERMINAL_VARIABLES
from tests.lessons.shown import steps_shown
from tfx_cli.explaining.manner import Manner
from tfx_cli.explaining.written import written_parts
from tfx_cli.options import Face
from tfx_cli.terminal.console import rows
from tfx_cli.terminal.scroll import FOOT, Scroll

#: of all steps, at most this part needs more than one screen
TALL = 0.1


@pytest.fixture(scope="module")
def screens() -> dict[str, list[str]]:
    """The screenfuls of every step."""
    with pytest.MonkeyPatch.context() as patch:
        for name in TERMINAL_VARIABLES:
            patch.delenv(name, raising=False)
        patch.setenv("COLUMNS", "80")
        patch.setenv("LINES", "24")
        shown: list[str] = []
        patch.setattr("tfx_cli.terminal.scroll.write", shown.append)
        found: dict[str, list[str]] = {}
        for topic in topics():
            steps = steps_shown(topic)
            for index, step in enumerate(steps):
                scroll = Scroll(
                    written_parts(f"{index + 1}/{len(steps)}", step, Manner(Face.terminal, screen=True), {})
                )
                pages = found[f"{topic.name} {step.name}"] = []
                while scroll.more:
                    if shown:
                        scroll.forward()
                    shown.clear()
                    scroll.show()
                    pages.append("".join(shown))
                shown.clear()
        return found


def test_every_step_starts_at_its_top_and_no_screenful_is_taller_than_the_screen(screens):
    for step, pages in screens.items():
        assert pages[0].partition("/")[0].isdigit() and pages[0].split("\n")[1] == "", step
        for page in pages:
            height = sum(rows(line, 80) for line in page.removesuffix("\n").split("\n"))
            assert 1 <= height <= 24 - FOOT, (step, height)


def test_most_steps_fit_one_screen(screens):
    tall = [step for step, pages in screens.items() if len(pages) > 1]
    print(f"{len(tall)} of {len(screens)} steps need more than one screen")
    assert len(tall) <= TALL * len(screens), tall
