"""What changes each verdict on what attention can express."""

import numpy as np

from tests.lab.breaking import instead
from tfx.claims.dot_products import Learnt

PLACE = "tfx.claims.attention_limits"
KERNEL = "tfx.lab.attention.attention_as_kernel"


def one_layer(original):
    """The second layer reads what the first one read."""
    return lambda self, x, *rest, **named: (x, original(self, x, *rest, **named)[1])


BREAKS = {
    "C017": {f"{PLACE}.self_attention_forward": lambda original: lambda x, *maps: (x @ maps[2], original(x, *maps)[1])},
    "C019": {f"{PLACE}.attention_scores": lambda original: lambda q, k, scale: (lambda s: (s + s.T, None))(q @ k.T)},
    "C020": {f"{KERNEL}.head": lambda original: lambda run, case, draw: original(run, "one", draw)},
    "C024": {f"{PLACE}.maximum_not_subtracted": instead(lambda x: np.ones_like(x))},
    "C026": {"tfx.nn.encoder_block.EncoderBlock.forward": one_layer},
    "C027": {f"{PLACE}.learnt": instead(lambda trial, scale: Learnt((0.9, 0.9), (0.2, 0.3), 1.0))},
}
