"""From the output of one head to the answer: the other heads, W_O, residual, feed-forward, the layers above, logits."""

from collections.abc import Iterator

import numpy as np

from lessons.attention.scaled_dot_product.beginning import what_layers_add
from lessons.attention.scaled_dot_product.head import Run, coordinates, products, size
from lessons.writing import Shown, Source, agree, formula, matrix, question
from tfx.nn.residual import Residual
from tfx.ops.attention.multi_head import merge_heads, multi_head_attention_forward
from tfx.ops.basics.embedding import tied_logits_forward
from tfx.ops.feed_forward.feed_forward import feed_forward_forward
from tfx.ops.norms.layer_norm import layer_norm_forward
from tfx.trace.words import to_words


def other_heads(run: Run) -> Iterator[Shown]:
    case, heads, i = run.case, run.block.heads, run.row
    shares = to_words(heads.weights[:, i], run.word_of)
    best = int(shares[case.head].argmax())
    same = int((shares.argmax(axis=1) == best).sum())
    alone = f" (your {run.changed} in head {case.head + 1} alone)" if run.changed else ""
    names = [f"head {head + 1}" for head in range(case.n_heads)]
    yield f'Layer {case.layer + 1} has H = {case.n_heads} heads. Each has maps W_Q, W_K, W_V of its own, reads the same X and does what the last steps showed{alone}. So "{run.word}" looks around {case.n_heads} times:'
    yield matrix(f'row "{run.word}" of each head', shares, "head, key", names, run.words)
    yield f'In {same} of {case.n_heads} heads the largest weight of "{run.word}" is on "{run.words[best]}". A head is D = C/H = {run.block.x.shape[1]}/{case.n_heads} = {case.q.shape[1]} numbers wide, so that all heads together cost about what one of width C would.'
    yield agree("heads", "each row of each head sums to 1", heads.weights.sum(axis=-1), 1.0, to=1e-12)
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.2.2")
    yield multi_head_attention_forward


def joined(run: Run) -> Iterator[Shown]:
    case, block, i = run.case, run.block, run.row
    w, b, width = block.layer.attention.output.w.value, block.layer.attention.output.b.value, case.q.shape[1]
    shares = np.stack([block.heads.out[h] @ w[h * width : (h + 1) * width] for h in range(case.n_heads)])  # (H, T, C)
    rows = np.concatenate([shares[:, i], b[None], block.mixed[i][None]])
    names = [*(f"head {h + 1}" for h in range(case.n_heads)), "+ offset", "= sum"]
    yield f"The outputs of the heads are written side by side, {case.n_heads} x {width} = {w.shape[0]} numbers for each token, and one more {'random' if run.untrained else 'learned'} map, W_O, mixes them. Each head meets rows of W_O of its own, so W_O adds up one share from each head."
    yield coordinates(f'shares of "{run.word}"', rows, tuple(names), "share")
    yield formula(
        "mixed = [O_1 ... O_H] W_O + offset",
        f"(T, H D) x (H D, C) -> (T, C): {(len(run.tokens), w.shape[0])} x {w.shape}",
    )
    yield agree("joined", "the shares of the heads sum to what attention gave", shares.sum(axis=0) + b, block.mixed, to=1e-12)  # fmt: skip
    yield merge_heads


def residual(run: Run) -> Iterator[Shown]:
    block, i = run.block, run.row
    yield "Attention does not replace a vector, it adds to it (a residual connection)."
    x, mixed = (round(float(vector[i, 0]), 3) for vector in (block.x, block.mixed))  # what the reader adds up
    yield question(f'Coordinate 1 of "{run.word}": x has {x:.3f}, attention gives {mixed:.3f}. What is it after the sum?', round(x + mixed, 3), "The sum of the two.")  # fmt: skip
    yield coordinates(f'"{run.word}"', np.stack([block.x[i], block.mixed[i], block.middle[i]]), ("x", "+ mixed", "= r"), "vector", f"Lengths: {size(block.x[i])} and {size(block.mixed[i])} give {size(block.middle[i])}.")  # fmt: skip
    yield formula("r = x + mixed", f"(T, C): {block.x.shape}")
    yield "On the way back a sum hands its gradient to both terms, unchanged."
    yield agree("residual", "r = x + mixed is what the second half of the layer reads", block.x + block.mixed, block.middle, to=1e-12)  # fmt: skip
    yield Residual


def feed_forward(run: Run) -> Iterator[Shown]:
    block, i = run.block, run.row
    network = block.layer.feed_forward
    first, second = network.first, network.second
    hidden = np.maximum(block.inner @ first.w.value + first.b.value, 0)
    alive, wide = int((block.hidden[i] > 0).sum()), block.hidden.shape[1]
    yield f"The second half of the layer works on each token alone: a norm, a map to F = {wide} numbers, ReLU (whatever is below 0 becomes 0), a map back to C = {block.x.shape[1]}, and again a sum."
    yield coordinates(f'"{run.word}"', np.stack([block.middle[i], block.fed[i], block.y[i]]), ("r", "+ network", "= y"), "vector")  # fmt: skip
    yield formula("y = r + ReLU(norm(r) W_1 + offset) W_2 + offset", f"(T, C) -> (T, F) -> (T, C): {block.inner.shape} -> {block.hidden.shape} -> {block.fed.shape}")  # fmt: skip
    yield f'Of the {wide} numbers in the middle {alive} are above 0 at "{run.word}". No token sees another here: only attention moves anything from one token to another.'
    yield agree("feed-forward", "this formula gives what the layer gave", block.middle + hidden @ second.w.value + second.b.value, block.y, to=1e-12)  # fmt: skip
    yield feed_forward_forward


def layers_above(run: Run) -> Iterator[Shown]:
    yield "The head that we followed is not in the last layer. What the layer gives on is read by the next one, which has the same two parts, attention and a network for each token, with numbers of its own."
    yield from what_layers_add(run, range(run.case.layer + 1, run.case.n_layers))


def logits(run: Run) -> Iterator[Shown]:
    whole = run.whole
    place, h = int(whole.asked[-1]), whole.hidden[whole.asked[-1]]
    best = np.argsort(-whole.logits[-1], kind="stable")[:5]
    top = int(best[0])
    yield f'After the last layer comes one more norm. Then its output h at "{run.tokens[place]}" is compared with the row of every token in the table E, the same table as at the start: one dot product each, its logit.'
    yield matrix(f'largest logits at "{run.tokens[place]}"', whole.logits[-1][best], "its, token", ("logit",), [run.vocabulary[token] for token in best])  # fmt: skip
    yield formula("h = norm(y)     logits = h E^T", f"(n, C) x (C, words) -> (n, words): {(len(whole.asked), h.size)} x {whole.table.T.shape} -> {whole.logits.shape}")  # fmt: skip
    yield f'"{run.vocabulary[top]}", by hand: {products(h, whole.table[top])} = {whole.logits[-1, top]:.3f}, over all {h.size} terms.'
    yield f"n is the number of places where the model is asked: {'every token, for the one that follows' if whole.causal else 'one, the pronoun'}."
    again = layer_norm_forward(run.whole.blocks[-1].y, whole.norm.gamma.value, whole.norm.beta.value, whole.norm.eps)[0]
    both = np.stack([again[whole.asked], whole.hidden[whole.asked]]) @ whole.table.T  # made anew, and the h shown above
    yield agree("logits", "norm and dot products give the model's logits", both, np.stack([whole.logits] * 2), to=1e-10)
    yield tied_logits_forward
