"""`python -m tests.quiz.linter [TOPIC]`: prints what is wrong, and ends with 1 if anything is."""

from __future__ import annotations

import sys

from lessons.decks import find_deck_or_topic
from lessons.quiz import all_items, topic_items
from tests.quiz.linter import findings
from tests.quiz.linter.strategies import strategies_that_pay

items = topic_items(find_deck_or_topic(sys.argv[1])) if len(sys.argv) > 1 else all_items()
found = findings(items) + strategies_that_pay(all_items())
print("\n".join(map(str, found)) or "0 findings")
sys.exit(bool(found))
