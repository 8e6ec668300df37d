"""The backward half: dO, dV, dP, one Jacobian written out, dS, dQ and dK, and the proof."""

from collections.abc import Iterator

import numpy as np

from lessons.attention.scaled_dot_product.head import Run, coordinates, products, short
from lessons.operation import derivation
from lessons.writing import See, Shown, Try, agree, exactly, formula, matrix, proof, question
from tfx.gradcheck import check_gradients
from tfx.ops.attention.attend import attend_backward_steps
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_backward_steps, attention_forward
from tfx.ops.basics.linear import LinearCache, linear_backward
from tfx.ops.basics.softmax import softmax_backward, softmax_jacobian


def the_way_back(run: Run) -> Iterator[Shown]:
    yield f"Backward asks of every number on the way: how would the loss of {run.case.loss:.4f} change with it? That is its gradient, written with a d in front, and all gradients of a matrix together have its shape. Forward there were three lines: S = Q K^T * scale, P = softmax(S), O = P V."
    if run.changed:
        yield "The dO here is that of the model as it was trained; the lines below send it back through your scale or mask."
    yield from derivation(attention_backward)
    yield "The next screens take these lines one by one, on your sentence."


def values_gradient(run: Run) -> Iterator[Shown]:
    case, grads = run.case, run.grads
    arriving = np.abs(case.dout).sum(axis=1)
    loud, pulled = int(arriving.argmax()), int(np.abs(grads.dv).sum(axis=1).argmax())
    yield f'dO came from the loss, through every layer above. It is largest at "{run.tokens[loud]}": sizes sum to {short(arriving[loud])}.'
    yield coordinates("dO", case.dout, run.tokens)
    yield formula("O = P V   so   dV = P^T dO", f"{run.weights.T.shape} x {case.dout.shape} -> {grads.dv.shape}")
    yield coordinates("dV", grads.dv, run.tokens)
    yield f'A value is pulled on by every query that looked at it, in proportion to the weight: here "{run.tokens[pulled]}" most.'
    yield attend_backward_steps
    sentence = case.sentence
    if sentence is not None:
        other = sentence.place if case.expected == sentence.mover else sentence.mover
        yield Try("tfx explain attention --step scores_gradient", {"answer": other})


def weights_gradient(run: Run) -> Iterator[Shown]:
    case, dp, i, j = run.case, run.grads.dp, run.row, run.column
    silent = int((dp == 0).all(axis=1).sum())
    yield "The other factor of the product: how would the loss change with each weight? Ask each value how much it has in common with what arrived."
    yield run.square("dP", dp)
    yield formula("O = P V   so   dP = dO V^T", f"{case.dout.shape} x {case.v.T.shape} -> {dp.shape}")
    yield f'By hand, row "{run.word}", column "{run.target}": dO . v = {products(case.dout[i], case.v[j])} = {short(dp[i, j])}.'
    if silent:
        yield f"{silent} of {len(run.tokens)} rows are zero: the loss does not read the outputs of these tokens in this layer."
    yield "More weight on a key with a positive entry would raise the loss; with a negative one it would lower it."
    yield attend_backward_steps


def jacobian(run: Run) -> Iterator[Shown]:
    y = run.weights[run.row]
    heaviest = np.argsort(-y, kind="stable")
    keys = np.sort(heaviest[:8])  # what fits a screen
    names = [run.tokens[key] for key in keys]
    whole = softmax_jacobian(y)
    cut = "" if keys.size == y.size else f", the {keys.size} heaviest keys of {y.size}"
    yield "The weights of a row share one sum, so no weight moves alone: raise one score, and its weight grows while all others of the row give way. How much is a matrix, one for each row."
    if y.size > 1:
        first, second = (int(key) for key in heaviest[:2])
        slope = float(whole[first, second])
        why = "Off the diagonal it is minus their product: what one gains, the other pays for."
        yield question(f"The two largest weights of this row are {y[first]:.4g} and {y[second]:.4g}. Which entry of J joins them?", slope, why)  # fmt: skip
    yield matrix(f'J for row "{run.word}"{cut}', whole[np.ix_(keys, keys)], "weight, score", names, names, "Symmetric; each full row sums to zero.")  # fmt: skip
    yield formula("dP[j]/dS[k] = P[j] (delta_jk - P[k])        J = diag(P) - P P^T", "delta_jk is 1 where j = k, else 0")  # fmt: skip
    if y.size > 1:
        yield f'By hand: -{y[first]:.4g} * {y[second]:.4g} = {short(slope)} joins "{run.tokens[first]}" and "{run.tokens[second]}".'
    yield softmax_jacobian
    yield See("softmax-jacobian")


def scores_gradient(run: Run) -> Iterator[Shown]:
    i, (dp, ds) = run.row, (run.grads.dp, run.grads.ds)
    yield "Each entry of dP is compared with the average of its row, weighted by P."
    yield run.square("dS", ds)
    yield formula("dS = P * (dP - rowsum(dP * P))", f"{dp.shape} -> {ds.shape}")
    yield f'Training moves against the gradient, so in row "{run.word}" it wants the score of "{run.tokens[int(ds[i].argmin())]}" to grow most. Largest entry of the row: {np.abs(ds[i]).max():.2e}.'
    yield agree("jacobian", "J dP equals the row of dS", softmax_jacobian(run.weights[i]) @ dp[i], ds[i], to=1e-14 * max(1.0, float(np.abs(dp[i]).max())))  # fmt: skip
    if run.blocked.any():
        yield "A blocked entry has weight 0, so its dS is 0 as well: no gradient passes a mask."
        yield exactly("blocked", "no gradient passes the mask", 0.0, float(np.abs(ds[run.blocked]).max()))
    yield softmax_backward


def queries_and_keys(run: Run) -> Iterator[Shown]:
    case, grads, i = run.case, run.grads, run.row
    _, dw_q, _ = linear_backward(grads.dq, LinearCache(case.x, case.w_q, False))
    yield "A score is a product of a query and a key, so each is pulled along the other: a query by the keys that it should have matched better or worse, a key by the queries."
    yield formula("dQ = dS K * scale", f"{grads.ds.shape} x {case.k.shape} -> {grads.dq.shape}")
    yield formula("dK = dS^T Q * scale", f"{grads.ds.T.shape} x {case.q.shape} -> {grads.dk.shape}")
    yield coordinates("dQ", grads.dq, run.tokens)
    yield coordinates("dK", grads.dk, run.tokens)
    yield f'By hand, dQ of "{run.word}", coordinate 1: scale * ({products(grads.ds[i], case.k[:, 0])}) = {short(grads.dq[i, 0])}.'
    yield f"One more product reaches what is learned: dW_Q = X^T dQ, here {dw_q.shape[0]} x {dw_q.shape[1]} with norm {np.linalg.norm(dw_q):.2e}."
    yield attention_backward_steps
    yield linear_backward


def interview(run: Run) -> Iterator[Shown]:
    case = run.case
    yield f"Is any of this true? Each of the {case.q.size + case.k.size + case.v.size} entries of Q, K and V is nudged up and down, the forward pass is run again, and the slope is compared with the derived gradient, for a random gradient at the output."
    yield proof("this head", lambda q, k, v: attention_forward(q, k, v, run.mask, run.scale), attention_backward, {"q": case.q, "k": case.k, "v": case.v}, to=1e-7)  # fmt: skip
    yield "Say it in an interview: attention is softmax(Q K^T / sqrt(d_k)) V. Queries meet keys in dot products, softmax over the keys turns each row into weights, and the output is that weighted average of values."
    yield "Backwards: dV = P^T dO, dP = dO V^T, then the softmax Jacobian row by row, then dQ = dS K / sqrt(d_k) and dK = dS^T Q / sqrt(d_k)."
    yield check_gradients
    yield Try("tfx quiz attention")
    yield Try("tfx gradcheck attention")
