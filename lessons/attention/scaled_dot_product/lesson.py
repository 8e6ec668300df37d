"""Scaled dot-product attention on the reader's own sentence, forward and all the way back: the order of the steps.

One head of a trained model is run once, forward and backward (head.py); every step shows a part of that one run.
"""

from lessons.attention.scaled_dot_product import backward, forward
from lessons.attention.scaled_dot_product.head import DEFAULT_TEXT, Run, Settings
from lessons.writing import Lesson


lesson = Lesson(Run, Settings, text=DEFAULT_TEXT, trained=True)
lesson.step("Tokens become vectors", forward.tokens)
lesson.step("Three questions to every token: query, key, value", forward.projections)
lesson.step("Scores: how well does each query match each key?", forward.scores)
lesson.step("Scaling: divide by sqrt(d_k)", forward.scaling)
lesson.step("Mask: who may look at whom?", forward.mask)
lesson.step("Softmax: scores become weights", forward.softmax)
lesson.step("Output: a weighted average of the values", forward.output)
lesson.step("What the model makes of it", forward.meaning)
lesson.step(
    'Is the heat map the reason?  "it", in both models', forward.two_models,
    when=lambda run: run.case.sentence is not None and not run.untrained,
)  # fmt: skip
lesson.step("The way back, in five lines", backward.the_way_back)
lesson.step("Back through O = P V, first half: dV", backward.values_gradient)
lesson.step("Back through O = P V, second half: dP", backward.weights_gradient)
lesson.step("Back through the softmax: one Jacobian, written out", backward.jacobian)
lesson.step("dS: the same, for all rows at once, without a single matrix J", backward.scores_gradient)
lesson.step("Back through S = Q K^T * scale: dQ and dK", backward.queries_and_keys)
lesson.step("The circle closes: is it true, and how do you say it?", backward.interview)
