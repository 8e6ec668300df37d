"""What changes each verdict on weights and outputs."""

import numpy as np

from tests.lab.breaking import instead
from tfx.gradcheck.mistakes.ops.attention.masks import softmax_over_queries

PLACE = "tfx.claims.attention_weights"
ATTENTION = f"{PLACE}.attention_forward"
LAYER = f"{PLACE}.MultiHeadAttention.forward"


def doubled(original):
    """Outputs and weights twice as large."""

    def forward(*given, **named):
        out, cache = original(*given, **named)
        softmax = cache.attend.softmax._replace(y=2 * cache.weights)
        return 2 * out, cache._replace(attend=cache.attend._replace(softmax=softmax))

    return forward


def over_queries(original):
    def forward(q, k, v, *rest, **named):
        _, cache = original(q, k, v, *rest, **named)
        weights = softmax_over_queries(q @ k.T / q.shape[-1] ** 0.5, np.ones((len(q), len(k)), dtype=bool))
        return weights @ v, cache

    return forward


def one_short(original):
    """A layer that forgets the last token and the last feature."""
    return lambda self, x, *rest: (lambda y, cache: (y[:, :-1, :-1], cache))(*original(self, x, *rest))


def among_themselves(original):
    return lambda self, x, *rest: original(self, x)


BREAKS = {
    "C010": {ATTENTION: doubled},
    "C011": {"tfx.lab.attention.temperature.attention_forward": lambda o: lambda *a, scale: o(*a, scale=3.0)},
    "C012": {ATTENTION: doubled},
    "C014": {LAYER: among_themselves},
    "C015": {LAYER: one_short},
    "C016": {ATTENTION: over_queries},
    "C021": {f"{PLACE}.look_up": lambda original: lambda q, k, v, sharp: original(q / 2, k, v, sharp)},
    "C022": {f"{PLACE}.reads": instead(lambda table, n: True)},
    "C025": {ATTENTION: over_queries},
}
