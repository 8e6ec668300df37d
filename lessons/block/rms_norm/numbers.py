"""Numbers for the quiz on RMSNorm."""

import numpy as np

from lessons.quiz import NumberCase, Wrong
from tfx.ops.norms.rms_norm import rms_norm_forward


def first_output(rng: np.random.Generator) -> NumberCase:
    a, b = (float(n) for n in rng.choice([2, 3, 4, 6, 8], 2, replace=False))
    length = Wrong(a / float(np.hypot(a, b)), "sum for average", "The squares are averaged, not only summed.")
    centred = Wrong(1.0 if a > b else -1.0, "layer norm for rms norm", "Nothing is centred here.")
    truth = float(rms_norm_forward(np.array([[a, b]]), eps=0.0)[0][0, 0])
    return NumberCase({"a": f"{a:g}", "b": f"{b:g}"}, truth, (length, centred))
