"""rnn-baseline: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

from tests.quiz.second_opinions import agrees, questions


def test_second_state():
    for (w, _, start, first, second), asked in questions("rnn-baseline/second-state"):
        h = start
        for word in (first, second):
            e = math.exp(2 * (word + w * h))
            h = (e - 1) / (e + 1)
        agrees(asked, h)


def test_cell():
    for (before, f, i, g), asked in questions("rnn-baseline/cell"):
        agrees(asked, before * f + g * i)


def test_gate_power():
    for (gate, steps), asked in questions("rnn-baseline/gate-power"):
        agrees(asked, math.exp(steps * math.log(gate)))


def test_clipped():
    for (a, b, limit), asked in questions("rnn-baseline/clipped"):
        assert math.hypot(a, b) > limit
        agrees(asked, limit * math.cos(math.atan2(b, a)))


def test_chain():
    for (_, words), asked in questions("rnn-baseline/chain"):
        done = 0
        for _ in range(int(words)):
            gates = done + 1
            done = gates + 1  # the candidate waits for the gates
        agrees(asked, done)
