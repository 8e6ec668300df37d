"""Prompt tuning: learned vectors in front of the embedded tokens, M C numbers for the whole model.

    hidden = stack([P, x])[M:]        P: (M, C), x: (B, T, C)

What a written prompt does through embeddings, P does directly, and gradient descent finds it.  It enters below the
first block only: where prefix tuning sets the keys of every block, here the frozen blocks compute them from P.  The
paper finds it as good as tuning everything when the model is large, and much weaker when it is small.

Derivation.  [P, x] only puts rows side by side, so dP is the first M rows of the stack's dx, summed over the batch that
shared P.  The outputs at the places of P are cut off: their gradient is zero.
Source: Lester, Al-Rfou and Constant 2021, "The Power of Scale for Parameter-Efficient Prompt Tuning", section 2.  There
the decoder of a T5 attends to the encoder's outputs for P as well; here it does not.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.arguments import whole_number
from tfx.backend import Array, xp_of
from tfx.nn.stacks import EncoderStack
from tfx.ops.attention.masks import causal_mask
from tfx.ops.basics.broadcast import fold
from tfx.params import Layer, Parameter
from tfx.tuning.part import Part, among
from tfx.tuning.places import AroundCache


class PromptedStack(Layer):
    """A stack that reads a prompt first.  Owns stack, and prompt: (M, C).  Called as nn.EncoderStack is.

    causal: the prompt reads only itself, from left to right, and no token, as in a language model.  Otherwise its
    vectors read each other and every token that any token may read.
    start: first values, (M, C).  Raises ValueError for M < 1 or a start of another shape.
    """

    def __init__(self, stack: Any, start: Array, causal: bool) -> None:
        if start.ndim != 2 or not len(start):
            raise ValueError(f"a prompt is (M, C) with at least one row, not {start.shape}")
        self.stack = stack
        self.prompt = Parameter(start.copy())
        self.causal = causal

    def forward(
        self, x: Array, mask: Array | None = None, rng: Any = None, past: Any = None, keep: Array | None = None
    ) -> tuple[Array, AroundCache]:
        """x: (B, T, C) -> hidden: (B, T, C), without the places of the prompt.  mask and keep are about the tokens.

        Raises ValueError for a past: its first keys would have to be the prompt's.
        """
        if past is not None:
            raise ValueError("a prompt is read together with its tokens: read them at once, without a past")
        m, xp = self.prompt.shape[0], xp_of(x)
        prompt = xp.broadcast_to(self.prompt.value, (*x.shape[:-2], *self.prompt.shape))
        if keep is not None:
            keep = xp.concatenate((xp.ones((*keep.shape[:-1], m), dtype=bool), keep), axis=-1)
        y, cache = self.stack.forward(
            xp.concatenate((prompt, x), axis=-2), prompted_mask(mask, m, x.shape[-2], self.causal, xp), rng, keep=keep
        )
        return y[..., m:, :], AroundCache(cache, m)

    def backward(self, dhidden: Array, cache: AroundCache) -> Array:
        """dhidden: (B, T, C) -> dx: (B, T, C)."""
        m, xp = cache.own, xp_of(dhidden)
        unread = xp.zeros((*dhidden.shape[:-2], *self.prompt.shape), dtype=dhidden.dtype)
        dboth = self.stack.backward(xp.concatenate((unread, dhidden), axis=-2), cache.layer)  # hidden = y[m:]
        self.prompt.grad += fold(dboth[..., :m, :], self.prompt.value)  # every row of the batch read the same prompt
        return dboth[..., m:, :]


def prompted_mask(mask: Array | None, n_prompt: int, length: int, causal: bool, xp: Any = np) -> Array | None:
    """mask: broadcastable to (..., T, T), boolean, or None -> (..., M + T, M + T): tokens read the whole prompt."""
    if mask is None and not causal:
        return None
    m = n_prompt
    mask = xp.ones((length, length), dtype=bool) if mask is None else mask
    lead = mask.shape[:-2]
    tokens = xp.broadcast_to(mask, (*lead, length, length))
    below = xp.concatenate((xp.ones((*lead, length, m), dtype=bool), tokens), axis=-1)
    if causal:
        own, read = causal_mask(m, xp=xp), xp.zeros((*lead, m, length), dtype=bool)
    else:
        own, read = xp.ones((m, m), dtype=bool), xp.broadcast_to(tokens.any(axis=-2)[..., None, :], (*lead, m, length))
    above = xp.concatenate((xp.broadcast_to(own, (*lead, m, m)), read), axis=-1)
    return xp.concatenate((above, below), axis=-2)


class Prompt(Part):
    """The prompt of a model."""

    def __init__(self, model: Any, attribute: str, prompted: PromptedStack) -> None:
        self._model, self._attribute = {"model": model}, attribute
        setattr(model, attribute, prompted)
        super().__init__(model, among(model, [prompted.prompt]))

    def remove(self) -> None:
        """The model before tuning."""
        model = self._model["model"]
        setattr(model, self._attribute, getattr(model, self._attribute).stack)


def add_prompt(
    model: Layer,
    n_prompt: int,
    rng: np.random.Generator,
    causal: bool,
    start: Array | None = None,
    attribute: str = "stack",
) -> Prompt:
    """Puts a prompt of n_prompt = M vectors in front of what `model.stack` reads.

    start: (M, C), normal with variance 1 unless told, as embedded tokens have; the paper recommends the embeddings of
    frequent tokens or of the answers.  attribute: the name of the stack, "encoder" in an EncoderDecoder.
    Positions that are added to the input count the tokens alone.
    Raises ValueError when the model has no such stack, or start does not fit.
    """
    whole_number("n_prompt", n_prompt, 1)
    stack = getattr(model, attribute, None)
    if not isinstance(stack, EncoderStack):
        raise ValueError(f"the model has no EncoderStack called {attribute!r}")
    query = stack.blocks[0].attention.query.w
    width = query.shape[0]
    if start is None:
        start = rng.standard_normal((n_prompt, width)).astype(query.value.dtype)
    if start.shape != (n_prompt, width):
        raise ValueError(f"the prompt starts with {start.shape} but needs {(n_prompt, width)}")
    return Prompt(model, attribute, PromptedStack(stack, start, causal))
