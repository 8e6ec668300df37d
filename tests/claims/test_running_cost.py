"""What changes each verdict on what runs side by side, what waits and what moves through memory."""

import pytest

from tests.lab.breaking import instead
from tfx.claims.claim import Trial
from tfx.claims.running_cost import chain, layers_of, reached

PLACE = "tfx.claims.running_cost"

#: Every product as fast as every other; a chain that does not grow; nothing kept.
NO_GAIN = {f"{PLACE}.gain_of_many_rows": instead(lambda trial: 1.0)}
NO_CHAIN = {f"{PLACE}.chain": instead(lambda layer, n, trial: 2)}
NOTHING_KEPT = {f"{PLACE}.held_bytes": instead(lambda cache, besides=None: 1)}


def without_its_past(original):
    """A convolution whose output does not depend on its input."""
    return lambda x, w, **named: (0 * original(x, w, **named)[0], None)


BREAKS = {
    "C164": {f"{PLACE}.convolution_forward": without_its_past},
    "C165": NO_GAIN,
    "C166": NO_GAIN,
    "C167": NO_GAIN,
    "C169": {f"{PLACE}.encoder_decoder": lambda original: lambda trial, layers: original(trial, 1)},
    "C170": {f"{PLACE}.encoder_decoder": lambda original: lambda trial, layers: original(trial, 1)},
    "C171": NOTHING_KEPT,
    "C172": NOTHING_KEPT,
    "C174": NO_CHAIN,
    "C175": {f"{PLACE}.reached": instead(lambda row: 1.0)},
    "C176": {f"{PLACE}.chain": instead(lambda layer, n, trial: n)},
}


def test_an_rnn_waits_once_for_each_token_and_attention_does_not():
    rnn, attention = layers_of(Trial(0))
    assert [chain(rnn, n, Trial(0)) for n in (4, 9)] == [4, 9]
    assert chain(attention, 4, Trial(0)) == chain(attention, 9, Trial(0))


@pytest.mark.parametrize(("row", "ratio"), [({"way": "x", "n_8": 3, "n_16": 6}, 2.0), ({"n_8": 4, "n_16": 4}, 1.0)])
def test_layers_at_twice_the_length(row, ratio):
    assert reached(row) == ratio
