"""The operations that lessons show, each in at most eight lines of NumPy, and how far it is from the library's.

A short form says what an operation is on plain arrays: no cache, no options, no message when something does not fit.
To add one, write a function below `@short_of(the library's function, trial)` in a file that is imported here.  A trial
draws the arrays, of sizes that all differ, and gives what the library makes of them:

    @short_of(softmax_forward, lambda rng: on(softmax_forward, 3 * rng.standard_normal((T, S))))
    def weights(scores):
        ...

`difference` runs both and compares them; it is computed when it is shown.
"""

from tfx.short_forms import attention, blocks, losses, maps, positions, recurrence, weights
from tfx.short_forms.registry import difference, is_short, lines_of, reason_of, short_form, short_forms, why_whole

__all__ = [
    "attention",
    "blocks",
    "difference",
    "is_short",
    "lines_of",
    "losses",
    "maps",
    "positions",
    "reason_of",
    "recurrence",
    "short_form",
    "short_forms",
    "weights",
    "why_whole",
]
