"""Scaled dot-product attention on the reader's own sentence, inside a whole model: the order of the steps.

A trained model is run once, forward and backward (head.py); every step shows a part of that one run.  The whole road goes
from characters to the loss and back to the embedding; the road "attention" leaves out what is not about the one head.
"""

from lessons.attention.scaled_dot_product import answer, backward, beginning, bottom, forward, onward, top_down
from lessons.attention.scaled_dot_product.head import DEFAULT_TEXT, Run, Settings
from lessons.writing import Lesson


def always(run: Run) -> bool:
    return True


def on_the_whole_road(run: Run) -> bool:
    return run.whole_road


def on_the_short_road(run: Run) -> bool:
    return not run.whole_road


def with_layers_below(run: Run) -> bool:
    return run.whole_road and run.case.layer > 0


def with_layers_above(run: Run) -> bool:
    return run.whole_road and run.case.layer + 1 < run.case.n_layers


def with_two_models(run: Run) -> bool:
    """Both pronoun models, as trained, read this sentence."""
    return run.case.sentence is not None and not run.untrained


STEPS = (
    ("Characters become tokens", beginning.tokens, always),
    ("Ids pick rows of a table", beginning.embedding_rows, on_the_whole_road),
    ("Positions are added", beginning.positions, on_the_whole_road),
    ("The layers below: what comes out of them", beginning.layers_below, with_layers_below),
    ("What the head reads: x, after a LayerNorm", beginning.head_input, always),
    ("Three questions to every token: query, key, value", forward.projections, always),
    ("Scores: how well does each query match each key?", forward.scores, always),
    ("Scaling: divide by sqrt(D)", forward.scaling, always),
    ("Mask: who may look at whom?", forward.mask, always),
    ("Two traps of masks", forward.mask_traps, always),
    ("Softmax: scores become weights", forward.softmax, always),
    ("The heat map: each row says where a word looks", forward.heat_map, always),
    ("Which rows are read?", forward.rows_read, always),
    ("Output: a weighted average of the values", forward.output, always),
    ("What it costs", forward.cost, always),
    ("The other heads", onward.other_heads, on_the_whole_road),
    ("W_O: the heads come together", onward.joined, on_the_whole_road),
    ("Residual: the layer adds, it does not replace", onward.residual, on_the_whole_road),
    ("Feed-forward: each token alone", onward.feed_forward, on_the_whole_road),
    ("The layers above", onward.layers_above, with_layers_above),
    ("Logits: every token of the table gets a score", onward.logits, on_the_whole_road),
    ("What the model makes of it", answer.meaning, always),
    ('"it" in both pronoun models', answer.two_heat_maps, with_two_models),
    ("Is the heat map the reason?", answer.two_models, with_two_models),
    ("Back from the loss: prediction minus truth", top_down.loss_gradient, on_the_whole_road),
    ("Back through the top: E and the last norm", top_down.back_through_the_top, on_the_whole_road),
    ("Back to the head: the network, the sums and W_O", top_down.back_to_the_head, on_the_whole_road),
    ("The way back through the head, in five lines", backward.the_way_back, always),
    ("What arrives at the head: dO", backward.output_gradient, on_the_short_road),
    ("Back through O = P V, first half: dV", backward.values_gradient, always),
    ("Back through O = P V, second half: dP", backward.weights_gradient, always),
    ("Back through the softmax: one Jacobian, written out", backward.jacobian, always),
    ("dscores: the same, for all rows at once", backward.scores_gradient, always),
    ("Back through the scores: dQ and dK", backward.queries_and_keys, always),
    ("dK, and what is learned", backward.keys_gradient, always),
    ("dX: three paths come back together", bottom.inputs_gradient, on_the_whole_road),
    ("dx: the residual adds its own", bottom.residual_back, on_the_whole_road),
    ("Down to the embedding: which rows get a gradient", bottom.embedding_gradient, on_the_whole_road),
    ("The circle closes: the whole model is checked", bottom.whole_model, on_the_whole_road),
    ("Is it true, and how do you say it?", bottom.interview, always),
)

lesson = Lesson(Run, Settings, text=DEFAULT_TEXT, trained=True)
for title, write, when in STEPS:
    lesson.step(title, write, when=when)
