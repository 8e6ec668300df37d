"""Back from the loss to the output of the head: p - onehot, the final norm, the layers above, feed-forward, W_O."""

from collections.abc import Iterator

import numpy as np

from lessons.attention.scaled_dot_product.head import Run, apart, counted, largest_products, probability, short
from lessons.writing import Shown, agree, formula, matrix, question
from tfx.nn.residual import Residual
from tfx.ops.basics.linear import linear_backward
from tfx.ops.basics.short_forms import short_layer_norm_gradients
from tfx.ops.losses.cross_entropy import cross_entropy_backward


def loss_gradient(run: Run) -> Iterator[Shown]:
    whole, n = run.whole, len(run.whole.asked)
    place, target, p = int(whole.asked[-1]), int(whole.targets[-1]), whole.probabilities[-1]
    tokens = list(dict.fromkeys([target, *map(int, np.argsort(-p, kind="stable")[:4])]))
    onehot = np.arange(p.size) == target
    yield f"How would the loss of {whole.loss:.4f} change with each logit? That is its gradient, written with a d in front. onehot is 1 for the right answer, else 0."
    share = f" / {n}" if n > 1 else ""
    yield question(f'"{run.vocabulary[target]}" counts as right and has p = {probability(p[target])}. What is its entry of dlogits, (p - onehot){share}?', whole.dlogits[-1, target], f"({probability(p[target])} - 1){share}.")  # fmt: skip
    yield matrix(f'at "{run.tokens[place]}"', np.stack([p, onehot, whole.dlogits[-1]])[:, tokens], "its, token", ("p", "onehot", "dlogits"), [run.vocabulary[token] for token in tokens], "Training moves against it: the right logit goes up, each other one down, in proportion to its p.")  # fmt: skip
    yield formula(
        "dlogits = (p - onehot) / n", f"(n, words): {whole.dlogits.shape}, n = {counted(n, 'places')} in the mean"
    )
    wanted = np.zeros_like(whole.dlogits)
    wanted[np.arange(n), whole.targets] = 1
    yield agree("dlogits", "dlogits is (p - onehot) / n, everywhere", (whole.probabilities - wanted) / n, whole.dlogits, to=1e-14)  # fmt: skip
    yield cross_entropy_backward


def back_through_the_top(run: Run) -> Iterator[Shown]:
    whole, last = run.whole, run.whole.blocks[-1]
    place = int(whole.asked[-1])
    above = run.case.n_layers - 1 - run.case.layer
    yield "Each logit is a dot product with a row of E, so the gradient of h is a sum of rows of E: the row of the right answer with minus sign, the others with plus, in proportion to what they got."
    yield formula("logits = h E^T   so   dh = dlogits E", f"{whole.dlogits.shape} x {whole.table.shape} -> {(len(whole.asked), whole.table.shape[1])}")  # fmt: skip
    yield f'By hand, "{run.tokens[place]}", coordinate 1, largest terms first: {largest_products(whole.dlogits[-1], whole.table[:, 0])} = {short(whole.dhidden[place, 0])}, over all {whole.table.shape[0]} terms.'
    through = f" and through {counted(above, 'layers')} above this one" if above else ""
    yield f"Then back through the last norm{through}. What arrives at y, the output of layer {run.case.layer + 1}:"
    yield run.vectors("dy", run.block.dy)
    yield agree("dh", "dh is the sum of rows of E", whole.dlogits @ whole.table, whole.dhidden[whole.asked], to=1e-12)
    by_hand = short_layer_norm_gradients(whole.dhidden, last.y, whole.norm.gamma.value, whole.norm.eps)[0]
    yield agree("last-norm", "the short form of the norm's gradient gives the same", by_hand, whole.dtop, to=1e-12)
    yield linear_backward


def back_to_the_head(run: Run) -> Iterator[Shown]:
    case, block, i = run.case, run.block, run.row
    w, width = block.layer.attention.output.w.value, case.q.shape[1]
    columns = slice(case.head * width, (case.head + 1) * width)
    yield "In y = r + network(norm(r)) the vector r was used twice. What is used twice gets the sum of what comes back:"
    kept, came = (float(part[i, 0]) for part in (block.dy, block.dmiddle_branch))
    direct, negated = apart(kept, -came)
    other = negated[1:] if negated[0] == "-" else f"-{negated}"
    yield formula("dr = dy + what comes back through the network", f'"{run.word}", coordinate 1: {direct} + ({other}) = {short(block.dmiddle[i, 0])}')  # fmt: skip
    yield f"r = x + mixed was a sum too, so dmixed = dr. W_O joined the heads: head {case.head + 1} gets columns {columns.start + 1} to {columns.stop} of dmixed W_O^T."
    yield run.vectors(f"dO of head {case.head + 1}", case.dout)
    yield formula("d[O_1 ... O_H] = dmixed W_O^T", f"{block.dmiddle.shape} x {w.T.shape} -> {(len(run.tokens), w.shape[0])}")  # fmt: skip
    yield agree("twice", "dr is the sum of two", block.dy + block.dmiddle_branch, block.dmiddle, to=1e-14)
    yield agree("dO", "dmixed W_O^T gives what arrived at this head", (block.dmiddle @ w.T)[:, columns], case.dout, to=1e-12)  # fmt: skip
    yield Residual
