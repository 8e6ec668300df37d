"""Squareplus: a smooth relu without an exponential."""

import numpy as np

from lessons.operation import Operation
from lessons.writing import Lesson
from tfx.ops.feed_forward.squareplus import squareplus_backward, squareplus_forward

X = np.array([-2.0, 0.0, 1.0])

lesson = Lesson(lambda request: request)
squareplus = Operation("squareplus", squareplus_forward, squareplus_backward, lambda run: {"x": X})

lesson.step("Two straight lines and a bend", squareplus.idea)
lesson.step("Shapes", squareplus.shapes)
lesson.step("The way back", squareplus.derivation)
lesson.step("Is it true?", squareplus.proof)
