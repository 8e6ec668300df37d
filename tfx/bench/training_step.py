"""One training step of a GPT as fast as this library takes it: what `tfx bench train` and `roofline` time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfx.models import GPT
from tfx.models.gpt import gpt_parameter_count
from tfx.optim import AdamW
from tfx.params import FlatParameters
from tfx.train.losses import next_token_loss
from tfx.train.workers import shared_out

#: Queries that attend at a time; the keys in their future are never touched.
CHUNK = 64

#: Settings of AdamW in both libraries: PyTorch's own, but for eps.  With 1e-8 AdamW makes steps of full length out of
#: gradients that are rounding alone (those of key biases are 0 in truth), and after 50 such steps the gradients of two
#: libraries are 5e-5 apart; with 1e-6 they are 4e-6 apart.  From equal weights it is 6e-7, whatever eps.
LEARNING_RATE, WEIGHT_DECAY, BETA2, EPS = 1e-3, 0.01, 0.999, 1e-6


def new_gpt(vocab: int, d_model: int, heads: int, layers: int, length: int, seed: int) -> GPT:
    """float32, causal attention in chunks that keep their weights for the backward."""
    causal = {"name": "memory_efficient", "causal": True, "chunk": CHUNK, "keep": True}
    return GPT(vocab, d_model, heads, n_layers=layers, max_len=length, seed=seed, attention={"kernel": causal})


def gpt_bytes(vocab: int, d_model: int, heads: int, layers: int, length: int, rows: int) -> float:
    """What a training step has alive at once, about: weights, gradients, averages and copies of them for workers; what
    each block keeps of a token for its backward, with its row of weights; logits and their gradients."""
    parameters = gpt_parameter_count(vocab, d_model, layers, length)
    kept = layers * (30 * length * d_model + heads * length * length) + 5 * length * vocab
    return 4.0 * (6 * parameters + rows * kept)


class TrainingStep:
    """step(ids): forward, loss, backward and AdamW on next-token prediction over ids: (B, T + 1) -> the loss before it.

    workers: threads that share out the batch.  `parameters` holds the weights and the gradients of the last step.
    """

    def __init__(self, model: GPT, workers: int = 1) -> None:
        self.model = model
        self.optimizer = AdamW(model, WEIGHT_DECAY, beta2=BETA2, eps=EPS)
        self.loss = shared_out(next_token_loss(), workers)

    @property
    def parameters(self) -> FlatParameters:
        return self.optimizer.parameters

    def __call__(self, ids: Any) -> float:
        self.parameters.grad[...] = 0
        value: float = self.loss(self.model, ids, None).loss  # type: ignore[arg-type]
        self.optimizer.step(LEARNING_RATE)
        return value


def repeated(step: Callable[[Any], float], ids: Any) -> Callable[[], float]:
    """The same step again and again on the same batch, for timing."""
    return lambda: step(ids)
