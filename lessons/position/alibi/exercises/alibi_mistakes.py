"""What people write in the place of linear biases."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.position.alibi.exercises.alibi import exercise, offsets_of, slopes_of


def biased(scores: Any, slopes: Any, distance: Any, hidden: Any) -> Any:
    """slopes: (H,), distance: (T, S), what is taken off; hidden: (T, S) or False."""
    return np.where(hidden, -np.inf, scores - np.reshape(slopes, (-1, 1, 1)) * distance)


def with_slopes(scores: Any, past: int, causal: bool, slopes: Any) -> Any:
    offsets = offsets_of(scores, past)
    return biased(scores, slopes, abs(offsets), causal & (offsets > 0))


def with_distance(scores: Any, past: int, causal: bool, distance: Any) -> Any:
    offsets = offsets_of(scores, past)
    return biased(scores, slopes_of(scores.shape[-3]), distance(offsets), causal & (offsets > 0))


@exercise.mistake
def far_keys_rewarded(scores: Any, past: int = 0, causal: bool = False) -> Any:
    """The bias is added with the wrong sign: far keys gain.

    Why: A bias is something that one adds, and the minus is forgotten.
    Hint: Let all scores be equal. Which key gets the largest weight?
    """
    return with_distance(scores, past, causal, lambda offsets: -abs(offsets))


@exercise.mistake
def behind_rewarded(scores: Any, past: int = 0, causal: bool = False) -> Any:
    """m_h (j - i) is added, which rewards keys behind the query.

    Why: With a causal mask there are none, and the published formula is for that case.
    Hint: Without the mask: which of two keys, one place before and one behind, has the higher score?
    """
    return with_distance(scores, past, causal, lambda offsets: -offsets)


@exercise.mistake
def bias_before_alone(scores: Any, past: int = 0, causal: bool = False) -> Any:
    """Keys behind the query get no bias.

    Why: With a causal mask there are none.
    Hint: Without the mask: what is taken off a key three places behind?
    """
    return with_distance(scores, past, causal, lambda offsets: np.maximum(-offsets, 0))


@exercise.mistake
def place_for_distance(scores: Any, past: int = 0, causal: bool = False) -> Any:
    """The bias is the slope times the place of the key, not times the distance.

    Why: Under a causal mask the softmax does not see the difference.
    Hint: What is added where query and key stand at the same place?
    """
    return with_distance(scores, past, causal, lambda offsets: -np.arange(offsets.shape[1]) * np.ones(offsets.shape))


@exercise.mistake
def distance_one_too_large(scores: Any, past: int = 0, causal: bool = False) -> Any:
    """The distance of a query to its own place counts as 1.

    Why: Places are counted from 1, and distances with them.
    Hint: What is added where query and key stand at the same place?
    """
    return with_distance(scores, past, causal, lambda offsets: abs(offsets) + 1)


@exercise.mistake
def distance_squared(scores: Any, past: int = 0, causal: bool = False) -> Any:
    """The distance is squared.

    Why: A square needs no sign.
    Hint: What does "linear" in the name mean?
    """
    return with_distance(scores, past, causal, lambda offsets: offsets**2)


@exercise.mistake
def past_left_out(scores: Any, past: int = 0, causal: bool = False) -> Any:
    """Queries are counted from place 0, although keys are stored.

    Why: In training nothing is stored.
    Hint: One query after six stored keys: which key is next to it?
    """
    return with_slopes(scores, 0, causal, slopes_of(scores.shape[-3]))


@exercise.mistake
def last_query_at_the_last_key(scores: Any, past: int = 0, causal: bool = False) -> Any:
    """The last query is put at the place of the last key, whatever `past` says.

    Why: Where all keys are there it is the same.
    Hint: Let there be more keys than past + T. Where does query 0 stand?
    """
    t, s = scores.shape[-2:]
    return with_slopes(scores, s - t, causal, slopes_of(scores.shape[-3]))


@exercise.mistake
def mask_counted_from_the_row(scores: Any, past: int = 0, causal: bool = False) -> Any:
    """The bias knows of the stored keys, and the causal mask does not.

    Why: np.tril is written without its offset.
    Hint: One query after six stored keys: how many keys are open to it?
    """
    offsets = offsets_of(scores, past)
    return biased(scores, slopes_of(scores.shape[-3]), abs(offsets), causal & (offsets + past > 0))


@exercise.mistake
def causal_left_out(scores: Any, past: int = 0, causal: bool = False) -> Any:
    """Later keys are not blocked.

    Why: The bias itself is thought to hide them.
    Hint: Call it with causal=True: what is the score of a key behind the query?
    """
    return with_slopes(scores, past, False, slopes_of(scores.shape[-3]))


@exercise.mistake
def always_causal(scores: Any, past: int = 0, causal: bool = False) -> Any:
    """Later keys are blocked, whether it is asked for or not.

    Why: The paper is about decoders.
    Hint: What is asked for with causal=False?
    """
    return with_slopes(scores, past, True, slopes_of(scores.shape[-3]))


@exercise.mistake
def own_place_blocked(scores: Any, past: int = 0, causal: bool = False) -> Any:
    """With causal=True the key at the query's own place is blocked as well.

    Why: >= is written for >.
    Hint: May a token look at itself?
    """
    offsets = offsets_of(scores, past)
    return biased(scores, slopes_of(scores.shape[-3]), abs(offsets), causal & (offsets >= 0))


@exercise.mistake
def slopes_from_one(scores: Any, past: int = 0, causal: bool = False) -> Any:
    """The slopes begin with 1: h is counted from 0.

    Why: range(H) begins there.
    Hint: What is the steepest of eight slopes?
    """
    h = scores.shape[-3]
    return with_slopes(scores, past, causal, slopes_of(h) / slopes_of(h)[0])


@exercise.mistake
def halves_for_any_number(scores: Any, past: int = 0, causal: bool = False) -> Any:
    """The slopes are 1/2, 1/4, 1/8 ..., as for eight heads, for any number of heads.

    Why: The example of the paper has eight.
    Hint: What is the gentlest slope of four heads?
    """
    return with_slopes(scores, past, causal, 0.5 ** np.arange(1, scores.shape[-3] + 1))


@exercise.mistake
def formula_for_any_number(scores: Any, past: int = 0, causal: bool = False) -> Any:
    """m_h = 2^(-8 h / H) is used for every H.

    Why: The formula runs for six heads as well.
    Hint: What does the rule say of six heads?
    """
    h = scores.shape[-3]
    return with_slopes(scores, past, causal, 2.0 ** (-8 * np.arange(1, h + 1) / h))


@exercise.mistake
def slopes_of_the_higher_power(scores: Any, past: int = 0, causal: bool = False) -> Any:
    """For another H the first H slopes of the next higher power of 2 are taken.

    Why: It gives enough slopes, and the rest is cut off.
    Hint: Six heads: what are the first four slopes by the rule?
    """
    h = scores.shape[-3]
    power = 1 << (h - 1).bit_length()
    return with_slopes(scores, past, causal, slopes_of(power)[:h])


@exercise.mistake
def second_for_first(scores: Any, past: int = 0, causal: bool = False) -> Any:
    """The slopes that are missing are the second, fourth ... of those for 2 P heads.

    Why: [1::2] is written for [0::2].
    Hint: Are all your slopes different?
    """
    h = scores.shape[-3]
    power = 1 << (h.bit_length() - 1)
    return with_slopes(scores, past, causal, np.concatenate([slopes_of(power), slopes_of(2 * power)[1::2]])[:h])


@exercise.mistake
def not_every_second(scores: Any, past: int = 0, causal: bool = False) -> Any:
    """The slopes that are missing are the first ones of those for 2 P heads, without a gap.

    Why: "every second one" is overlooked.
    Hint: Are all your slopes different?
    """
    h = scores.shape[-3]
    power = 1 << (h.bit_length() - 1)
    return with_slopes(scores, past, causal, np.concatenate([slopes_of(power), slopes_of(2 * power)])[:h])


@exercise.mistake
def slopes_in_order(scores: Any, past: int = 0, causal: bool = False) -> Any:
    """For another H the slopes are put in order of size.

    Why: A series looks as if it had to fall.
    Hint: Which heads get the slopes in between by the rule?
    """
    return with_slopes(scores, past, causal, np.sort(slopes_of(scores.shape[-3]))[::-1])


@exercise.mistake
def slopes_the_other_way_round(scores: Any, past: int = 0, causal: bool = False) -> Any:
    """The first head has the gentlest slope.

    Why: h is counted down.
    Hint: Which head is the steepest by the rule?
    """
    return with_slopes(scores, past, causal, slopes_of(scores.shape[-3])[::-1])


@exercise.mistake
def one_slope(scores: Any, past: int = 0, causal: bool = False) -> Any:
    """All heads have the slope of the first one.

    Why: The bias is thought of as one table.
    Hint: What tells the heads apart?
    """
    return with_slopes(scores, past, causal, np.full(scores.shape[-3], slopes_of(scores.shape[-3])[0]))


@exercise.mistake
def slopes_over_the_texts(scores: Any, past: int = 0, causal: bool = False) -> Any:
    """The slopes lie along the first axis, that of the texts, where it is as long as that of the heads.

    Why: They are shaped (H, 1, 1, 1), and (B, H, T, S) with B = H takes it.
    Hint: Do two texts that are the same get the same scores?
    """
    h, offsets = scores.shape[-3], offsets_of(scores, past)
    slopes = slopes_of(h)[:, None, None]
    if scores.ndim == 4 and scores.shape[0] == h:
        slopes = slopes[..., None]
    return np.where(causal & (offsets > 0), -np.inf, scores - slopes * abs(offsets))
