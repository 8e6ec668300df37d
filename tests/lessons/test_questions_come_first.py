"""What a reader is asked to predict does not stand above the question: read off the recorded screens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lessons.course import topics

RECORDED = Path(__file__).resolve().parents[1] / "screens" / "recorded"
STEP = re.compile(r"^(?=\d+/\d+  )", re.MULTILINE)
ASKED = re.compile(
    r"(?P<above>.*?)^  predict .*?^  answer: +(?P<answer>-?[\d.]+(?:e[+-]\d+)?)", re.MULTILINE | re.DOTALL
)
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")

#: Where the number above is what has to be understood and not a table's answer: topic -> steps.
ON_PURPOSE = {
    "seq2seq-rnn": [3],  # the width of the state; asked is whether a longer text changes it
    "positional-learned": [4],  # 1,000 texts; asked is how many of them have a first token
    "positional-rope": [2],  # the score at one place; asked is whether it moves with the text
    "attention-bias": [1],  # exp(-1) in a worked row; asked is what it is to a weight
    "gradient-checkpointing": [7],  # the number of queries; asked is how many numbers each keeps
    "head-diversity-pruning": [5],  # both columns are needed, and what is lost one by one is 0
}


def told_before(screens: str) -> list[int]:
    """The steps whose answer, of three digits or more, stands above the question, to half a percent."""
    found = []
    for number, step in enumerate(STEP.split(screens)[1:], 1):
        asked = ASKED.match(step)
        if asked is None or len(re.sub(r"e.*|[-.]", "", asked["answer"]).lstrip("0")) < 3:
            continue
        answer = float(asked["answer"].rstrip("."))
        above = (float(text.replace(",", "")) for text in NUMBER.findall(asked["above"]))
        if any(abs(value - answer) <= 0.005 * abs(answer) for value in above):
            found.append(number)
    return found


@pytest.mark.parametrize("topic", topics(), ids=lambda t: t.name)
def test_no_answer_stands_above_its_question(topic):
    screens = (RECORDED / f"screens-{topic.name}.txt").read_text(encoding="utf-8")
    assert told_before(screens) == ON_PURPOSE.get(topic.name, [])


@pytest.mark.parametrize(("above", "told"), [("k1 0.665 0.245", [1]), ("k2 0.245 0.09", []), ("1,234", [])])
def test_a_table_with_the_answer_is_seen(above, told):
    text = f"1/1  A step\n\n  {above}\n\n  predict   What is it?\n  answer:   0.6652.  The share.\n"
    assert told_before(text) == told
