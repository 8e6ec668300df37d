"""What changes each verdict of the section on recurrent models."""

import numpy as np

from tests.lab.breaking import instead
from tfx.lab.sequences import gradient_distance

PLACE = "tfx.claims.recurrence"
VECTOR = "tfx.lab.sequences.fixed_vector"


def other_way(way, other):
    """One kind of layer measured as another."""
    return {
        f"{PLACE}.distances": lambda original: (
            lambda trial, asked, gain=1.0: {**original(trial, other if asked == way else asked, gain), "way": asked}
        )
    }


BREAKS = {
    "C302": {f"{VECTOR}.recall": instead(lambda settings, n, d, rng, kept=False: 1.0)},
    "C304": other_way("LSTM", "tanh RNN"),
    "C305": other_way(gradient_distance.ATTENTION, gradient_distance.FIXED),
    "C306": {
        f"{PLACE}.softmax_forward": lambda original: (
            lambda logits: ((logits == logits.max(axis=-1, keepdims=True)) * 1.0, None)
        )
    },
    "C307": {
        f"{PLACE}.through_attention": lambda original: lambda depth, residual, seed: original(depth, False, seed=seed)
    },
    "C309": {f"{VECTOR}.asked_by_attention": instead(lambda states, place, rng: states.mean(axis=0))},
    "C310": {f"{PLACE}.attention_forward": lambda original: lambda q, k, v: (v[:1] + 0 * q, original(q, k, v)[1])},
    "C311": {
        f"{PLACE}.Encoder.encode": lambda original: lambda self, ids: original(self, ids, mask=np.eye(8, dtype=bool))
    },
    "C314": {"tfx.lab.sequences.sequential_steps.chain_of_layer": instead(lambda layer, n: (4, 8))},
    "C315": {f"{PLACE}.learned_loss": instead(lambda model, trial: 1.4)},
}
