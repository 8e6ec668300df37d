"""Merges and beams: unusual right ways pass; what is nearly right is neither passed nor named."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from lessons.practice.exercise import find_exercise
from tests.lessons.practice.variants import asked, is_told_as_wrong_without_a_name, passes, right, with_numbers
from tfx.generate.beam import beam_search
from tfx.generate.reader import WholePass
from tfx.generate.stopping import Stopping

BPE, BEAM = "bpe-merges", "beam-search"


def merges_by_text(words, n, least=1, shared=False):
    """Words as texts with a mark on both sides of each symbol.  shared: one mark between two symbols serves both."""
    mark = "\0" if shared else "\0\0"
    texts = {"\0" + mark.join(word) + "\0": times for word, times in words.items()}
    found = []
    while len(found) < n:
        counts = Counter()
        for text, times in texts.items():
            for pair in pairwise(text.strip("\0").split(mark)):
                counts[pair] += times
        most = max(counts.values(), default=0)
        if most < least:
            break
        a, b = min(pair for pair in counts if counts[pair] == most)
        texts = {text.replace(f"\0{a}{mark}{b}\0", f"\0{a}{b}\0"): times for text, times in texts.items()}
        found.append((a, b))
    return found


def counts_carried_along(words, n, least=1):
    """Nothing is counted anew: the pairs of a word are taken off before a merge and put on behind it."""
    cut = [(list(word), times) for word, times in words.items()]
    counts, found = Counter(), []

    def add(symbols, times):
        for pair in pairwise(symbols):
            counts[pair] += times

    for symbols, times in cut:
        add(symbols, times)
    while len(found) < n and (left := +counts):
        best = min(left, key=lambda pair: (-left[pair], pair))
        if left[best] < least:
            break
        found.append(best)
        for symbols, times in cut:
            add(symbols, -times)
            for at in range(len(symbols)):
                if tuple(symbols[at : at + 2]) == best:
                    symbols[at : at + 2] = ["".join(best)]
            add(symbols, times)
    return found


def longest_first(words, n, least=1):
    """Each word is cut anew by the longest tokens that fit, not by the merges."""
    known, found = set("".join(words)), []

    def cut(word):
        while word:
            size = max(size for size in range(1, len(word) + 1) if word[:size] in known)
            yield word[:size]
            word = word[size:]

    for _ in range(n):
        counts = Counter()
        for word, times in words.items():
            for pair in pairwise(cut(word)):
                counts[pair] += times
        best = min(counts, key=lambda pair: (-counts[pair], pair), default=None)
        if best is None or counts[best] < least:
            break
        known.add("".join(best))
        found.append(best)
    return found


def beam(
    log_p, start, end, width, alpha=0.0, *, of_row=None, of_all=None, first=1, one_each=False, longer=0, most=None
):
    """of_row, of_all: so many continuations are looked at.  first: texts at the start.  one_each: of texts with one
    last token the best stays.  longer: added to the length of open texts.  most: finished texts that are kept."""
    is_open, done = [((), 0.0)] * first, []
    for step in log_p.astype(float):
        several = []
        for place, (text, total) in enumerate(is_open):
            row = total + step[text[-1] if text else start]
            several += [(row[j], place, int(j), text) for j in np.argsort(-row, kind="stable")[:of_row]]
        several = sorted((one for one in several if one[0] > -np.inf), key=lambda one: (-one[0], *one[1:3]))[:of_all]
        done += [((*text, j), total) for total, _, j, text in several[:width] if j == end]
        done = sorted(done, key=lambda one: -one[1])[:most]
        is_open, last = [], set()
        for total, _, j, text in several:
            if j != end and not (one_each and j in last) and len(is_open) < width:
                is_open.append(((*text, j), total))
                last.add(j)
        if not is_open:
            break
    lengths = [(text, total, len(text)) for text, total in done]
    lengths += [(text, total, len(text) + longer) for text, total in is_open]
    scores = [total / ((5 + length) / 6) ** alpha for _, total, length in lengths]
    best = int(np.argmax(scores))
    return list(lengths[best][0]), scores[best]


def with_beam(**more):
    return lambda log_p, start, end, width, alpha=0.0: beam(
        log_p, start, end, width, alpha, **{k: v(width) if callable(v) else v for k, v in more.items()}
    )


def respelled(how):
    return asked(BPE, lambda a: {"words": {how(word): times for word, times in a["words"].items()}})


def counted_as(how):
    return asked(BPE, lambda a: {"words": {word: how(times) for word, times in a["words"].items()}})


RIGHT = {
    BPE: [merges_by_text, counts_carried_along, lambda **a: [list(pair) for pair in right(BPE, a)]],
    BEAM: [
        with_beam(), with_beam(of_row=lambda width: width + 1), with_beam(of_all=lambda width: 2 * width),
        lambda **a: tuple(np.array(one) for one in right(BEAM, a)),
    ],
}  # fmt: skip

WRONG = {
    BPE: {
        "a mark that two pairs share": lambda **a: merges_by_text(shared=True, **a),
        "the longest token first": longest_first,
        "accents taken apart": respelled(lambda word: unicodedata.normalize("NFD", word)),
        "small letters": respelled(str.lower),
        "bytes": respelled(lambda word: word.encode().decode("latin-1")),
        "rare words left out": lambda **a: right(
            BPE, a | {"words": {word: times for word, times in a["words"].items() if times >= a.get("least", 1)}}
        ),
        "roots of the counts": counted_as(math.sqrt),
        "at least one merge": asked(BPE, lambda a: {"n": max(a["n"], 1)}),
        "pairs of 1 are none": asked(BPE, lambda a: {"least": max(a.get("least", 1), 2)}),
    },
    BEAM: {
        "the best `width` of each text, end among them": with_beam(of_row=lambda width: width),
        "one more than the width is looked at": with_beam(of_all=lambda width: width + 1),
        "the start stands in the beam `width` times": with_beam(first=lambda width: width),
        "one text for each last token": with_beam(one_each=True),
        "an open text counts as one token longer": with_beam(longer=1),
        "one finished text is kept, by its sum": with_beam(most=1),
        "sums in half precision": with_numbers(BEAM, lambda x: x.astype(np.float16)),
        "alpha is 1 at most": asked(BEAM, lambda a: {"alpha": min(a.get("alpha", 0.0), 1.0)}),
        "begins at 0": asked(BEAM, lambda a: {"start": 0}),
        "filled up with end": lambda log_p, end, **a: (lambda tokens, score: (
            tokens + [end] * (len(log_p) - len(tokens)), score))(*right(BEAM, a | {"log_p": log_p, "end": end})),
        "log_p is written to": lambda **a: (right(BEAM, a), a["log_p"].fill(0.0))[0],
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "place"), [(name, place) for name, some in RIGHT.items() for place in range(len(some))]
)
def test_an_unusual_right_way_passes(name, place):
    passes(name, RIGHT[name][place])


@pytest.mark.parametrize(("name", "label"), [(name, label) for name, some in WRONG.items() for label in some])
def test_what_is_nearly_right_is_told_as_wrong_and_gets_no_name(name, label):
    is_told_as_wrong_without_a_name(name, WRONG[name][label])


@pytest.mark.parametrize("case", find_exercise(BEAM).cases, ids=lambda case: case.about)
def test_the_beam_of_the_exercise_is_that_of_the_library_where_its_table_is_one_of_probabilities(case):
    log_p, start, end, width = (case.arguments[name] for name in ("log_p", "start", "end", "width"))
    if not np.allclose(np.exp(log_p).sum(axis=-1), 1, atol=1e-6):
        assert np.isneginf(log_p).any()
        return
    model = WholePass(lambda ids, padding: np.stack([log_p[t, ids[:, t]] for t in range(ids.shape[1])], axis=1))
    found = beam_search(
        model, [start], len(log_p), width, Stopping(end), "gnmt", case.arguments.get("alpha", 0.0), "length"
    )
    tokens, score = right(BEAM, case.arguments)
    assert list(found[0].ids) == tokens and found[0].score == pytest.approx(score, rel=1e-6)
