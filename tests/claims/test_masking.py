"""What changes each verdict of the section on masking."""

import numpy as np

from tests.lab.breaking import instead

PLACE = "tfx.claims.masking"


def with_pause(original):
    """A score of minus twenty in place of minus infinity: an attention that leaks a little."""

    def attend(q, k, v, mask):
        return original(q, k, v, None if mask is None else np.ones_like(mask))

    return attend


NO_MASK = {f"{PLACE}.attend": with_pause}
ALL_SEEN = {f"{PLACE}.weights": lambda original: lambda heads, mask: original(heads, None)}


def forgetful(original):
    """A decoder that reads each piece as if nothing came before it."""
    return lambda self, ids, past=None, left_padding=None: original(self, ids)


def row_of(name, masked_by):
    """Rows of an experiment in which that is so."""

    def rows(self, name, **settings):
        return masked_by

    return {"tfx.claims.claim.Trial.rows": instead(rows)}


def leak(loss):
    return {"least": np.log(4), "loss": loss}


BREAKS = {
    "C028": ALL_SEEN,
    "C029": {f"{PLACE}.shortcuts.finite_penalty": lambda original: lambda scores, mask, penalty: 0 * scores},
    "C030": {f"{PLACE}.blocked_weight": lambda original: lambda heads, constant: original(heads, 100 * constant)},
    "C031": {f"{PLACE}.shortcuts.blocked_scores_zero": lambda original: lambda scores, mask: mask * 0.0 + 0 * scores},
    "C032": NO_MASK,
    "C034": row_of("label-leakage", [leak(1.39), leak(1.39), leak(0.3), leak(0.0)]),
    "C035": {
        "tfx.generate.stored_keys.StoredDecoder._back_to": lambda original: lambda self, length: original(self, 0)
    },
    "C036": row_of("exposure-bias", [{"forced": 0.9, "free": 0.9, "first": 0.0}]),
    "C037": {f"{PLACE}.change_by_filling": lambda original: lambda heads, mask: original(heads, None)},
    "C039": ALL_SEEN,
    "C040": {f"{PLACE}.penalty_of": instead(lambda blocked: (blocked - 1.0) * 1e9)},
    "C041": {f"{PLACE}.combine_masks": lambda original: lambda first, second: original(second)},
    "C042": {f"{PLACE}.attend": lambda original: lambda q, k, v, mask: original(q, k, v, mask) + v.mean()},
}
