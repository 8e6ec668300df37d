"""Scaled dot-product attention on the reader's own sentence, inside a whole model: the order of the steps.

A trained model is run once, forward and backward (head.py); every step shows a part of that one run.  The whole road goes
from characters to the loss and back to the embedding; the road "attention" leaves out what is not about the one head.
"""

from lessons.attention.scaled_dot_product import answer, backward, beginning, bottom, forward, onward, top_down
from lessons.attention.scaled_dot_product.head import DEFAULT_TEXT, Run, Settings
from lessons.writing import Lesson, Write

lesson = Lesson(Run, Settings, text=DEFAULT_TEXT, trained=True)


def whole_road(title: str, write: Write) -> None:
    """A step that the road "attention" leaves out."""
    lesson.step(title, write, when=lambda run: run.whole_road)


def two_models(title: str, write: Write) -> None:
    """A step for sentences that both pronoun models read."""
    lesson.step(title, write, when=lambda run: run.case.sentence is not None and not run.untrained)


lesson.step("Characters become tokens", beginning.tokens)
whole_road("Ids pick rows of a table", beginning.embedding_rows)
whole_road("Positions are added", beginning.positions)
lesson.step(
    "The layers below: what comes out of them", beginning.layers_below,
    when=lambda run: run.whole_road and run.case.layer > 0,
)  # fmt: skip
lesson.step("What the head reads: vectors of one size", beginning.head_input)

lesson.step("Three questions to every token: query, key, value", forward.projections)
lesson.step("Scores: how well does each query match each key?", forward.scores)
lesson.step("Scaling: divide by sqrt(D)", forward.scaling)
lesson.step("Mask: who may look at whom?", forward.mask)
lesson.step("Two traps of masks", forward.mask_traps)
lesson.step("Softmax: scores become weights", forward.softmax)
lesson.step("The heat map, and how to read it", forward.heat_map)
lesson.step("Which rows are read?", forward.rows_read)
lesson.step("Output: a weighted average of the values", forward.output)
lesson.step("What it costs", forward.cost)

whole_road("The other heads", onward.other_heads)
whole_road("W_O: the heads come together", onward.joined)
whole_road("Residual: the layer adds, it does not replace", onward.residual)
whole_road("Feed-forward: each token alone", onward.feed_forward)
lesson.step(
    "The layers above", onward.layers_above,
    when=lambda run: run.whole_road and run.case.layer + 1 < run.case.n_layers,
)  # fmt: skip
whole_road("Logits: every token of the table gets a score", onward.logits)
lesson.step("What the model makes of it", answer.meaning)
two_models('"it" in both pronoun models', answer.two_heat_maps)
two_models("Is the heat map the reason?", answer.two_models)

whole_road("Back from the loss: prediction minus truth", top_down.loss_gradient)
whole_road("Back through the top: E and the last norm", top_down.back_through_the_top)
whole_road("Back to the head: the network, the sums and W_O", top_down.back_to_the_head)
lesson.step("The way back through the head, in five lines", backward.the_way_back)
lesson.step("What arrives at the head: dO", backward.output_gradient, when=lambda run: not run.whole_road)
lesson.step("Back through O = P V, first half: dV", backward.values_gradient)
lesson.step("Back through O = P V, second half: dP", backward.weights_gradient)
lesson.step("Back through the softmax: one Jacobian, written out", backward.jacobian)
lesson.step("dscores: the same, for all rows at once", backward.scores_gradient)
lesson.step("Back through the scores: dQ and dK", backward.queries_and_keys)
lesson.step("dK, and what is learned", backward.keys_gradient)
whole_road("dX: three paths come back together", bottom.inputs_gradient)
whole_road("dx: the residual adds its own", bottom.residual_back)
whole_road("Down to the embedding: which rows get a gradient", bottom.embedding_gradient)
whole_road("The circle closes: the whole model is checked", bottom.whole_model)
lesson.step("Is it true, and how do you say it?", bottom.interview)
