"""Numbers for the quiz on RMSNorm."""

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.nn.layer_norm import LayerNorm
from tfx.nn.rms_norm import RMSNorm
from tfx.ops.norms.rms_norm import rms_norm_forward
from tfx.ops.norms.scale_norm import scale_norm_forward


def first_output(rng: np.random.Generator) -> NumberCase:
    a, b = (float(n) for n in rng.choice([2, 3, 4, 6, 8], 2, replace=False))
    length = Wrong(a / float(np.hypot(a, b)), "sum for average", "The squares are averaged, not only summed.")
    centred = Wrong(1.0 if a > b else -1.0, "layer norm for rms norm", "Nothing is centred here.")
    truth = float(rms_norm_forward(np.array([[a, b]]), eps=0.0)[0][0, 0])
    return NumberCase({"a": f"{a:g}", "b": f"{b:g}"}, truth, (length, centred))


@told_apart
def scaled_to_length(rng: np.random.Generator) -> NumberCase:
    """The first coordinate of ScaleNorm's output."""
    a, b, g = (float(n) for n in rng.choice([2, 3, 4, 5, 6, 8, 9], 3, replace=False))
    x = np.array([[a, b]])
    truth = float(scale_norm_forward(x, np.array(g), eps=0.0)[0][0, 0])
    wrong = (
        Wrong(
            g * float(rms_norm_forward(x, eps=0.0)[0][0, 0]),
            "rms norm for scale norm",
            "The length divides, not the root mean square: squares are summed.",
        ),
        Wrong(g * a, "norm forgotten", "The token is brought to length 1 first."),
        Wrong(truth / g, "gain forgotten", "The learned length multiplies."),
        Wrong(g * a / (a + b), "sum for length", "The length is the root of the summed squares."),
    )
    return NumberCase({"a": f"{a:g}", "b": f"{b:g}", "g": f"{g:g}"}, truth, wrong)


def saved(rng: np.random.Generator) -> NumberCase:
    """Counted on layers of the library."""
    blocks, width = int(rng.choice([2, 4, 6, 12, 24])), int(rng.choice([64, 128, 256, 512]))
    norms = 2 * blocks + 1
    count = sum(LayerNorm(width).n_parameters - RMSNorm(width).n_parameters for _ in range(norms))
    wrong = (
        Wrong(
            2.0 * count, "mean counted as learned", "The mean is computed from the token; only the bias was learned."
        ),
        Wrong(2.0 * blocks * width, "final norm forgotten", "The norm behind the last block changes, too."),
        Wrong(float(norms), "one bias for all features", "Every coordinate has a bias of its own."),
    )
    return NumberCase({"blocks": blocks, "width": width}, float(count), wrong, 0.0)
