"""Back from the head to the embedding rows: dX, the residual sum, the table; and the proof of all of it."""

from collections.abc import Iterator

import numpy as np

from lessons.attention.scaled_dot_product.beginning import stands
from lessons.attention.scaled_dot_product.head import Run, coordinates, counted
from lessons.writing import Shown, Try, agree, formula, matrix, proof, within
from tfx.gradcheck import check_gradients
from tfx.nn.residual import Residual
from tfx.ops.attention.multi_head import multi_head_attention_backward
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward
from tfx.ops.basics.embedding import embedding_backward
from tfx.trace.whole import loss_and_backward


def inputs_gradient(run: Run) -> Iterator[Shown]:
    case, block, grads, i = run.case, run.block, run.grads, run.row
    paths = [grads.dq @ case.w_q.T, grads.dk @ case.w_k.T, grads.dv @ case.w_v.T]
    rows = np.stack([*(path[i] for path in paths), sum(paths)[i], block.dread[i]])
    yield "X was read three times, for queries, keys and values, so three gradients come back to it, and they are added. The other heads read the same X: theirs are added as well."
    yield coordinates(f'dX of "{run.word}"', rows, ("by Q", "by K", "by V", "this head", "all heads"), "path")
    yield formula("dX = dQ W_Q^T + dK W_K^T + dV W_V^T, summed over the heads", f"(T, D) x (D, C) -> (T, C), three times: {grads.dq.shape} x {case.w_q.T.shape} -> {block.dread.shape}")  # fmt: skip
    yield agree("paths", "three paths in each head give the gradient of X", all_paths(run), block.dread, to=1e-12)
    yield multi_head_attention_backward


def all_paths(run: Run) -> np.ndarray:
    """The gradient of X from every head of the layer, (T, C), by the formula."""
    attention, heads, width = run.block.layer.attention, run.block.heads, run.case.q.shape[1]
    total = np.zeros_like(run.block.dread)
    for h, scale in enumerate(heads.scales):
        q, k, v, columns = heads.q[h], heads.k[h], heads.v[h], slice(h * width, (h + 1) * width)
        _, cache = attention_forward(q, k, v, heads.masks[h], float(scale))
        arrived = attention_backward(heads.dout[h], cache)
        for gradient, maps in zip(arrived, (attention.query, attention.key, attention.value), strict=True):
            total += gradient @ maps.w.value[:, columns].T
    return total


def residual_back(run: Run) -> Iterator[Shown]:
    block, i = run.block, run.row
    rows = np.stack([block.dmiddle[i], block.dx_branch[i], block.dx[i]])
    yield "dX goes back through the norm, to x. But x was used twice, by this branch and by the sum r = x + mixed, which hands on dr as it is. So from the last layer one path leads down to the bottom that no weight has multiplied."
    yield coordinates(f'dx of "{run.word}"', rows, ("dr", "+ branch", "= dx"), "path")
    yield formula("dx = dr + what comes back through attention", f"(T, C): {block.dx.shape}")
    yield agree("dx", "dx is the sum of two", block.dmiddle + block.dx_branch, block.dx, to=1e-14)
    yield Residual


def embedding_gradient(run: Run) -> Iterator[Shown]:
    whole = run.whole
    looked_up = np.zeros_like(whole.table)
    np.add.at(looked_up, whole.ids, whole.dembedded * whole.scale)
    from_logits = whole.dlogits.T @ whole.hidden[whole.asked]
    lengths = np.stack([np.linalg.norm(part, axis=1) for part in (looked_up, from_logits, whole.dtable)])
    touched, used = int((lengths[0] > 0).sum()), int((lengths[1] > 0).sum())
    ids = list(dict.fromkeys(whole.ids.tolist()))[:7]
    below = counted(run.case.layer, "layers")
    yield f"{f'Back through {below} below. ' if run.case.layer else ''}Positions are constants, so the gradient passes to the embedded rows, and times sqrt(C) to the rows of E."
    yield matrix("length of the gradient of a row of E", lengths[:, ids], "gradient, token", ("looked up", "by logits", "together"), [label_of(run, token) for token in ids])  # fmt: skip
    twice = next((token for token in ids if (whole.ids == token).sum() > 1), None)
    if twice is not None:
        yield f"{stands(run, np.flatnonzero(whole.ids == twice))}: its row was read as often, and gets the sum."
    yield f"Looked up: {counted(touched, 'rows')} of {len(whole.table):,} {'gets' if touched == 1 else 'get'} a gradient, those of the tokens that stand here; {len(whole.table) - touched:,} get none. But the logits read the same table: there {counted(used, 'rows')} {'gets' if used == 1 else 'get'} one, right answers and wrong ones."
    yield formula("dE = (rows looked up: sum of dembedded * sqrt(C)) + dlogits^T h", f"{whole.dtable.shape}")
    yield agree("dE", "both uses together are the gradient of the table", looked_up + from_logits, whole.dtable, to=1e-12)  # fmt: skip
    yield embedding_backward


def label_of(run: Run, token: int) -> str:
    """The first spelling of a token in the sentence."""
    return run.tokens[int(np.flatnonzero(run.whole.ids == token)[0])]


def whole_model(run: Run) -> Iterator[Shown]:
    forward, backward, parameters = loss_and_backward(run.whole)
    report = check_gradients(forward, backward, parameters, directions=1, method="central", seed=0)
    n = sum(parameter.size for parameter in parameters.values())
    yield f"Is any of this true? The model has {n:,} numbers in {len(parameters)} arrays, the table among them. Each array is moved a little along a random direction, to and fro, and the model runs again on this sentence. How the loss changes is compared with what the gradient says."
    rows = sorted(report.inputs.items(), key=lambda item: -item[1].error)[:3]
    yield "The three arrays where they differ most, relative to the size of such a slope:"
    for name, found in rows:
        yield f"{name.replace('__', '.')}: {found.error:.1e}"
    yield within("whole-model", f"worst relative error over the {len(parameters)} arrays of the model", 0.0, report.worst, 1e-6)  # fmt: skip
    yield check_gradients


def interview(run: Run) -> Iterator[Shown]:
    case = run.case
    entries = case.q.size + case.k.size + case.v.size
    yield f"{'And' if run.whole_road else 'Is any of this true?'} {'this' if run.whole_road else 'This'} head: each of the {entries:,} entries of Q, K and V is nudged up and down, the forward pass is run again, and the slope is compared with the derived gradient, for a random gradient at the output."
    yield proof("this head", lambda q, k, v: attention_forward(q, k, v, run.mask, run.scale), attention_backward, {"q": case.q, "k": case.k, "v": case.v}, to=1e-7)  # fmt: skip
    yield "Say it in an interview: attention is softmax(Q K^T / sqrt(d_k)) V. Queries meet keys in dot products, softmax over the keys turns each row into weights, and the output is that weighted average of values."
    yield "Backwards: dV = P^T dO, dP = dO V^T, then the softmax Jacobian row by row gives dscores, then dQ = dscores K / sqrt(d_k) and dK = dscores^T Q / sqrt(d_k)."
    yield check_gradients
    yield Try("tfx quiz attention")
    yield Try("tfx gradcheck attention")
