"""Back through one head: the five lines, dV, dP, one Jacobian written out, dscores, dQ and dK."""

from collections.abc import Iterator

import numpy as np

from lessons.attention.scaled_dot_product.head import Run, apart, largest_products, products, short
from lessons.operation import derivation
from lessons.writing import See, Shown, Try, agree, exactly, formula, matrix, question
from tfx.ops.attention.attend import attend_backward_steps
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_backward_steps
from tfx.ops.basics.linear import LinearCache, linear_backward
from tfx.ops.basics.softmax import softmax_backward, softmax_jacobian


def the_way_back(run: Run) -> Iterator[Shown]:
    yield f"How would the loss of {run.case.loss:.4f} change with each number of this head? The gradients of the entries of a matrix form a matrix of the same shape. Forward there were three lines: scores = Q K^T * scale, P = softmax(scores), O = P V."
    if run.changed:
        yield f"The {run.changed} {'are' if ' and ' in run.changed else 'is'} yours, and so are loss and gradients: the model ran with the changed head."
    yield from derivation(attention_backward)
    yield "The next screens take these lines one by one, on your sentence."


def output_gradient(run: Run) -> Iterator[Shown]:
    arriving = np.abs(run.case.dout).sum(axis=1)
    loud = int(arriving.argmax())
    yield f'dO came from the loss, through all that stands above this head. It is largest at "{run.tokens[loud]}": sizes sum to {short(arriving[loud])}.'
    yield run.vectors("dO", run.case.dout, rows=tuple(sorted({run.row, loud})))
    yield "How it came here is on the whole road: --set road=whole"
    yield attention_backward_steps


def values_gradient(run: Run) -> Iterator[Shown]:
    case, grads, sentence = run.case, run.grads, run.case.sentence
    pulled = int(np.abs(grads.dv).sum(axis=1).argmax())
    yield "O = P V is a product: each factor gets as gradient the other factor times dO."
    yield formula("O = P V   so   dV = P^T dO", f"{run.weights.T.shape} x {case.dout.shape} -> {grads.dv.shape}")
    hand = f'By hand, dV of "{run.tokens[pulled]}", coordinate 1, largest terms first: {largest_products(run.weights[:, pulled], case.dout[:, 0])} = {short(grads.dv[pulled, 0])}.'
    yield run.vectors("dV", grads.dv, hand, tuple(sorted({run.row, pulled})))
    yield f'Queries whose output is read pull on values by weight: on "{run.tokens[pulled]}" most.'
    yield attend_backward_steps
    if sentence is not None:
        other = sentence.place if case.expected == sentence.mover else sentence.mover
        yield Try("tfx explain attention --step scores_gradient", {"answer": other})


def weights_gradient(run: Run) -> Iterator[Shown]:
    case, dp, i, j = run.case, run.grads.dp, run.row, run.column
    silent = int((dp == 0).all(axis=1).sum())
    yield "The other factor of the product: how would the loss change with each weight? Ask each value how much it has in common with what arrived."
    yield run.square("dP", dp, "More weight where an entry is positive would raise the loss; where it is negative, lower it.")  # fmt: skip
    yield formula("O = P V   so   dP = dO V^T", f"{case.dout.shape} x {case.v.T.shape} -> {dp.shape}")
    yield f'By hand, row "{run.word}", column "{run.target}": dO . v = {products(case.dout[i], case.v[j])} = {short(dp[i, j])}.'
    if silent:
        yield f"The loss does not read what {'one token puts' if silent == 1 else f'{silent} tokens put'} out in this layer: {'that row is' if silent == 1 else 'those rows are'} zero."
    yield attend_backward_steps


def jacobian(run: Run) -> Iterator[Shown]:
    y = run.weights[run.row]
    heaviest = np.argsort(-y, kind="stable")
    keys = np.sort(heaviest[:4])  # what fits a screen
    names = [run.tokens[key] for key in keys]
    whole = softmax_jacobian(y)
    cut = "" if keys.size == y.size else f", the {keys.size} heaviest keys of {y.size}"
    if (y > 0).sum() > 1:
        yield "Raise one score of a row s, and its weight in p grows while the others above 0 give way. By how much, a matrix J says, one for each row."
        first, second = (int(key) for key in heaviest[:2])
        slope = float(whole[first, second])
        why = "What one gains, the other pays for."
        yield question(f"Off its diagonal J has minus the product of two weights. The two largest are {y[first]:.4g} and {y[second]:.4g}. Which entry joins them?", slope, why)  # fmt: skip
    else:
        yield f'A matrix J, one for each row, says how the weights p move with the scores s. In row "{run.word}" one key has all of the weight, and no small step of a score changes that: J is zero.'
    yield matrix(f'J for row "{run.word}"{cut}', whole[np.ix_(keys, keys)], "weight, score", names, names, "Symmetric; each full row sums to zero.")  # fmt: skip
    yield formula("J = diag(p) - p p^T     dp_j / ds_k = p_j (1 if j = k else 0, minus p_k)")
    yield softmax_jacobian
    yield See("softmax-jacobian")


def scores_gradient(run: Run) -> Iterator[Shown]:
    i, (dp, ds), p = run.row, (run.grads.dp, run.grads.ds), run.weights
    mean, wanted = float((dp[i] * p[i]).sum()), int(ds[i].argmin())
    yield "Each entry of dP is compared with the average of its row, weighted by P. No J has to be written down."
    yield run.square("dscores", ds)
    yield formula("dscores = P * (dP - rowsum(dP * P))", f"{dp.shape} -> {ds.shape}")
    entry, average = apart(dp[i, run.column], mean)
    yield f'By hand, "{run.word}" and "{run.target}": {short(p[i, run.column])} * ({entry} - ({average})) = {short(ds[i, run.column])}.'
    if np.ptp(ds[i]) > 0:
        yield f'Training moves against the gradient, so in row "{run.word}" it wants the score of "{run.tokens[wanted]}" to grow most. Largest entry of the row, by size: {np.abs(ds[i]).max():.2e}.'
    else:
        yield f'Row "{run.word}" is zero: no gradient arrives at it, or it sees one key alone, whose weight is always 1.'
    slow = np.stack([softmax_jacobian(each) @ dp[row] for row, each in enumerate(p)])  # (T, T), one J for each row
    yield agree("jacobian", "J times the row of dP is the row of dscores, in every row", slow, ds, to=1e-14 * max(1.0, float(np.abs(dp).max())))  # fmt: skip
    if run.blocked.any():
        yield "A blocked entry has weight 0, so its dscores is 0 as well: no gradient passes a mask."
        yield exactly("blocked", "no gradient passes the mask", 0.0, float(np.abs(ds[run.blocked]).max()))
    yield softmax_backward


def queries_and_keys(run: Run) -> Iterator[Shown]:
    case, grads, i = run.case, run.grads, run.row
    yield "A score is a product of a query and a key, so each is pulled along the other: a query by the keys that it should have matched better or worse, a key by the queries."
    yield formula("dQ = dscores K * scale", f"{grads.ds.shape} x {case.k.shape} -> {grads.dq.shape}")
    yield formula("dK = dscores^T Q * scale", f"{grads.ds.T.shape} x {case.q.shape} -> {grads.dk.shape}")
    yield run.vectors("dQ", grads.dq)
    yield f'By hand, dQ of "{run.word}", coordinate 1, largest terms first: {run.scale:.4f} * ({largest_products(grads.ds[i], case.k[:, 0])}) = {short(grads.dq[i, 0])}.'
    yield attention_backward_steps


def keys_gradient(run: Run) -> Iterator[Shown]:
    case, grads, j = run.case, run.grads, run.column
    _, dw_q, _ = linear_backward(grads.dq, LinearCache(case.x, case.w_q, False))
    yield run.vectors("dK", grads.dk, rows=(j,))
    yield f'By hand, dK of "{run.target}", coordinate 1, largest terms first: {run.scale:.4f} * ({largest_products(grads.ds[:, j], case.q[:, 0])}) = {short(grads.dk[j, 0])}.'
    yield "Training changes the maps that make queries and keys, not these themselves. One more product reaches those:"
    yield formula("Q = X W_Q   so   dW_Q = X^T dQ", f"{case.x.T.shape} x {grads.dq.shape} -> {dw_q.shape}, norm {np.linalg.norm(dw_q):.2e}; dW_K and dW_V alike")  # fmt: skip
    yield linear_backward
