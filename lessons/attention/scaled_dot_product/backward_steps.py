"""The backward half of the walkthrough: dO, dV, dP, one Jacobian written out, dS, dQ, dK, and the proof."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lessons.attention.scaled_dot_product.forward_steps import coordinates, products, short
from lessons.attention.scaled_dot_product.run import HeadRun
from tfx.data import pronouns
from tfx.gradcheck import check_gradients
from tfx.ops.attention.attend import attend_backward_steps
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_backward_steps, attention_forward
from tfx.ops.basics.linear import linear_backward
from tfx.ops.basics.softmax import softmax_backward, softmax_jacobian
from tfx.records import Check, Code, Formula, Matrix, Question, Step, Text

JACOBIAN_KEYS = 8  # a Jacobian is written out over at most this many keys


def steps(run: HeadRun) -> Iterator[Step]:
    """Six steps from the gradient at the output back to the queries and keys, then the gradient check."""
    yield _values_gradient(run)
    yield _weights_gradient(run)
    yield _jacobian(run)
    yield _scores_gradient(run)
    yield _queries_and_keys(run)
    yield _proof(run)


def _values_gradient(run: HeadRun) -> Step:
    case, grads = run.case, run.grads
    arriving = np.abs(case.dout).sum(axis=1)
    loud = int(arriving.argmax())
    pulled = int(np.abs(grads.dv).sum(axis=1).argmax())
    return Step(
        "Back through O = P V, first half: dV",
        (
            Formula("dV = P^T dO", f"{run.weights.T.shape} x {case.dout.shape} -> {grads.dv.shape}"),
            Text(
                f'dO came from the loss, through every layer above. It is largest at "{run.tokens[loud]}": sizes sum to '
                f"{short(arriving[loud])}."
            ),
            coordinates("dO", case.dout, run.tokens),
            coordinates("dV", grads.dv, run.tokens),
            Text(
                f'A value is pulled on by every query that looked at it, in proportion to the weight: here "'
                f'{run.tokens[pulled]}" most.'
            ),
            Code(attend_backward_steps),
        ),
        _other_answer(run),
    )


def _weights_gradient(run: HeadRun) -> Step:
    case, grads, i, j = run.case, run.grads, run.row, run.column
    terms = products(case.dout[i], case.v[j])
    silent = int((grads.dp == 0).all(axis=1).sum())
    return Step(
        "Back through O = P V, second half: dP",
        (
            Formula("dP = dO V^T", f"{case.dout.shape} x {case.v.T.shape} -> {grads.dp.shape}"),
            Matrix("dP", grads.dp, ("query", "key"), run.tokens, run.tokens),
            Text(
                f'By hand, row "{run.tokens[i]}", column "{run.tokens[j]}": dO . v = {terms} = {short(grads.dp[i, j])}.'
            ),
            *((Text(_silent(silent, len(run.tokens))),) if silent else ()),
            Text(
                "More weight on a key with a large entry would raise the loss; with a negative one it would lower it."
            ),
            Code(attend_backward_steps),
        ),
    )


def _silent(silent: int, tokens: int) -> str:
    return f"{silent} of {tokens} rows are zero: the loss does not read the outputs of these tokens in this layer."


def _other_answer(run: HeadRun) -> tuple[str, ...]:
    """For a pronoun: the command that takes the other noun for the right one."""
    sentence = pronouns.parse(" ".join(run.tokens)) if run.case.model_name != "language" else None
    if sentence is None:
        return ()
    other = sentence.place if run.case.expected == sentence.mover else sentence.mover
    return (f"tfx explain attention --step 13 --set answer={other}",)


def _jacobian(run: HeadRun) -> Step:
    i = run.row
    y = run.weights[i]
    keys = np.sort(np.argsort(-y, kind="stable")[:JACOBIAN_KEYS])
    names = tuple(run.tokens[k] for k in keys)
    jacobian = softmax_jacobian(y)[np.ix_(keys, keys)]
    cut = "" if keys.size == y.size else f", the {keys.size} heaviest keys of {y.size}"
    first, second = (int(k) for k in np.argsort(-y, kind="stable")[:2]) if y.size > 1 else (0, 0)
    slope = float(y[first] * ((first == second) - y[second]))
    return Step(
        "Back through the softmax: one Jacobian, written out",
        (
            Formula("dP[j]/dS[k] = P[j] (delta_jk - P[k])        J = diag(P) - P P^T"),
            Question(
                f"The two largest weights of this row are {y[first]:.4f} and {y[second]:.4f}. Which entry of J joins them?",
                slope,
                0.02,
                "Off the diagonal it is minus their product: what one gains, the other pays for.",
            ),
            Matrix(
                f'J for row "{run.tokens[i]}"{cut}',
                jacobian,
                ("weight", "score"),
                names,
                names,
                "Symmetric; each full row sums to zero.",
            ),
            Text(
                f'By hand: -{y[first]:.4f} * {y[second]:.4f} = {short(slope)} joins "{run.tokens[first]}" and '
                f'"{run.tokens[second]}".'
            ),
            Code(softmax_jacobian),
        ),
        ("tfx explain softmax-jacobian",),
    )


def _scores_gradient(run: HeadRun) -> Step:
    i, grads = run.row, run.grads
    by_matrix = softmax_jacobian(run.weights[i]) @ grads.dp[i]
    gap = float(np.abs(by_matrix - grads.ds[i]).max())
    biggest = float(np.abs(grads.ds[i]).max())
    limit = 1e-14 * max(1.0, float(np.abs(grads.dp[i]).max()))
    blocked = np.abs(grads.ds[run.blocked])
    leak = float(blocked.max()) if blocked.size else 0.0
    wanted = run.tokens[int(grads.ds[i].argmin())]
    return Step(
        "dS: the same, for all rows at once, without a single matrix J",
        (
            Formula("dS = P * (dP - rowsum(dP * P))", f"{grads.dp.shape} -> {grads.ds.shape}"),
            Matrix("dS", grads.ds, ("query", "key"), run.tokens, run.tokens),
            Text(
                f'Training moves against the gradient, so in row "{run.tokens[i]}" it wants the score of "{wanted}" to '
                f"grow most. Largest entry of the row: {biggest:.2e}."
            ),
            Check("jacobian", "J dP equals the row of dS", 0.0, gap, f"{limit:.0e}", gap <= limit),
            Check("blocked", "no gradient passes the mask", 0.0, leak, "exactly 0", leak == 0.0),
            Code(softmax_backward),
        ),
    )


def _queries_and_keys(run: HeadRun) -> Step:
    case, grads, i = run.case, run.grads, run.row
    dw = case.x.T @ grads.dq
    return Step(
        "Back through S = Q K^T * scale: dQ and dK",
        (
            Formula("dQ = dS K * scale", f"{grads.ds.shape} x {case.k.shape} -> {grads.dq.shape}"),
            Formula("dK = dS^T Q * scale", f"{grads.ds.T.shape} x {case.q.shape} -> {grads.dk.shape}"),
            coordinates("dQ", grads.dq, run.tokens),
            coordinates("dK", grads.dk, run.tokens),
            Text(
                f'By hand, dQ of "{run.tokens[i]}", coordinate 1: scale * ({products(grads.ds[i], case.k[:, 0])}) = '
                f"{short(grads.dq[i, 0])}."
            ),
            Text(
                f"One more product reaches what is learned: dW_Q = X^T dQ, here {dw.shape[0]} x {dw.shape[1]} with norm "
                f"{np.sqrt((dw * dw).sum()):.2e}."
            ),
            Code(attention_backward_steps),
            Code(linear_backward),
        ),
    )


def _proof(run: HeadRun) -> Step:
    case = run.case
    report = check_gradients(
        lambda q, k, v: attention_forward(q, k, v, run.mask, run.scale),
        attention_backward,
        {"q": case.q, "k": case.k, "v": case.v},
        seed=0,
    )
    return Step(
        "The circle closes: is any of this true?",
        (
            Text(
                "Every entry of Q, K and V is now nudged up and down, the forward pass is run again, and the slope is "
                "compared with the derived gradient, for a random gradient at the output."
            ),
            Check("gradcheck", "gradient check of this head", 0.0, report.worst, "1e-7 relative", report.worst <= 1e-7),
            Text(
                f"Worst relative error {report.worst:.1e} over 3 tensors, {case.q.size + case.k.size + case.v.size} entries."
            ),
            Text(
                "Say it in an interview: attention is softmax(Q K^T / sqrt(d_k)) V. Queries meet keys in dot products, "
                "softmax over the keys turns each row into weights, and the output is that weighted average of values."
            ),
            Text(
                "Backwards: dV = P^T dO, dP = dO V^T, then the softmax Jacobian row by row, then dQ = dS K / sqrt(d_k) "
                "and dK = dS^T Q / sqrt(d_k)."
            ),
            Code(check_gradients),
        ),
        ("tfx quiz attention", "tfx gradcheck attention"),
    )
