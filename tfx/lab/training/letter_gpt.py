"""A GPT of letters that learns one short text by heart, and how large its stream grows with the depth at the start.

The text is read in a ring, from a place drawn for each row; the model predicts each next letter, and then writes on.
Source: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.3 (how weights start).
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from tfx.generate.greedy import greedy
from tfx.lab.block.add_and_norm import size_of
from tfx.models import GPT
from tfx.optim import AdamW
from tfx.schedule import warmup_cosine
from tfx.train.loop import train
from tfx.train.losses import next_token_loss

WIDTH, LAYERS, HEADS, RATE, BATCH = 32, 2, 2, 6e-3, 8
LAST_MAPS = ("attention.output.w", "feed_forward.second.w")


class LetterGPT:
    """text: its letters, blanks included.  losses: of each step of training, in nats."""

    def __init__(self, text: str, seed: int) -> None:
        self.text, self.seed = text, seed
        self.letters = "".join(sorted(set(text)))
        self.ids = np.array([self.letters.index(letter) for letter in text])
        self.model = GPT(len(self.letters), WIDTH, n_heads=HEADS, n_layers=LAYERS, max_len=len(text), seed=seed)
        self.losses: list[float] = []

    def learn(self, steps: int) -> None:
        def rows(rng: np.random.Generator) -> np.ndarray:
            start = rng.integers(len(self.ids), size=BATCH)
            return self.ids[(start[:, None] + np.arange(len(self.ids) + 1)) % len(self.ids)]

        rate = lambda step: warmup_cosine(step, RATE, max(steps // 10, 1), steps)  # noqa: E731
        found = train(self.model, rows, next_token_loss(), AdamW(self.model), rate, steps, seed=self.seed)
        self.losses += [step.loss for step in found]

    def write(self, given: int) -> str:
        """The most likely letter, one after the other, after the first `given` of the text, up to its length."""
        written = greedy(self.model, self.ids[None, :given], len(self.text) - given)[0]
        return "".join(self.letters[id] for id in written)

    def known_pairs(self, written: str) -> float:
        """The share of two letters in a row that stand so in the text, read as a ring."""
        known = {*pairwise(self.text + self.text[0])}
        pairs = [*pairwise(written)]
        return sum(pair in known for pair in pairs) / len(pairs)


def stream_size(layers: int, scaled: bool, width: int, seed: int) -> float:
    """Root of the mean square of the stream that leaves the last block of an untrained GPT, in front of the final norm.

    scaled: the last map of each sub-layer starts smaller by 1 / sqrt(2 layers), as in GPT-2; else like the others.
    """
    model = GPT(50, width, n_heads=4, n_layers=layers, max_len=16, dtype="float64", seed=seed)
    if not scaled:
        for name, parameter in model.parameters().items():
            if name.endswith(LAST_MAPS):
                parameter.value *= math.sqrt(2 * layers)
    _, cache = model.forward(np.random.default_rng(seed).integers(50, size=(4, 16)))
    x, _ = model.stack.blocks[-1].forward(cache.stack.reads[-1], mask=np.tri(16, dtype=bool))
    return size_of(x)
