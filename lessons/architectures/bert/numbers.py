"""Numbers for the quiz on BERT: each function draws one case and computes its truth."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.data.masked_tokens import MASKED_SHARE
from tfx.data.sentence_pairs import NAMES, pack_pairs
from tfx.models.bert import bert_parameter_count
from tfx.ops.positions.positions import add_positions_forward


@told_apart
def read_mask(rng: np.random.Generator) -> NumberCase:
    """Tokens that stand under [MASK], on average."""
    n = int(rng.choice([200, 400, 500, 1000, 2000]))
    chosen = 15 * n // 100
    wrong = (
        Wrong(float(chosen), "every chosen token is masked", "A fifth of the chosen read a random token, or themselves."),
        Wrong(0.8 * n, "80 percent of all", "The 80 percent are of the chosen 15 percent."),
        Wrong(0.9 * chosen, "random tokens counted as masked", "[MASK] and random tokens are two things: 80 and 10 percent."),
    )  # fmt: skip
    return NumberCase({"n": n}, MASKED_SHARE * chosen, wrong, 0.001)


@told_apart
def segment_table(rng: np.random.Generator) -> NumberCase:
    """What a second segment adds, twice: the difference of two models, counted."""
    c, m, v = int(rng.choice([128, 256, 512, 768])), int(rng.choice([256, 512])), 30_000
    sizes: dict[str, Any] = {"vocab": v, "d_model": c, "n_heads": 2, "d_ff": 4 * c, "n_layers": 2, "max_len": m}
    two, none = (bert_parameter_count(**sizes, n_segments=n)["embedding"] for n in (2, 0))
    wrong = (
        Wrong(float(m * c), "a segment vector per place", "There is a vector for each segment, shared by all of its places."),
        Wrong(float(c), "one vector for two segments", "A and B have a vector each."),
        Wrong(2.0, "a number for a vector", "Each segment has a vector of the width of the model."),
        Wrong(float(v * 2), "two more numbers per token", "Segment vectors belong to segments, not to tokens of the vocabulary."),
    )  # fmt: skip
    return NumberCase({"c": c, "m": m, "v": f"{v:,}"}, float(two - none), wrong, 0.0)


@told_apart
def packed(rng: np.random.Generator) -> NumberCase:
    """The length of a real packed pair."""
    a, b = (int(n) for n in rng.integers(4, 30, size=2))
    answer = int(pack_pairs([((NAMES[0],) * a, (NAMES[1],) * b)]).lengths[0])
    wrong = (
        Wrong(float(a + b), "signs not counted", "[CLS] and two [SEP] are tokens of their own."),
        Wrong(float(a + b + 2), "one separator", "Each of the two sentences ends with [SEP]."),
        Wrong(
            float(2 * (a + b + 3)), "segments as tokens", "The segment is added to a token's vector; it is no token."
        ),
    )
    return NumberCase({"a": a, "b": b}, float(answer), wrong, 0.0)


@told_apart
def summed(rng: np.random.Generator) -> NumberCase:
    """One number of the sum in front of the norm."""
    token, first, second, place = (float(x) for x in np.round(rng.uniform(-2, 2, 4), 1))
    x, _ = add_positions_forward(np.array([[[token + second]]]), np.array([[place]]))
    wrong = (
        Wrong(token + first + place, "segment of the other sentence", "The token stands in the second sentence, so it gets the vector of B."),
        Wrong(token + place, "no segment vector", "Token, segment and place are all added."),
        Wrong((token + second + place) / 3, "mean for sum", "The three are added; the norm comes afterwards."),
    )  # fmt: skip
    return NumberCase(
        {"token": token, "first": first, "second": second, "place": place}, float(x[0, 0, 0]), wrong, 0.01
    )
