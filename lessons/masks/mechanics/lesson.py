"""What a mask does and when: blocked scores become minus infinity before the softmax, and not one line later."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, exactly, formula, matrix, numbered, question, setting,
    table, within,
)  # fmt: skip
from tfx.errors import BadInput
from tfx.gradcheck.mistakes.ops.attention import masks as shortcuts
from tfx.lab.attention.mask_probes import (
    attend, change_by_filling, change_of_earlier_outputs, draw_heads, gradient_through_mask,
)  # fmt: skip
from tfx.measure.verdicts import smallest
from tfx.ops.attention.attend import attend_forward
from tfx.ops.attention.masks import causal_mask, combine_masks, padding_mask

TOKENS, PADS = 5, 2


@dataclass(frozen=True)
class Settings:
    scores: tuple[float, ...] = setting((2.0, 1.0, 3.0, 0.0), -5, 5, "scores of one query, 3 to 16 keys", at_least=1)  # fmt: skip
    blocked: int = setting(3, 1, 16, "which key it must not see, counted from 1")

    def check(self) -> None:
        if not 3 <= len(self.scores) <= 16:
            raise BadInput(f"{len(self.scores)} scores are given; this lesson takes 3 to 16.", "Try: --set scores=2,1,3,0")  # fmt: skip
        if self.blocked > len(self.scores):
            raise BadInput(f"blocked = {self.blocked}, but there are {len(self.scores)} keys.", f"Try: --set blocked={len(self.scores)}")  # fmt: skip


class Run:
    """scores: (1, S), one query.  mask: (1, S), True where it may look.  values: (S, S), one hot."""

    def __init__(self, request: Request) -> None:
        self.scores = np.array([request.settings.scores])
        self.blocked = request.settings.blocked - 1
        self.mask = np.arange(self.scores.size)[None] != self.blocked
        self.heads = draw_heads(request.seed, TOKENS, PADS, 8, "float64", np)

    @property
    def keys(self) -> tuple[str, ...]:
        return numbered(self.scores.size, "k")


lesson = Lesson(Run, Settings)


def before_softmax(scores: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(T, S): the weights as the library makes them."""
    return np.asarray(attend_forward(scores, np.eye(scores.shape[-1]), mask)[1].weights)


@lesson.step("Two things that a token must not look at")
def two_reasons(run: Run) -> Iterator[Shown]:
    h = run.heads
    future = [change_of_earlier_outputs(h, lambda q, k, v, mask=mask: attend(q, k, v, mask)) for mask in (None, h.causal)]  # type: ignore[misc]  # fmt: skip
    filling = [change_by_filling(h, mask) for mask in (None, h.padding)]
    rows = [{"what": "later tokens are changed", "none": future[0], "mask": future[1]}, {"what": "the filling of a short sentence is changed", "none": filling[0], "mask": filling[1]}]  # fmt: skip
    yield "Attention lets every token look at all others. Twice that is wrong. A model that learns to say the next token must not see it. And short sentences of a batch are filled up (padded) to the length of the longest; nobody should read the filling. Both are hidden by a mask."
    yield table("how far an output moves that should not move", rows, what="what happens", none="without a mask :3", mask="with it :3")  # fmt: skip
    yield "Without the causal mask the loss of training is low and means nothing, because the answer can be seen; when the model writes, the answer is missing. Without the padding mask the result for a sentence depends on the sentences that it was batched with, unless the filling stands behind the words and a causal mask hides it already."
    yield at_least("moves", "without a mask both move", 0.01, smallest((future[0], filling[0])))
    yield agree("still", "with it, the largest change", [future[1], filling[1]], to=0)
    yield Try("tfx experiment masking")


@lesson.step("The score becomes minus infinity, then comes the softmax")
def before(run: Run) -> Iterator[Shown]:
    weights = before_softmax(run.scores, run.mask)[0]
    e = np.where(run.mask[0], np.exp(run.scores[0] - run.scores[0][run.mask[0]].max()), 0.0)
    hidden = run.keys[run.blocked]
    first = 0 if run.blocked else 1
    yield formula("s_j := -inf where key j is blocked      p = softmax(s)", "exp(-inf) = 0")
    yield f"By hand, the scores {', '.join(f'{s:g}' for s in run.scores[0])}, and key {hidden} is blocked. exp(-inf) is 0, so {hidden} has no share; the others are divided by the sum of what is left."
    yield question(f"What is the weight of {run.keys[first]}?", weights[first], "Its exp over the sum of exp of the visible keys.", 0.03)  # fmt: skip
    yield matrix("weights", weights, "query, key", ("q",), run.keys)
    yield "The weight of the blocked key is exactly 0, not about 0, and the others sum to 1, as if the key were not there."
    yield exactly("zero", "weight of the blocked key", 0.0, float(weights[run.blocked]))
    yield agree("hand", "the row, by hand", weights, e / e.sum())
    yield attend_forward


@lesson.step("Zeroing after the softmax is too late")
def too_late(run: Run) -> Iterator[Shown]:
    higher = run.scores + 3.0 * ~run.mask
    ways: tuple[tuple[str, Callable[..., np.ndarray]], ...] = (("-inf before the softmax", before_softmax), ("0 after the softmax", shortcuts.mask_after_softmax), ("score 0 before it", shortcuts.blocked_scores_zero))  # fmt: skip
    rows = []
    for name, way in ways:
        w, moved = way(run.scores, run.mask)[0], way(higher, run.mask)[0]
        rows.append({"way": name, "hidden": w[run.blocked], "sum": w[run.mask[0]].sum(), "moved": float(np.abs(moved - w)[run.mask[0]].max())})  # fmt: skip
    yield "Three ways to hide a key. The last column: the hidden score rises by 3; how far do the weights of the visible keys move?"
    yield table("one row of weights", rows, way="way", hidden="weight of the hidden key :3", sum="sum of the visible :3", moved="they move by :3")  # fmt: skip
    yield "Zeroed afterwards, the row no longer sums to 1, and the hidden score still stands in the denominator: every visible weight tells something about it. A score of 0 hides nothing, because exp(0) = 1."
    yield agree("sum", "-inf: the visible weights sum to 1", rows[0]["sum"], 1.0)
    yield agree("blind", "-inf: they do not move", rows[0]["moved"], to=0)
    yield at_least("late", "afterwards: they move by", 1e-6, rows[1]["moved"])
    yield at_least("leaks", "score 0: the hidden key keeps", 1e-6, rows[2]["hidden"])
    yield Said("To exclude padding, set its weights to zero before the softmax.", "false", "Before the softmax there are scores. They must be -inf, not 0; only then the weights come out zero.", "C031")  # fmt: skip


@lesson.step("Causal, padding, both: the masks drawn")
def drawn(run: Run) -> Iterator[Shown]:
    causal, padding = causal_mask(TOKENS), np.broadcast_to(padding_mask([TOKENS - PADS], TOKENS)[0, 0], (TOKENS, TOKENS))  # fmt: skip
    both = np.asarray(combine_masks(causal, padding))
    side = np.concatenate([causal, padding, both], axis=1).astype(int)
    names = [f"{letter}{i + 1}" for letter in "cpb" for i in range(TOKENS)]
    yield f"{TOKENS} tokens, of which the last {PADS} are filling. 1: may look, 0: blocked. c: causal, no key later than the query. p: padding, no filling as key. b: both allow it."
    yield matrix("three masks side by side", side, "query, mask and key", numbered(TOKENS), names)
    yield question("How many pairs does the third mask leave visible?", int(both.sum()), "1 + 2 + 3, and 3 for each of the two rows of filling.", 0)  # fmt: skip
    yield "Here True means may look. Some libraries write True for blocked; mixed up, every token sees just what it must not."
    yield exactly("pairs", "visible pairs", "15, 15, 12", ", ".join(str(int(mask.sum())) for mask in (causal, padding, both)))  # fmt: skip
    wrong = before_softmax(np.zeros((TOKENS, TOKENS)), ~causal)
    yield exactly("inverted", "mask inverted: weight on the past and oneself", 0.0, float((wrong * causal).max()))
    yield combine_masks


@lesson.step("-1e9 instead of -inf, and a row with nothing to see")
def finite(run: Run) -> Iterator[Shown]:
    nothing = np.zeros_like(run.mask)
    one = [shortcuts.finite_penalty(run.scores.astype(np.float32), run.mask, penalty)[0] for penalty in (-1e9, -5.0)]
    none_visible = (before_softmax(run.scores, nothing)[0], shortcuts.minus_infinity_unguarded(run.scores, nothing)[0], shortcuts.finite_penalty(run.scores.astype(np.float32), nothing, -1e9)[0])  # fmt: skip
    rows = [{"way": way, "got": " ".join("nan" if math.isnan(w) else f"{w:.2f}" for w in row)} for way, row in zip(("this library", "-inf, unguarded", "-1e9, in float32"), none_visible, strict=True)]  # fmt: skip
    yield f"Some code adds -1e9. The weight of the hidden key is then {one[0][run.blocked]:g}: exp of it is too small for a float32. With -5 it would be {one[1][run.blocked]:.1g}: a small penalty leaks."
    yield "A row may also have nothing to look at, as with filling in front of a text:"
    yield table("weights of a row that is blocked throughout", rows, way="way", got="weights")
    yield "A softmax over nothing is 0 / 0. This library returns zeros. -1e9 on all scores cancels, and the scores drown in it: the blocked keys get equal weights."
    yield exactly("zeros", "this library: largest weight", 0.0, float(none_visible[0].max()))
    yield within("constant", "-1e9: the blocked keys get in sum", 1.0, float(none_visible[2].sum()), 1e-5)
    yield exactly("guard", "-inf, unguarded: weights that are not numbers", run.scores.size, int(np.isnan(none_visible[1]).sum()))  # fmt: skip
    yield Said("Adding -1e9 makes a weight zero.", "true with conditions", "Where some key of the row is visible, and in a precision in which the exp underflows.", "C029")  # fmt: skip


@lesson.step("On the way back nothing passes, too")
def backwards(run: Run) -> Iterator[Shown]:
    h = run.heads
    passed, through = (gradient_through_mask(h, h.both, mask) for mask in (h.both, None))
    yield "A weight of exactly 0 blocks both ways. The value behind it adds nothing to the output, so it gets no gradient. The slope of softmax is p_j times something, so a score with p_j = 0 gets none either."
    yield formula("ds_j = p_j (dp_j - sum_k p_k dp_k)", "p_j = 0 -> ds_j = 0")
    yield f"Measured on random heads with both masks: the largest gradient at a blocked score, or at the key or value of filling, is {passed:g}. Without a mask it is {through:.2f}."
    yield exactly("gradient", "largest gradient past the masks", 0.0, passed)
    yield at_least("through", "... and without them", 1e-3, through)
    yield "What changed since 2017: the mask is the same, the work is not. Fast programs for graphics cards skip tiles of the score matrix that are blocked throughout, so that a causal mask saves up to half of the products (FlashAttention-2, Dao 2023)."
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.2.3")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "A mask blocks chosen pairs of query and key: later tokens in a decoder, filling in a batch. Blocked scores are set to -inf before the softmax, so that their weights are exactly 0 and the rest sums to 1."
    yield "Masking after the softmax leaves rows that do not sum to 1, and the hidden scores in the denominator. Without the causal mask training cheats; without the padding mask a result can depend on the batch."
    yield Try("tfx quiz masking-mechanics")
