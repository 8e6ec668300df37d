"""A mistake that is made only where two things come together is neither passed nor named."""

from __future__ import annotations

import numpy as np
import pytest

from tests.lessons.practice.variants import bent, has, is_told_as_wrong_without_a_name, mistaken, passes, right

NOAM, WAVES, ROPE, EMBEDDING = "noam", "sinusoidal", "rope", "input-embedding"
BLOCK, STACK, GPT, HEADS, MERGES = "encoder-block", "encoder-stack", "gpt-step", "multi-head-attention", "bpe-merges"


def single(a):
    return any(isinstance(one, np.ndarray) and one.dtype == np.float32 for one in a.values())


def tall(name):
    return lambda a: len(a[name]) == 1


def post(a):
    return a.get("norm_place") == "post"


def both(*conditions):
    return lambda a: all(condition(a) for condition in conditions)


GATED = {
    "noam: the factor, on the first step": (NOAM, "factor-left-out", lambda a: a["step"] == 1),
    "noam: the factor, with a short warm-up of its own": (NOAM, "factor-left-out", lambda a: a.get("warmup") == 7),
    "noam: the warm-up, one step before the top": (NOAM, "warmup-fixed",
        lambda a: a["step"] == a.get("warmup", 4000) - 1),
    "noam: the width, where it is odd": (NOAM, "width-left-out", lambda a: a["d_model"] % 2 and a["step"] > 1),
    "sinusoidal: one place, not the first": (WAVES, "factor-two-missing", lambda a: a["n"] == 1),
    "sinusoidal: the start, where rows are as many as columns": (WAVES, "start-left-out", lambda a: a["n"] == a["c"]),
    "sinusoidal: the base, on long tables": (WAVES, "base-fixed", lambda a: a["n"] > 100),
    "rope: the start, in float32": (ROPE, "start-left-out", single),
    "rope: the base, with two axes in front": (ROPE, "base-fixed", lambda a: a["x"].ndim == 4),
    "rope: from one, with one text": (ROPE, "counted-from-one", lambda a: a["x"].ndim > 2 and len(a["x"]) == 1),
    "rope: halves, with large numbers from a start": (ROPE, "halves",
        lambda a: a.get("start") and abs(a["x"]).max() > 100),
    "embedding: the start, without an axis for texts": (EMBEDDING, "start-left-out", lambda a: a["ids"].ndim == 1),
    "embedding: always scaled, in float32": (EMBEDDING, "always-scaled", single),
    "embedding: the last rows, of three axes": (EMBEDDING, "last-rows",
        lambda a: a["ids"].ndim == 3 and has("start")(a)),
    "block: the mask, with one head": (BLOCK, "mask-left-out", lambda a: a["n_heads"] == 1),
    "block: eps, in float32": (BLOCK, "eps-fixed", single),
    "block: blocked rows, in float32 with norms behind": (BLOCK, "blocked-rows-are-even", both(single, post)),
    "block: the scale, of one text": (BLOCK, "not-scaled", tall("x")),
    "stack: padding, in float32 with norms behind": (STACK, "padding-is-not-blocked", both(single, post)),
    "stack: the last norm, with small x": (STACK, "no-last-norm", lambda a: abs(a["x"]).max() < 0.01),
    "stack: padding from the second block on, one text": (STACK, "padding-is-blocked-once", tall("x")),
    "gpt: padding counts, in float32": (GPT, "padding-counts", single),
    "gpt: keep is not shifted, with large logits": (GPT, "keep-not-shifted", lambda a: abs(a["table"]).max() > 100),
    "gpt: the mask, in float32 with keep": (GPT, "no-mask", both(single, has("keep"))),
    "heads: no maximum, with one query": (HEADS, "no-maximum", lambda a: a["q"].shape[1] == 1),
    "heads: no maximum, in float32 with a mask": (HEADS, "no-maximum", both(single, has("mask"))),
    "heads: blocked rows, of width 1": (HEADS, "uniform-where-nothing-is-seen",
        lambda a: a["q"].shape[2] == a["n_heads"]),
    "merges: least, with two words": (MERGES, "more-than-least", lambda a: len(a["words"]) == 2),
    "merges: from the right, in words each once": (MERGES, "from-the-right",
        lambda a: max(a["words"].values(), default=0) == 1),
    "merges: ties, of letters beyond two bytes": (MERGES, "last-by-spelling",
        lambda a: max("".join(a["words"]), default="") > "\uffff"),
    "merges: two merges, the first place alone": (MERGES, "one-place-in-a-word", lambda a: a["n"] == 2),
}  # fmt: skip


@pytest.mark.parametrize(("name", "mistake", "when"), GATED.values(), ids=GATED)
def test_a_mistake_under_a_condition_is_wrong_and_has_no_name(name, mistake, when):
    is_told_as_wrong_without_a_name(name, mistaken(name, mistake, when))


def letters_in_utf_16(words, n, least=1):
    """Ties in the order of the letters' codes in UTF-16."""
    order = dict(
        zip(sorted(set("".join(words)), key=lambda one: one.encode("utf-16-be")), range(97, 197), strict=False)
    )
    back = {chr(code): letter for letter, code in order.items()}
    turned = {"".join(chr(order[letter]) for letter in word): times for word, times in words.items()}
    found = right(MERGES, {"words": turned, "n": n, "least": least})
    return [tuple("".join(back[letter] for letter in symbol) for symbol in pair) for pair in found]


NEARLY = {
    "noam: never above 1": (NOAM, bent(NOAM, lambda y, a: np.minimum(y, 1.0))),
    "noam: never below 10^-9": (NOAM, bent(NOAM, lambda y, a: np.maximum(y, 1e-9))),
    "embedding: clipped": (EMBEDDING, bent(EMBEDDING, lambda y, a: np.clip(y, -50, 50))),
    "block: clipped": (BLOCK, bent(BLOCK, lambda y, a: np.clip(y, -40, 40))),
    "merges: words of more than 12 letters are cut": (
        MERGES,
        lambda words, **more: right(MERGES, {"words": {word[:12]: times for word, times in words.items()}, **more}),
    ),
    "merges: ties by UTF-16": (MERGES, letters_in_utf_16),
}


@pytest.mark.parametrize(("name", "function"), NEARLY.values(), ids=NEARLY)
def test_what_is_nearly_right_is_wrong_and_has_no_name(name, function):
    is_told_as_wrong_without_a_name(name, function)


def embedding_by_scaled_table(ids, table, positions, start=0, scaled=True):
    return (table * table.shape[1] ** (scaled / 2))[ids] + positions[start:][: ids.shape[-1]]


def rope_by_polar_coordinates(x, base=10000.0, start=0):
    a, b = x[..., 0::2].astype(float), x[..., 1::2].astype(float)
    angle = (start + np.arange(x.shape[-2]))[:, None] / base ** (2 * np.arange(a.shape[-1]) / x.shape[-1])
    length, angle = np.hypot(a, b), np.arctan2(b, a) + angle
    return np.stack([length * np.cos(angle), length * np.sin(angle)], axis=-1).reshape(x.shape)


def waves_by_a_phase(n, c, base=10000.0, start=0):
    speeds = np.repeat(base ** (-np.arange(0, c, 2) / c), 2)
    return np.sin((start + np.arange(n))[:, None] * speeds + np.tile([0, np.pi / 2], c // 2))


def noam_by_a_larger_root(step, d_model, warmup=4000, factor=1.0):
    return factor / (d_model * max(step, step**-2.0 * warmup**3)) ** 0.5


def block_of_shuffled_units(**a):
    order = np.random.default_rng(1).permutation(len(a["w"]["b_1"]))
    turned = {"w_1": a["w"]["w_1"][:, order], "b_1": a["w"]["b_1"][order], "w_2": a["w"]["w_2"][order]}
    return right(BLOCK, a | {"w": a["w"] | turned})


def merges_of_sorted_words(words, **more):
    return right(MERGES, {"words": dict(sorted(words.items())), **more})


UNUSUAL = {
    EMBEDDING: embedding_by_scaled_table, ROPE: rope_by_polar_coordinates, WAVES: waves_by_a_phase,
    NOAM: noam_by_a_larger_root, BLOCK: block_of_shuffled_units, MERGES: merges_of_sorted_words,
}  # fmt: skip


@pytest.mark.parametrize(("name", "function"), UNUSUAL.items(), ids=UNUSUAL)
def test_unusual_right_ways_pass(name, function):
    passes(name, function)
