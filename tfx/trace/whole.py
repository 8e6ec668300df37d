"""The whole model on one text: from ids to the loss, and from the loss back to the rows of the embedding table.

    rows = E[ids]                     the table is looked up                (T,) -> (T, C)
    embedded = rows * sqrt(C)
    x = embedded + positions          what the first block reads
    x = block(x)                      as many as there are                  BlockRun
    hidden = norm(x)
    logits = hidden[asked] E^T        the same table once more              (n, C) x (C, V) -> (n, V)
    loss = mean of -log p(target)

A pronoun model is asked once, at "it"; a language model at every token, for the one that follows.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array
from tfx.errors import BadInput
from tfx.models import PronounModel
from tfx.ops.basics.softmax import softmax_forward
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.shipped.load import Reading, Shipped
from tfx.tokenizers.word import END
from tfx.trace.heads import Change, Heads
from tfx.trace.listening import Note, listen, own_copy


class BlockRun(NamedTuple):
    """One pre-LN block, forward and back.  All (T, C) but `heads` and `hidden`: (T, F), inside the network.

    read = norm1(x)   mixed = attention(read)   middle = x + mixed
    inner = norm2(middle)   fed = feed_forward(inner)   y = middle + fed

    d + name: the gradient of the loss.  middle is used twice, so dmiddle = dy + dmiddle_branch, and so is x:
    dx = dmiddle + dx_branch.
    """

    x: Array
    read: Array
    heads: Heads
    mixed: Array
    middle: Array
    inner: Array
    hidden: Array
    fed: Array
    y: Array
    dy: Array
    dinner: Array
    dmiddle_branch: Array
    dmiddle: Array
    dread: Array
    dx_branch: Array
    dx: Array
    layer: Any  # the nn.EncoderBlock, for its maps


class WholeRun(NamedTuple):
    """T tokens, C model width, V rows of the table, n places where the model is asked.

    ids: (T,).  table: (V, C); scale: what its rows are multiplied by.  embedded, placed: (T, C), before and after the
    positions were added.  blocks: from the first to the last.  hidden: (T, C), after the final norm.
    asked: (n,) places, targets: (n,) ids of the right answers; logits, probabilities, dlogits: (n, V).
    dhidden, dtop: (T, C), what the final norm gets on the way back, and what it gives on.  dembedded: (T, C).
    dtable: (V, C), the whole gradient of the table, from both of its uses.
    norm: the final one.  causal: whether the model was trained to see only what came before.
    model: the copy that was listened to; once_more() runs it forward and gives logits (n, V) and a cache.
    """

    ids: Array
    table: Array
    scale: float
    embedded: Array
    placed: Array
    blocks: tuple[BlockRun, ...]
    hidden: Array
    asked: Array
    targets: Array
    logits: Array
    probabilities: Array
    loss: float
    dlogits: Array
    dhidden: Array
    dtop: Array
    dembedded: Array
    dtable: Array
    norm: Any
    causal: bool
    model: Any
    once_more: Callable[[], tuple[Array, Any]]


def run_whole(
    shipped: Shipped, reading: Reading, answer: str | None = None, changed: tuple[int, Change] | None = None
) -> WholeRun:
    """Runs the model on a text and takes its loss all the way back; gradients are left in the model's parameters.

    answer: for a pronoun model, the word of the sentence that is taken as right.  changed: a layer, from 0, and what
    one of its heads does differently.  Raises BadInput for an answer that does not exist.
    """
    model = own_copy(shipped.model)
    blocks, norm = (
        (model.blocks, model.norm) if isinstance(model, PronounModel) else (model.stack.blocks, model.stack.norm)
    )
    embedding, positions, final = (listen(layer) for layer in (model.embedding, model.input.positions, norm))
    heard = [
        _Listened(block, None if changed is None or changed[0] != i else changed[1]) for i, block in enumerate(blocks)
    ]
    asked, targets = _asked(shipped, reading, answer)
    once_more = _forward(model, reading, asked)
    model.zero_grad()
    logits, cache = once_more()
    loss, loss_cache = cross_entropy_forward(logits, targets)
    dlogits = cross_entropy_backward(1.0, loss_cache)
    model.backward(_for_model(model, dlogits), cache)
    return WholeRun(
        ids=reading.ids,
        table=model.embedding.table.value,
        scale=model.embedding.scale,
        embedded=embedding.y[0],
        placed=positions.y[0],
        blocks=tuple(each.run() for each in heard),
        hidden=final.y[0],
        asked=asked,
        targets=targets,
        logits=logits,
        probabilities=softmax_forward(logits)[0],
        loss=float(loss),
        dlogits=dlogits,
        dhidden=final.dy[0],
        dtop=final.dx[0],
        dembedded=embedding.dy[0],
        dtable=model.embedding.table.grad.copy(),
        norm=norm,
        causal=reading.sentence is None,
        model=model,
        once_more=once_more,
    )


def loss_and_backward(run: WholeRun) -> tuple[Callable[..., Any], Callable[..., Any], dict[str, Array]]:
    """The model as a function of its parameters, for the gradient checker: forward, backward and the inputs.

    forward(**{name: value}) -> loss, cache; backward(dloss, cache) -> {name: gradient}.  Names have `__` for dots.
    """
    owned = {name.replace(".", "__"): parameter for name, parameter in run.model.parameters().items()}

    def forward(**values: Array) -> tuple[Array, Any]:
        before = {name: parameter.value for name, parameter in owned.items()}
        for name, value in values.items():
            owned[name].value = value
        try:
            logits, cache = run.once_more()
        finally:
            for name, value in before.items():
                owned[name].value = value
        loss, loss_cache = cross_entropy_forward(logits, run.targets)
        return loss, (cache, loss_cache)

    def backward(dloss: Any, kept: Any) -> dict[str, Array]:
        cache, loss_cache = kept
        run.model.zero_grad()
        run.model.backward(_for_model(run.model, cross_entropy_backward(dloss, loss_cache)), cache)
        return {name: parameter.grad.copy() for name, parameter in owned.items()}

    return forward, backward, {name: parameter.value for name, parameter in owned.items()}


def _asked(shipped: Shipped, reading: Reading, answer: str | None) -> tuple[Array, Array]:
    """Where the model is asked, and the ids of the right answers."""
    sentence = reading.sentence
    if sentence is None:
        if answer is not None:
            raise BadInput("the language model is judged by the text itself.", "Leave out the answer.")
        end = shipped.vocabulary.index(END)  # each place predicts the next token; the last one the end
        return np.arange(len(reading.ids)), np.append(reading.ids[1:], end)
    answer = sentence.answer if answer is None else answer
    if answer not in sentence.words:
        raise BadInput(f'"{answer}" is not a word of the sentence.', f"Words here: {' '.join(sentence.words)}")
    return np.array([sentence.it]), np.array([shipped.vocabulary.index(answer)])


def _forward(model: Any, reading: Reading, asked: Array) -> Callable[[], tuple[Array, Any]]:
    def once_more() -> tuple[Array, Any]:
        if isinstance(model, PronounModel):
            return model.forward(reading.ids[None], asked)
        logits, cache = model.forward(reading.ids[None])
        return logits[0], cache

    return once_more


def _for_model(model: Any, dlogits: Array) -> Array:
    """The language model's logits have a batch axis and a place, those of a pronoun model one axis for both."""
    return dlogits if isinstance(model, PronounModel) else dlogits[None]


class _Listened:
    """A block of the copy, with an ear at every part."""

    def __init__(self, block: Any, change: Change | None) -> None:
        self.block = block
        block.attention.kernel = self.heads = Heads(change)
        parts = (block, block.norm1, block.attention, block.norm2, block.feed_forward)
        self.whole, self.norm1, self.attention, self.norm2, self.feed_forward = map(listen, parts)

    def run(self) -> BlockRun:
        whole, norm1, attention, norm2, fed = (
            _first(n) for n in (self.whole, self.norm1, self.attention, self.norm2, self.feed_forward)
        )
        return BlockRun(
            x=whole.x, read=norm1.y, heads=copy.copy(self.heads), mixed=attention.y, middle=norm2.x, inner=norm2.y,
            hidden=self.feed_forward.cache.hidden[0], fed=fed.y, y=whole.y, dy=whole.dy, dinner=fed.dx,
            dmiddle_branch=norm2.dx, dmiddle=attention.dy, dread=attention.dx, dx_branch=norm1.dx, dx=whole.dx,
            layer=self.block,
        )  # fmt: skip


def _first(note: Note) -> Note:
    """The note of the one text of the batch."""
    one = Note()
    one.x, one.y, one.dy, one.dx = (array[0] for array in (note.x, note.y, note.dy, note.dx))
    return one
