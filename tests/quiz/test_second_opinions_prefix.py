"""peft-prefix: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from fractions import Fraction

from tests.quiz.second_opinions import agrees, questions


def test_prefix_numbers():
    for (layers, width, length), asked in questions("peft-prefix/prefix-numbers"):
        agrees(asked, sum(width * length for _ in range(int(layers)) for _ in ("key", "value")))


def test_keys_seen():
    for (length, tokens, t, _), asked in questions("peft-prefix/keys-seen"):
        agrees(asked, length + sum(1 for key in range(1, int(tokens) + 1) if key <= t))


def test_mixed():
    for (old, new, share), asked in questions("peft-prefix/mixed"):
        agrees(asked, float(Fraction(str(old)) + Fraction(str(share)) * (Fraction(str(new)) - Fraction(str(old)))))


def test_weights_shape():
    for (b, t, heads, length), asked in questions("peft-prefix/weights-shape"):
        agrees(asked, (b, heads, t, t + length))
