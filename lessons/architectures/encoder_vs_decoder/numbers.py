"""Numbers for the quiz on encoder and decoder: each function builds the two and counts or runs them."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.measure.dependence import dependence
from tfx.models import EncoderDecoder


def translator(width: int, layers: int = 1, vocab: int = 20) -> EncoderDecoder:
    return EncoderDecoder(vocab, width, n_heads=2, d_ff=4 * width, n_layers=layers, max_len=16, dtype="float64")


@told_apart
def more_parameters(rng: np.random.Generator) -> NumberCase:
    """What a decoder block has more than an encoder block."""
    c = int(rng.choice([8, 12, 16, 20, 24, 32]))
    model = translator(c)
    encoder, decoder = model.encoder.blocks[0], model.decoder.blocks[0]
    wrong = (
        Wrong(0.0, "decoder is a masked encoder block", "It has one sub-layer more: cross-attention, with a norm."),
        Wrong(float(4 * c * c + 4 * c), "norm forgotten", "Each sub-layer has a norm of its own: 2 C."),
        Wrong(float(3 * c * c + 5 * c), "output projection forgotten", "Attention has four matrices, W_O among them."),
    )
    return NumberCase({"c": c}, float(decoder.n_parameters - encoder.n_parameters), wrong, 0.0)


@told_apart
def maps_of_weights(rng: np.random.Generator) -> NumberCase:
    """Maps of all heads of a whole translator."""
    n, h = int(rng.choice([2, 3, 4, 6])), int(rng.choice([2, 4, 8]))
    model = EncoderDecoder(20, 8, n_heads=h, d_ff=8, n_layers=n, max_len=4)
    _, cache = model.forward(np.zeros((1, 3), int), np.zeros((1, 2), int))
    maps = [block.weights for block in (*cache.source.stack.blocks, *cache.blocks)]
    maps += [block.cross_weights for block in cache.blocks]
    wrong = (
        Wrong(2.0 * n * h, "cross-attention left out", "A decoder block has two attentions."),
        Wrong(4.0 * n * h, "encoder with cross-attention", "An encoder block has one: there is nothing else to read."),
        Wrong(3.0 * n, "one map for all heads", "Each head has weights of its own."),
    )
    return NumberCase({"n": n, "h": h}, float(sum(weights.shape[1] for weights in maps)), wrong, 0.0)


def pairs_moved(model: EncoderDecoder, s: int, t: int) -> np.ndarray:
    """(T, S + T): which answers move when a word of the source, or an input of the decoder, is another one."""
    return dependence(lambda ids: model.forward(ids[None, :s], ids[None, s:])[0][0], np.arange(s + t), 19)


@told_apart
def answers_moved(rng: np.random.Generator) -> NumberCase:
    """One input of the decoder is replaced."""
    t = int(rng.integers(7, 13))
    place = int(rng.integers(2, t - 1))
    moved = pairs_moved(translator(8, 2), 3, t)[:, 3 + place - 1]
    wrong = (
        Wrong(float(t), "no causal mask", "Places before it cannot see it, in any block."),
        Wrong(float(t - place), "own place blocked", "A place sees its own input too."),
        Wrong(1.0, "only its own place", "Later places see it as well."),
        Wrong(float(place), "mask upside down", "Those are the places it can see itself, not those that see it."),
    )
    return NumberCase({"t": t, "place": place}, float(moved.sum()), wrong, 0.0)


@told_apart
def pairs_that_depend(rng: np.random.Generator) -> NumberCase:
    """Answers of a decoder and all words that they depend on."""
    s, t = (int(n) for n in rng.choice(np.arange(3, 8), 2, replace=False))
    wrong = (
        Wrong(float(t * s), "own words left out", "The decoder reads its own inputs as well."),
        Wrong(float(t * (s + t)), "no causal mask", "Later inputs of the decoder are hidden."),
        Wrong(float(t * (t + 1) // 2), "cross-attention left out", "Each place reads the whole source as well."),
        Wrong(float(t * s + t * (t - 1) // 2), "own place blocked", "A place depends on its own input."),
    )
    return NumberCase({"s": s, "t": t}, float(pairs_moved(translator(8, 2), s, t).sum()), wrong, 0.0)


def shape_of_scores(rng: np.random.Generator) -> ShapeCase:
    """What leaves a translator."""
    b, s, t, vocab = (int(rng.choice(sizes)) for sizes in ([2, 3, 4], [8, 9], [5, 6, 7], [30, 40, 50]))
    logits, _ = translator(16, vocab=vocab).forward(np.zeros((b, s), int), np.zeros((b, t), int))
    return ShapeCase(
        {"b": b, "s": s, "t": t, "vocab": vocab},
        logits.shape,
        (
            Wrong((b, s, vocab), "source length for target length", "The decoder answers at each of its own places."),
            Wrong((b, t, 16), "vocabulary layer forgotten", "That is what leaves the last block."),
            Wrong((b, vocab), "one answer a sentence", "Every place predicts a word, all in one pass."),
            Wrong((b, s + t, vocab), "one sequence of both", "Source and target are not joined; one reads the other."),
        ),
    )
