"""What changes each verdict on patterns, other mixers and recomputation."""

import numpy as np

from tests.lab.breaking import instead
from tfx.claims.attention_patterns import core_flops

PLACE = "tfx.claims.attention_patterns"


def every_pair(original):
    """A pattern that leaves nothing out."""
    return lambda n, *rest, **named: np.ones((n, n), dtype=bool)


def linear_work(original):
    return lambda n, d: n * d


BREAKS = {
    "C184": {f"{PLACE}.longformer_mask": every_pair},
    "C185": {f"{PLACE}.error_of": instead(lambda found, heads: 0.0)},
    "C186": {f"{PLACE}.sparse_transformer_mask": every_pair},
    "C187": {f"{PLACE}.big_bird_mask": every_pair},
    "C189": {
        f"{PLACE}.ReversibleStack": lambda original: lambda settings, rng, recompute: original(settings, rng, False)
    },
    "C190": {
        f"{PLACE}.dense_synthesizer_forward": lambda original: lambda x, v, *maps: original(np.zeros_like(x), v, *maps)
    },
    "C192": {f"{PLACE}.fourier_mixing_forward": lambda original: lambda x: (2 * original(x)[0], None)},
    "C194": {f"{PLACE}.core_flops": linear_work},
    "C195": {f"{PLACE}.core_flops": lambda original: lambda n, d: 10 * original(n, d)},
    "C197": {f"{PLACE}.core_flops": linear_work},
}


def test_the_core_is_two_products_of_two_operations_each():
    assert core_flops(10, 4) == 2 * 2 * 10 * 10 * 4
