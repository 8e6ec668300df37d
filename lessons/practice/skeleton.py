"""The two files with which an exercise of a pack begins.  They can be read; what is to be written says TODO."""

from __future__ import annotations

EXERCISE = '''"""TODO: in one sentence, what is to be written."""

from __future__ import annotations

import numpy as np

from lessons.practice.exercise import Exercise, Given

exercise = Exercise(
    "{name}",
    "TODO: what it is called",
    rules=[
        "TODO: what is judged beyond the formula, a sentence each: shapes, what an empty row gives, how ties break.",
    ],
    hints=[
        "TODO: a question that points where to look.",
        "TODO: a second one, nearer; never the whole answer.",
    ],
    learned="TODO: what is said after a pass, in one sentence.",
    results=["y: (N)"],  # the name of each thing that is returned, with its axes
    # topic="softmax-attention", step="one_row",  where the course explains it, if it does: see tfx explain
)


@exercise.stub
def {function}(x):
    """TODO: what it gives; this is what the learner sees, with the rules above it.

    x: (N) -> (N)
    """
    ...


@exercise.solution
def solution(x):
    ...  # TODO: one clear way to write it, shown after a pass


# @exercise.truth   another function that is right, where the solution is not to be the judge
# @exercise.equal   another right way to write it, which has to pass


@exercise.inputs
def inputs(rng):
    """Sizes that differ, sizes of 1, large and tiny numbers, every option off its default: each input tells a mistake."""
    yield Given("five numbers", {{"x": rng.normal(size=5)}})
    yield Given("one number", {{"x": rng.normal(size=1)}})
    yield Given("float32", {{"x": rng.normal(size=4).astype(np.float32)}})
'''

MISTAKES = '''"""What people write in the place of it."""

from __future__ import annotations

import numpy as np

from .{function} import exercise

# Each wrong way, with its name.  It has to fail, and to give something else than every other one.
#
# @exercise.mistake
# def not_divided(x):
#     """It is not divided by the sum.
#
#     Why: Why people write it.
#     Hint: A question that leads away from it.
#     """
#     return np.exp(x)
'''


def files_of(name: str) -> dict[str, str]:
    """Name of the file -> its text.  name: "row-sums"; its function is row_sums."""
    function = name.replace("-", "_")
    return {
        f"{function}.py": EXERCISE.format(name=name, function=function),
        f"{function}_mistakes.py": MISTAKES.format(function=function),
    }
