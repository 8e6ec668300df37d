"""Claims about masks: what blocks a token, what only seems to, and what a causal mask does not do."""

from __future__ import annotations

import numpy as np

from tfx.claims.claim import Evidence, Trial, claim, contradicts, supports
from tfx.generate import reader_of
from tfx.gradcheck.mistakes.ops.attention import masks as shortcuts
from tfx.lab.attention.mask_probes import (
    Heads,
    attend,
    blocked_weight,
    change_by_filling,
    change_of_earlier_outputs,
    draw_heads,
    pairs_against_mask,
    weights,
)
from tfx.measure.verdicts import agree, at_least, at_most, exactly, largest, smallest, within
from tfx.models import DecoderOnly
from tfx.ops.attention.masks import causal_mask, combine_masks, from_additive, left_padding_mask

SECTION = "Masking"

TOKENS, PADS, D_K = 8, 2, 64
VASWANI = "Vaswani et al. 2017, section 3.2.3"
#: Constants that block as minus infinity does, and one that does not.
LARGE, SMALL = (-np.inf, -1e9, -1e4), -30.0


def heads_of(trial: Trial, dtype: str = "float64", pads: int = PADS) -> Heads:
    return draw_heads(trial.seed, TOKENS, pads, D_K, dtype, np)


@claim(
    "C028", "A score of minus infinity before the softmax takes a position out.",
    where="D0:470 D0:493 D1:599 D1:700 D2:303 D3:173 D0:3117 D0:3428", verdict="holds",
    why="its weight is exactly 0, not about 0, as long as some key is visible.", experiment="masking", paper=VASWANI,
)  # fmt: skip
def minus_infinity(trial: Trial) -> Evidence:
    every = [heads_of(trial, dtype) for dtype in ("float64", "float32", "float16")]
    left = largest(float((weights(h, h.causal) * ~h.causal).max()) for h in every)
    yield supports(exactly("blocked", "largest weight of a blocked key in three precisions", 0.0, left))
    sums = largest(float(abs(weights(h, h.causal).sum(axis=-1) - 1).max()) for h in every[:2])
    yield supports(at_most("sums", "how far the sum of a row is from 1, at most", 1e-6, sums))
    yield at_least(
        "not-any", f"a penalty of {SMALL:g} instead leaves a weight of", 1e-20, blocked_weight(every[0], SMALL)
    )


@claim(
    "C029", "Adding -1e9 to a score makes its weight zero.", where="D2:511 D2:520 D2:774", verdict="holds when",
    why="some key of the row is visible; where all are blocked the constant cancels and the blocked keys get it all.",
    experiment="masking",
)  # fmt: skip
def large_penalty(trial: Trial) -> Evidence:
    heads = heads_of(trial, "float32")
    yield supports(exactly("visible", "largest weight of a blocked key", 0.0, blocked_weight(heads, -1e9)))
    blocked = shortcuts.finite_penalty(heads.scores, np.zeros_like(heads.causal), -1e9)
    yield contradicts(
        within(
            "blocked", "weight of each of 8 keys in a row that is blocked throughout", 1 / 8, float(blocked.max()), 1e-6
        )
    )
    out = attend(heads.q, heads.k, heads.v, np.zeros_like(heads.causal))
    yield exactly("zeros", "largest output of the library's mask there", 0.0, float(abs(out).max()))


@claim(
    "C030", "A mask may be added before or after dividing by sqrt(d_k).", where="D0:483 D0:1512 D0:4255 D0:3427",
    verdict="holds when", why="its constant is -inf or very large; a moderate one is divided too, and leaks.",
    experiment="masking", paper=VASWANI,
)  # fmt: skip
def before_or_after(trial: Trial) -> Evidence:
    heads = heads_of(trial)

    def leak(constant: float, before: bool) -> float:
        return blocked_weight(heads, constant / np.sqrt(D_K) if before else constant)

    apart = largest(abs(leak(constant, True) - leak(constant, False)) for constant in LARGE)
    yield supports(exactly("large", "-inf, -1e9, -1e4: difference of the blocked weight", 0.0, apart))
    yield contradicts(at_least("small", f"{SMALL:g} added before: the weight that leaks", 1e-4, leak(SMALL, True)))
    yield at_most("after", f"{SMALL:g} added after: the weight that leaks", 1e-9, leak(SMALL, False))


@claim(
    "C031", "Padding is handled by zeroing weights ahead of the softmax.", where="D1:662", verdict="does not hold",
    why="a score of 0 is a score, exp(0) = 1: set it to -inf, or zero the weights afterwards and divide by the rest.",
    experiment="masking",
)  # fmt: skip
def zero_ahead(trial: Trial) -> Evidence:
    heads = heads_of(trial)
    zeroed = shortcuts.blocked_scores_zero(heads.scores, heads.padding)[0]
    yield contradicts(
        at_least("leaks", "largest weight of a pad whose score is 0", 0.02, float(zeroed[..., -PADS:].max()))
    )
    late = shortcuts.softmax_then_mask_then_divide(heads.scores, heads.padding)
    yield agree(
        "late", "zeroed afterwards and divided: largest difference from -inf", late, weights(heads, heads.padding)
    )


@claim(
    "C032", "A causal mask stops information from later tokens.",
    where="D0:122 D0:494 D0:506 D1:542 D1:607 D2:46 D3:170 D4:70", verdict="holds",
    why="no bit of an earlier output changes when later tokens do.", experiment="masking", paper=VASWANI,
)  # fmt: skip
def causal(trial: Trial) -> Evidence:
    heads = heads_of(trial)
    moved = [
        change_of_earlier_outputs(heads, lambda q, k, v, mask=mask: attend(q, k, v, mask))  # type: ignore[misc]
        for mask in (heads.causal, None)
    ]
    yield supports(exactly("masked", "change of an earlier output", 0.0, moved[0]))
    yield at_least("unmasked", "the same without the mask", 0.1, moved[1])


@claim(
    "C034", "The mask is what stops a decoder from copying its answer.",
    where="D0:501 D0:1500 D0:1546 D0:1547 D4:70 D2:401", verdict="holds when",
    why="the input is shifted by one place as well: without that the answer is the token's own input.",
    experiment="label-leakage", paper="Vaswani et al. 2017, section 3.1",
)  # fmt: skip
def mask_and_shift(trial: Trial) -> Evidence:
    settings = {"symbols": 4, "length": 4, "steps": 60}
    both, mask, shift, _ = trial.rows("label-leakage", **settings)
    yield supports(within("both", "loss with mask and shift, log 4", both["least"], both["loss"], 0.1))
    yield supports(at_most("shift", "loss with the shift alone, as a share", 0.5, shift["loss"] / both["loss"]))
    yield contradicts(at_most("mask", "loss with the mask alone, as a share", 0.1, mask["loss"] / both["loss"]))


@claim(
    "C035", "With a causal mask all target positions are computed in one pass.",
    where="D0:518 D2:401 D1:568 D0:1577", verdict="holds",
    why="one pass over a text gives what reading it token by token gives, to rounding.",
)  # fmt: skip
def one_pass(trial: Trial) -> Evidence:
    ids = trial.generator().integers(9, size=(2, 20))
    model = DecoderOnly(9, 16, n_heads=2, d_ff=32, n_layers=2, max_len=20, dtype="float64", seed=trial.seed)
    at_once, _ = model.forward(ids)
    reader = reader_of(model)
    reader.begin(2)
    one_by_one = np.concatenate([reader.read(ids[:, place : place + 1]) for place in range(20)], axis=1)
    yield supports(agree("same", "largest difference of the logits of 20 places", at_once, one_by_one, 1e-10))


@claim(
    "C036", "Causal masking makes training match inference, so that no mismatch is left.",
    where="D0:510 D0:514 D0:4059 D0:4060 D0:4302", verdict="does not hold",
    why="it matches what may be seen, and not what is seen: in training that is the truth, in writing the model's own "
    "mistakes.",
    experiment="exposure-bias", paper="Bengio et al. 2015, Scheduled Sampling, section 2",
)  # fmt: skip
def mismatch(trial: Trial) -> Evidence:
    truth = trial.rows("exposure-bias", steps=(12, 15), letters=20, given=2, length=12, seeds=4)[0]
    yield contradicts(
        at_least(
            "gap",
            "letters right after the truth, less the last letter right after its own",
            0.05,
            truth["forced"] - truth["free"],
        )
    )
    yield within("first", "the same of the first letter, where nothing of its own is read", 0.0, truth["first"], 1e-9)


@claim(
    "C037", "With a padding mask, filling has no effect on real tokens.",
    where="D0:530 D0:1598 D0:3435 D1:527 D1:551 D3:171 D4:80", verdict="holds",
    why="outputs of real tokens do not change; a loss and a mean over tokens have to leave the filling out as well.",
    experiment="masking",
)  # fmt: skip
def padding(trial: Trial) -> Evidence:
    heads = heads_of(trial)
    yield supports(
        exactly("masked", "change of any output by other filling", 0.0, change_by_filling(heads, heads.padding))
    )
    yield at_least("unmasked", "the same without the mask", 0.1, change_by_filling(heads, None))


@claim(
    "C039", "Two listings of attention can share their masks.", where="D1:269 D2:741 D2:763", verdict="does not hold",
    why="one blocks where the mask is 0, the other where it is 1: mixed up, every token sees the future alone.",
    experiment="masking",
)  # fmt: skip
def two_conventions(trial: Trial) -> Evidence:
    heads = heads_of(trial)
    ahead_blocked = ~heads.causal  # of the second: 1 where a token must not look
    mixed = weights(heads, ahead_blocked)
    yield contradicts(
        exactly("past", "weight on the past and the token itself", 0.0, float((mixed * heads.causal).max()))
    )
    yield exactly("last", "weight of the last token on anything", 0.0, float(mixed[..., -1, :].max()))
    future = smallest((mixed * ahead_blocked).sum(axis=-1)[..., :-1].ravel())
    yield within("future", "weight of the others on the future", 1.0, future, 1e-12)


@claim(
    "C040", "A boolean mask times -1e9 is zero where looking is allowed.", where="D2:774 D2:783", verdict="holds",
    why="it is: -0.0, which prints with its sign and adds as 0.",
)  # fmt: skip
def negative_zero(trial: Trial) -> Evidence:
    bias = penalty_of(np.array([False, True]))
    yield supports(exactly("allowed", "what is added where looking is allowed", 0.0, float(abs(bias[0]))))
    yield exactly("sign", "its sign bit", 1, int(np.signbit(bias[0])))
    yield exactly("read", "what the library takes it for", "[True, False]", str(from_additive(bias).tolist()))


def penalty_of(blocked: np.ndarray) -> np.ndarray:
    return blocked * -1e9


@claim(
    "C041", "Causal and padding masks combine.", where="D0:531", verdict="holds",
    why="a pair is visible where both allow it; with filling on the left the first rows see nothing, and get zeros.",
    experiment="masking",
)  # fmt: skip
def combined(trial: Trial) -> Evidence:
    heads = heads_of(trial)
    both = combine_masks(heads.causal, heads.padding)
    assert both is not None
    allowed = np.broadcast_to(both, (2, 2, TOKENS, TOKENS))
    by_hand = np.array([[j <= i and j < n for j in range(TOKENS)] for n in heads.lengths for i in range(TOKENS)])
    yield supports(
        exactly(
            "pairs",
            "pairs that are felt and must not be, or the reverse",
            0.0,
            pairs_against_mask(heads, allowed, both),
        )
    )
    yield supports(agree("cells", "cells that differ from both conditions", allowed[:, 0].reshape(-1, TOKENS), by_hand))
    left = combine_masks(causal_mask(TOKENS), left_padding_mask(np.array([PADS, 0]), TOKENS))
    assert left is not None
    rows = weights(heads, left)
    yield exactly("blocked", "rows that filling on the left blocks throughout", PADS, int((~left.any(axis=-1)).sum()))
    yield exactly("zeros", "largest weight in them", 0.0, float(rows[0, :, :PADS].max()))


@claim(
    "C042", "In training, attention looks at all pairs of tokens of the batch.", where="D3:248",
    verdict="does not hold", why="pairs within a sequence alone, and of a decoder past ones alone.",
)  # fmt: skip
def pairs_of_the_batch(trial: Trial) -> Evidence:
    heads = heads_of(trial)
    before = attend(heads.q, heads.k, heads.v, None)
    k, v = heads.k.copy(), heads.v.copy()
    k[1], v[1] = k[1] + 1, v[1] - 2
    moved = abs(attend(heads.q, k, v, None) - before).max(axis=(1, 2, 3))
    yield contradicts(exactly("other", "change of sequence 1 when sequence 2 is another", 0.0, float(moved[0])))
    yield at_least("own", "change of sequence 2 itself", 0.1, float(moved[1]))
    later = change_of_earlier_outputs(heads, lambda q, k, v: attend(q, k, v, heads.causal))
    yield contradicts(exactly("later", "change of an earlier output of a decoder by later tokens", 0.0, later))
