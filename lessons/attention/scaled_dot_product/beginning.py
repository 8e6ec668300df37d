"""From characters to what the head reads: tokens, embedding rows, positions, the layers below, the norm."""

import math
import re
from collections.abc import Iterator

import numpy as np

from lessons.attention.scaled_dot_product.head import Run, coordinates, counted
from lessons.sentence import looks_at
from lessons.writing import Shown, Source, Try, agree, formula
from tfx.data import pronouns
from tfx.nn.encoder_block import EncoderBlock
from tfx.ops.basics.embedding import embedding_forward
from tfx.ops.norms.layer_norm import layer_norm_forward
from tfx.ops.positions.positions import add_positions_forward, sinusoidal_positions
from tfx.tokenizers.word import UNKNOWN
from tfx.tokenizers.wordpiece import longest_match
from tfx.trace.words import to_words

PRONOUN_TEXT = "the dog did not enter the park because it was too crowded"


def tokens(run: Run) -> Iterator[Shown]:
    case, reading = run.case, run.case.reading
    yield "Self-attention turns a row of token vectors into a row of vectors that know about each other. Here it works inside a whole model, on one sentence: one real run, from characters to the answer and all the way back."
    yield which_model(run)
    numbered = " | ".join(f"{surface} {number}" for surface, number in zip(reading.surfaces, reading.ids, strict=True))
    yield f"A model reads numbers. So the text is cut to {counted(len(run.tokens), 'tokens')}, and each has a number, its id: {numbered}"
    cut = cut_words(run)
    if cut:
        yield f"Words outside its list of {len(run.vocabulary):,} tokens are cut, each time taking the longest piece that is in the list: {cut}. A hyphen marks below where a word goes on: {hyphened(run)}"
    unknown = case.tokens.count(UNKNOWN)
    if unknown:
        yield f"{unknown} of them {'is' if unknown == 1 else 'are'} not in the list at all; to the model {'it is the' if unknown == 1 else 'they are one and the same'} unknown token."
    if run.whole_road:
        yield "This is the whole road: to one head, through it, on to the answer, and back. In a terminal g goes to a step. For attention alone: --set road=attention"
    else:
        yield "This is the short road: attention alone. From characters to the loss and back to the embedding: --set road=whole"
    yield pronouns.encode if case.sentence is not None else longest_match
    yield Try.here(text="your own sentence" if case.sentence is not None else PRONOUN_TEXT)
    yield Try("tfx explain attention", {"road": "attention" if run.whole_road else "whole"})


def which_model(run: Run) -> str:
    """Which model runs, why, and which sentences the other one knows."""
    case, chosen = run.case, run.settings.model != "auto"
    about = f'the "{case.model_name}" model with random weights (--untrained: nothing below means anything, but all of it is exact)' if run.untrained else case.model_about  # fmt: skip
    if chosen:
        why = f"because you chose it (model={case.model_name})"
    else:
        why = "because its grammar makes this sentence" if case.sentence is not None else f"because {unfit(run.text)}"
    sent = "Without that setting any" if chosen else "Any"
    other = f"{sent} other text goes to the language model." if case.sentence is not None else f'The pronoun models know sentences such as "{PRONOUN_TEXT}".'  # fmt: skip
    return f"Model: {about}, {counted(case.n_layers, 'layers')}, {why}. {other}"


def unfit(text: str) -> str:
    """Why the pronoun models cannot read a text."""
    words = re.findall(r"[^\W\d_]+|\d+", text.lower().replace("n't", " not").replace("n\u2019t", " not"))
    unknown = list(dict.fromkeys(word for word in words if word not in pronouns.VOCABULARY))
    known = f"the {len(pronouns.VOCABULARY) - 1} words of the pronoun models"
    if unknown:
        more = f" and {len(unknown) - 1} more of its words are" if len(unknown) > 1 else " is"
        return f'"{unknown[0]}"{more} not among {known}'
    if "it was" not in " ".join(words):
        return 'it has no "it was ...", which the pronoun models need'
    return f"all of its words are among {known}, but their grammar makes no sentence of this form"


def cut_words(run: Run) -> str:
    """`trophy = tr|op|h|y, fit = f|it`, each word once, at most six."""
    reading = run.case.reading
    pieces: dict[int, list[str]] = {}
    for surface, word in zip(reading.surfaces, reading.word_of, strict=True):
        pieces.setdefault(word, []).append(surface)
    shown = list(
        dict.fromkeys(f"{reading.words[word]} = {'|'.join(cut)}" for word, cut in pieces.items() if len(cut) > 1)
    )
    return ", ".join(shown[:6]) + ", ..." * (len(shown) > 6)


def hyphened(run: Run) -> str:
    """The labels of the first word that was cut: `tr- -op- -h- -y`."""
    first = next(word for word in run.word_of if run.word_of.count(word) > 1)
    return " ".join(label for label, word in zip(run.tokens, run.word_of, strict=True) if word == first)


def embedding_rows(run: Run) -> Iterator[Shown]:
    whole, i = run.whole, run.row
    rows, _ = embedding_forward(whole.ids, whole.table)
    n_rows, width = whole.table.shape
    yield f"An id is only a name. What the model knows about a token is a row of a table E, the embedding: C = {width} numbers for each of {n_rows:,} tokens, {run.learned}. Id {whole.ids[i]} gets row {whole.ids[i]}, wherever it stands."
    twice = next(
        (alike for alike in (np.flatnonzero(whole.ids == one) for one in whole.ids) if alike.size > 1), np.array([i])
    )
    shown = tuple(sorted({i, *map(int, twice[:2])}))
    note = f"{stands(run, twice)}, with one row: nothing says yet where."
    yield run.vectors("E[ids]", rows, note if twice.size > 1 else "", shown)
    yield formula("embedded = E[ids] * sqrt(C)", f"ids {whole.ids.shape}, E {whole.table.shape} -> {rows.shape}")
    yield f'Times sqrt({width}) = {whole.scale:.3f}, so that the positions that are added next do not drown the rows. "{run.word}", coordinate 1: {rows[i, 0]:.3f} * {whole.scale:.3f} = {whole.embedded[i, 0]:.3f}.'
    yield agree("embedded", "E[ids] * sqrt(C) is what the model made of the ids", rows * math.sqrt(width), whole.embedded, to=1e-12)  # fmt: skip
    yield embedding_forward


def stands(run: Run, places: np.ndarray) -> str:
    """`"the" stands here 2 times`, where one token has several places; capitals make no other token."""
    spelt = list(dict.fromkeys(run.case.reading.surfaces[place] for place in places))
    if len(spelt) == 1:
        return f'"{spelt[0]}" stands here {places.size} times'
    names = " and ".join(f'"{each}"' for each in spelt)
    return f"{names} are one token to this model, which knows no capitals; together they stand here {places.size} times"


def positions(run: Run) -> Iterator[Shown]:
    whole, i = run.whole, run.row
    table = sinusoidal_positions(*whole.embedded.shape)
    p = i
    yield "Without a mask attention takes its keys as a set: it could not tell whether the dog bit the man or the man the dog. So each place has a vector, of sines and cosines of different speeds, that is added."
    yield coordinates(f'"{run.word}", token {i + 1}', np.stack([whole.embedded[i], table[i], whole.placed[i]]), ("embedded", "+ place", "= x"), "vector", f'Place p and pair i count from 0: here p = {p}, and pair 0 is sin({p}) = {math.sin(p):.3f}, cos({p}) = {math.cos(p):.3f}. Later pairs are slower.')  # fmt: skip
    yield formula("x = embedded + PE", f"(T, C) + (T, C): {whole.embedded.shape}")
    yield formula("PE[p, 2i] = sin(p / 10000^(2i/C))     PE[p, 2i + 1] = cos(p / 10000^(2i/C))")
    read = np.stack([whole.placed, whole.blocks[0].x])
    yield agree("placed", "embedded + positions is x, and what layer 1 reads", np.stack([whole.embedded + table] * 2), read, to=1e-12)  # fmt: skip
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.5")
    yield add_positions_forward


def layers_below(run: Run) -> Iterator[Shown]:
    yield "The head that we follow is not in the first layer. A layer has two parts: attention, in which each token takes in something of others, and a small network for each token alone. Each adds to the vector that it was given."
    yield from what_layers_add(run, range(run.case.layer))
    yield "What goes into the next layer is no longer about one token alone. We open one now."


def what_layers_add(run: Run, layers: range) -> Iterator[Shown]:
    """What each layer adds to the followed token, and where that token looks there, on average over the heads."""
    i, reading = run.row, run.case.reading
    blocks = [run.whole.blocks[layer] for layer in layers]
    for layer, block in zip(layers, blocks, strict=True):
        parts = np.stack([block.x[i], block.mixed[i], block.fed[i], block.y[i]])
        yield coordinates(f'"{run.word}" in layer {layer + 1}', parts, ("reads", "+ attention", "+ network", "= gives on"), "vector")  # fmt: skip
        shares = to_words(block.heads.weights.mean(axis=0)[i], reading.word_of)
        seen = sorted(
            {word for word, may in zip(reading.word_of, block.heads.masks.any(axis=0)[i], strict=True) if may}
        )
        line = looks_at(run.word, [reading.words[word] for word in seen], shares[seen])
        yield f"There, averaged over its {counted(len(block.heads.scales), 'heads')}, {line}."
    difference = [block.x + block.mixed + block.fed for block in blocks]
    yield agree(f"adds-{layers.start + 1}", "what a layer gives on is what it read plus what its two parts gave", np.stack(difference), np.stack([block.y for block in blocks]), to=1e-12)  # fmt: skip
    yield EncoderBlock


def head_input(run: Run) -> Iterator[Shown]:
    case, i, x, norm = run.case, run.row, run.block.x, run.block.layer.norm1
    mean, std = x.mean(axis=1, keepdims=True), np.sqrt(x.var(axis=1, keepdims=True) + norm.eps)
    again = (x - mean) / std * norm.gamma.value + norm.beta.value
    if not run.whole_road:
        made = f", and {counted(case.layer, 'layers')} of the model {'has' if case.layer == 1 else 'have'} worked on it" if case.layer else ""  # fmt: skip
        yield f"Each token has become x, C = {x.shape[1]} numbers: a row of a table times sqrt(C), plus a vector for its place{made}."
    now = f", now what layer {case.layer} gave on," if case.layer and run.whole_road else ""
    yield f"Attention reads x{now} after a norm: x less its mean, over its standard deviation, times a gain plus an offset. So no token is loud for its length alone."
    yield coordinates(f'"{run.word}"', np.stack([x[i], case.x[i]]), ("x", "X"), "vector")
    yield formula(f"X = gain * (x - mean) / std + offset     std = sqrt(variance + {norm.eps:g})", f"(T, C) = {case.x.shape}: T tokens, C numbers each; for {run.where}")  # fmt: skip
    gain, offset = norm.gamma.value[0], norm.beta.value[0]
    yield f'By hand, "{run.word}", coordinate 1: {gain:.3f} * ({x[i, 0]:.3f} - ({mean[i, 0]:.3f})) / {std[i, 0]:.3f} + ({offset:.3f}) = {case.x[i, 0]:.3f}.'
    yield agree("norm", "X follows from x by this formula, for every token", again, case.x, to=1e-9)
    yield layer_norm_forward
