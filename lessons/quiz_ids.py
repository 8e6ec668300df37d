"""Which quiz items a topic has, by id alone.

To count what is due, `tfx` needs no more of an item than its id.  Parsing the quiz.toml of a whole course takes longer
than all the rest of its start, so the ids are read from the lines `id = "..."`; a test holds them against the parser.
"""

from __future__ import annotations

import re

from lessons.course import Topic

ID_LINE = re.compile(r'^id = "([^"]+)"$', re.MULTILINE)


def item_ids(topic: Topic) -> tuple[str, ...]:
    """The ids of a topic's items as written; none when the topic has no quiz.toml."""
    path = topic.path / "quiz.toml"
    return tuple(ID_LINE.findall(path.read_text(encoding="utf-8", errors="replace"))) if path.is_file() else ()
