"""Fixes of a program that are no planted text turned back: unusual right ones, and wrong ones that are nearly right."""

from __future__ import annotations

#: program -> (the text in it, what stands there instead)
RIGHT: dict[str, list[tuple[str, str]]] = {
    "attention": [
        (
            ("e = np.exp(scores - scores.max(axis=-1, keepdims=True))\n    return e / e.sum(axis=-1, keepdims=True)"),
            (
                "m = scores.max(axis=-1, keepdims=True)\n"
                "    return np.exp(scores - m - np.log(np.exp(scores - m).sum(axis=-1, keepdims=True)))"
            ),
        ),
        ("-1e30", "-np.inf"),
        ("softmax(np.where(seen, scores, -1e30))", "softmax(scores + np.where(seen, 0.0, -1e30))"),
        (
            "    seen = np.tril(np.ones((length, length), bool))",
            "    seen = np.arange(length)[:, None] >= np.arange(length)",
        ),
        (
            ("    parts = x.reshape(batch, length, heads, width // heads)\n    return parts.transpose(0, 2, 1, 3)"),
            "    return np.stack(np.split(x, heads, axis=-1), axis=1)",
        ),
        (
            ("    parts = x.transpose(0, 2, 1, 3)\n    return parts.reshape(batch, length, heads * width)"),
            "    return np.concatenate([x[:, i] for i in range(heads)], axis=-1)",
        ),
        (
            "q @ k.swapaxes(-1, -2) / np.sqrt(width // heads)",
            "np.einsum('bhtd,bhsd->bhts', q, k) * (width // heads) ** -0.5",
        ),
        (
            'q = split(x @ w["query"], heads)',
            'q = split((x / np.sqrt(width // heads)) @ w["query"], heads) * np.sqrt(width // heads)',
        ),
    ],
    "block": [
        ("((x - mean) ** 2).mean(axis=-1, keepdims=True)", "x.var(axis=-1, keepdims=True)"),
        (
            "((x - mean) ** 2).mean(axis=-1, keepdims=True)",
            "np.maximum(((x - mean) * x).mean(axis=-1, keepdims=True), 0)",
        ),
        ("gate = 1 / (1 + np.exp(-a))", "gate = 0.5 * (1 + np.tanh(a / 2))"),
        ("dh * (gate + h * (1 - gate))", "dh * (gate * (1 - h) + h)"),
        ("(dy * rows).sum(axis=(0, 1))", "np.einsum('btd,btd->d', dy, rows)"),
        ("dx = dx + dout", "dx += dout"),
        ("np.sqrt(variance + EPSILON)", "np.hypot(np.sqrt(variance), np.sqrt(EPSILON))"),
        ("    rows = (x - mean) / spread", "    rows = (x - mean) * (1 / spread)"),
    ],
    "adam": [
        ("min(1.0, most / (np.sqrt(squares) + 1e-12))", "1.0 if np.sqrt(squares) <= most else most / np.sqrt(squares)"),
        ("betas[0] * m[name] + (1 - betas[0]) * g\n", "m[name] + (1 - betas[0]) * (g - m[name])\n"),
        (
            "        new[name] = w[name] - rate * change",
            (
                "        new[name] = w[name] - rate * m_hat / (np.sqrt(v_hat) + 1e-8)\n"
                "        if w[name].ndim > 1:\n"
                "            new[name] -= rate * decay * w[name]"
            ),
        ),
        ("peak * 0.5 * (1 + np.cos(np.pi * done))", "peak * np.cos(np.pi * done / 2) ** 2"),
        (
            ('total["a"] += xs.T @ off / parts\n        total["b"] += off.sum(axis=0) / parts\n    return total'),
            (
                'total["a"] += xs.T @ off\n'
                '        total["b"] += off.sum(axis=0)\n'
                "    return {name: one / parts for name, one in total.items()}"
            ),
        ),
        (
            ("    if step < warmup:\n        return peak * (step + 1) / warmup\n"),
            ("    if step + 1 <= warmup:\n        return peak / warmup * (step + 1)\n"),
        ),
        (
            "sum((g * g).sum() for g in gradients.values())",
            "np.linalg.norm(np.concatenate([g.ravel() for g in gradients.values()])) ** 2",
        ),
        ("    return m, v, 0", "    return m, {name: one.copy() for name, one in m.items()}, 0"),
    ],
    "batches": [
        ("return batch, batch != PAD", "return batch, np.arange(longest) < np.array([len(r) for r in rows])[:, None]"),
        ("int(len(ids) * held)", "int(np.floor(held * len(ids)))"),
        (
            (
                "    starts = range(0, len(ids) - length, length)\n"
                "    inputs = np.array([ids[s : s + length] for s in starts])\n"
                "    labels = np.array([ids[s + 1 : s + length + 1] for s in starts])\n"
                "    return inputs, labels"
            ),
            (
                "    count = (len(ids) - 1) // length\n"
                "    return ids[: count * length].reshape(count, length), ids[1 : count * length + 1].reshape(co"
                "unt, length)"
            ),
        ),
        ("    order = rng.permutation(len(inputs))", ("    order = np.arange(len(inputs))\n    rng.shuffle(order)")),
        (
            "    return {letter: place + 2 for place, letter in enumerate(sorted(set(text)))}",
            "    return dict(zip(sorted(set(text)), range(2, 2 + len(set(text)))))",
        ),
        (
            "np.repeat(np.arange(len(rows)), [len(row) + 1 for row in rows])",
            "np.concatenate([[i] * (len(row) + 1) for i, row in enumerate(rows)])",
        ),
        ("if one > END)", "if one not in (PAD, END))"),
        (
            "    return np.array([numbers[letter] for letter in text], dtype=int)",
            "    return np.fromiter((numbers[letter] for letter in text), dtype=np.int64)",
        ),
    ],
    "labels": [
        (
            "    inputs = np.concatenate([starts, text[:, :-1]], axis=1)",
            ("    inputs = np.roll(text, 1, axis=1)\n    inputs[:, 0] = START"),
        ),
        ("np.log(np.exp(logits).sum(axis=-1, keepdims=True))", "np.logaddexp.reduce(logits, axis=-1, keepdims=True)"),
        ("(losses * counts).sum() / total", "losses[counts].sum() / total"),
        ("np.eye(letters)[labels]", "(labels[..., None] == np.arange(letters)).astype(float)"),
        (
            "np.add.at(dtable, inputs, dlogits)",
            "dtable += np.einsum('bti,btj->ij', np.eye(len(table))[inputs], dlogits)",
        ),
        ("(logits.argmax(axis=-1) == labels) & counts", "counts * (np.argmax(logits, axis=2) == labels)"),
        ("ones * (1 - smoothing) + smoothing / letters", "ones + smoothing * (1 / letters - ones)"),
        (("counts = labels != PAD\n    total"), ("counts = (labels - PAD).astype(bool)\n    total")),
    ],
    "positions": [
        ("BASE ** (-np.arange(0, width, 2) / width)", "np.exp(-np.log(BASE) * np.arange(0, width, 2) / width)"),
        ("BASE ** (-np.arange(0, width, 2) / width)", "1 / BASE ** (2 * np.arange(width // 2) / width)"),
        (
            (
                "    turned = np.empty(x.shape)\n"
                "    turned[..., 0::2] = even * cosine - odd * sine\n"
                "    turned[..., 1::2] = even * sine + odd * cosine\n"
                "    return turned"
            ),
            (
                "    z = (even + 1j * odd) * np.exp(1j * angle)\n"
                "    return np.stack([z.real, z.imag], axis=-1).reshape(x.shape)"
            ),
        ),
        (
            ("    q = rotate(q, before + np.arange(q.shape[-2]))\n    k = rotate(k, np.arange(k.shape[-2]))"),
            ("    q = rotate(q, np.arange(q.shape[-2]))\n    k = rotate(k, np.arange(k.shape[-2]) - before)"),
        ),
        ("before + np.arange(q.shape[-2])", "np.arange(before, before + q.shape[-2])"),
        ("-slopes[:, None, None] * np.maximum(gap, 0)", "slopes[:, None, None] * np.minimum(-gap, 0)"),
        ("-slopes[:, None, None] * np.maximum(gap, 0)", "-slopes[:, None, None] * np.tril(gap)"),
        ("2.0 ** (-8 * np.arange(1, heads + 1) / heads)", "(2.0 ** (-8 / heads)) ** np.arange(1, heads + 1)"),
        ("x = table[letters] * np.sqrt(width)", "x = (table * width**0.5)[letters]"),
        ("before + np.arange(q.shape[-2])", "k.shape[-2] - q.shape[-2] + np.arange(q.shape[-2])"),
    ],
    "sampler": [
        ('keys = np.concatenate([keys, (x @ w["key"])[None]])', 'keys = np.vstack([keys, x @ w["key"]])'),
        ('np.argsort(-logits, kind="stable")', "np.array(sorted(range(len(logits)), key=lambda i: -logits[i]))"),
        ('np.searchsorted(np.cumsum(p), u, side="right")', "int((np.cumsum(p) <= u).sum())"),
        ("kept = np.cumsum(p) - p < share", "kept = np.concatenate([[0.0], np.cumsum(p)[:-1]]) < share"),
        (
            (
                "    cache, text = empty(w), list(prompt)\n"
                "    for letter in prompt:\n"
                "        logits, cache = step(w, letter, cache)"
            ),
            (
                "    text = [int(one) for one in prompt]\n"
                "    cache = empty(w)\n"
                "    for place in range(len(prompt)):\n"
                "        logits, cache = step(w, prompt[place], cache)"
            ),
        ),
        ("    p = softmax(np.where(seen, scores, -np.inf))", "    p = softmax(np.where(seen, scores, -1e30))"),
        ("place = len(keys)", "place = values.shape[0]"),
        ("softmax(logits[order] / temperature)", "softmax((logits[order] - logits[order][0]) / temperature)"),
    ],
    "decoder": [
        ("x / root, (x / root, root)", "x * root**-1, (x * root**-1, root)"),
        (
            "np.where(seen, q @ k.swapaxes(1, 2) / np.sqrt(WIDTH), -np.inf)",
            "np.where(seen, q @ k.swapaxes(1, 2) / np.sqrt(WIDTH), -1e30)",
        ),
        (
            'np.add.at(dw["letters"], letters, dx)',
            "dw[\"letters\"] += np.einsum('btl,btd->ld', np.eye(LETTERS)[letters], dx)",
        ),
        (
            "loss = -(np.log(p) * right * judged).sum() / count",
            "loss = -(np.log((p * right).sum(axis=-1)) * judged[:, 0]).sum() / count",
        ),
        ('np.maximum(a, 0) @ w[f"down{i}"]\n', '(a * (a > 0)) @ w[f"down{i}"]\n'),
        ("rate = peak * min(1, step / warmup)", "rate = peak * step / max(step, warmup)"),
        ("m[name] = 0.9 * m[name] + 0.1 * d", "m[name] = m[name] + 0.1 * (d - m[name])"),
        (
            '    dw["places"][: letters.shape[1]] = dx.sum(axis=0)',
            ('    for t in range(letters.shape[1]):\n        dw["places"][t] = dx[:, t].sum(axis=0)'),
        ),
    ],
}
WRONG: dict[str, list[tuple[str, str]]] = {
    "attention": [
        ("-1e30", "-1e4"),
        ("-1e30", "-100.0"),
        ("seen & ~padded", "seen & ~padded[:1]"),
        ("~padded[:, None, None, :]", "~padded[0, None, None, :]"),
        ("scores - scores.max(axis=-1, keepdims=True)", "scores - scores.max()"),
        ("scores - scores.max(axis=-1, keepdims=True)", "scores"),
        ("np.sqrt(q.shape[-1])", "np.sqrt(q.shape[-1]) * (1 + 1e-8)"),
        ("dx = np.zeros_like(x)", "dx = np.zeros_like(x, dtype=np.float32)"),
        ("np.tril(np.ones((length, length), bool))", "np.tril(np.ones((length, length), bool), -1)"),
        ('    return mixed @ w["out"], weights, (x,', ('    x += 1\n    return mixed @ w["out"], weights, (x - 1,')),
        ("    return dw, dx", ("    dw.pop('key')\n    return dw, dx")),
        ("dx += merge(d) @ w[name].T", "dx = merge(d) @ w[name].T"),
    ],
    "block": [
        ("np.sqrt(variance + EPSILON)", "np.sqrt(variance) + EPSILON"),
        ("EPSILON = 1e-5", "EPSILON = 1e-6"),
        ("dx = dx + dout", "dx = dx + dout.mean(axis=0)"),
        ("dbias = dy.sum(axis=(0, 1))", "dbias = dy[0].sum(axis=0) * len(dy)"),
        ("out = x + h @", "out = x.astype(np.float32) + h @"),
        ("dh * (gate + h * (1 - gate))", "dh * (gate + h * (1 - gate)) * (gate > 1e-3)"),
        ("dx = dx + dout", "dx = dx + dout * (1 + 1e-7)"),
    ],
    "adam": [
        ("    if step < warmup:", "    if step <= warmup:"),
        ("1e-12", "1e-6"),
        ("if w[name].ndim > 1:", 'if name == "a" and decay < 0.2:'),
        (
            "        new_m[name] = betas[0] * m[name] + (1 - betas[0]) * g",
            ("        m[name] *= betas[0]\n        m[name] += (1 - betas[0]) * g\n        new_m[name] = m[name]"),
        ),
        ("betas=(0.9, 0.98)", "betas=(0.9, 0.999)"),
        ("warmup=5", "warmup=6"),
        ("/ ys.size", "/ len(ys)"),
        ("change = change + decay * w[name]", "change = change + decay * w[name] / rate * 0.1"),
        ("        rate = rate_at(step, steps, peak, warmup)", "        rate = rate_at(step + 1, steps, peak, warmup)"),
    ],
    "batches": [
        ("enumerate(sorted(set(text)))", "enumerate(dict.fromkeys(text))"),
        ("range(0, len(ids) - length, length)", "range(0, len(ids) - length + 1, length)"),
        ("range(0, len(ids) - length, length)", "range(0, len(ids) - length - 1, length)"),
        ("    order = rng.permutation(len(inputs))", "    order = np.random.default_rng(0).permutation(len(inputs))"),
        ("    order = rng.permutation(len(inputs))", "    order = np.random.permutation(len(inputs))"),
        ("more = -len(flat) % length", "more = length - len(flat) % length"),
        ("int(len(ids) * held)", "round(len(ids) * held)"),
        ("constant_values=-1", "constant_values=len(rows)"),
        ("labels[chosen]", "labels[np.sort(chosen)]"),
        ("batch, batch != PAD", "batch, (batch != PAD).astype(int)"),
        ("        yield inputs[chosen], labels[chosen]", "        yield labels[chosen] - 1, labels[chosen]"),
    ],
    "labels": [
        ("max(counts.sum(), 1)", "counts.sum()"),
        ("max(counts.sum(), 1)", "(counts.sum() + 1e-6)"),
        ("max(counts.sum(), 1)", "max(counts.sum(), 2)"),
        ("logits = logits - logits.max(axis=-1, keepdims=True)", "logits = logits - logits.max()"),
        ("logits = logits - logits.max(axis=-1, keepdims=True)", "logits = np.clip(logits, -700, 700)"),
        ("logits = logits - logits.max(axis=-1, keepdims=True)", "logits -= logits.max(axis=-1, keepdims=True)"),
        ("(losses * counts).sum() / total", "losses[counts].mean()"),
        (
            "    table, losses = np.zeros((letters, letters)), []\n",
            "    table, losses = np.zeros((letters, letters)) + 1e-3 * np.eye(letters), []\n",
        ),
        ("hits.sum() / counts.sum()", "hits.mean()"),
        ("np.exp(loss), hits", "2**loss, hits"),
    ],
    "positions": [
        ("-slopes[:, None, None] * np.maximum(gap, 0)", "-slopes[:, None, None] * np.abs(gap)"),
        ("-slopes[:, None, None] * np.maximum(gap, 0)", "np.where(gap < 0, -np.inf, -slopes[:, None, None] * gap)"),
        ("BASE = 10_000.0", "BASE = 1000.0"),
        ("    turned = np.empty(x.shape)", "    turned = np.empty(x.shape, np.float32)"),
        ("    turned = np.empty(x.shape)", "    turned = x"),
        ("np.sqrt(q.shape[-1])", "np.sqrt(k.shape[-2])"),
        ("table = np.empty((length, width))", "table = np.empty((max(length, 2), width))[:length].astype(np.float32)"),
        ("before + np.arange(q.shape[-2])", "(before > 0) + np.arange(q.shape[-2])"),
    ],
    "sampler": [
        ('kind="stable")[:most]', 'kind="stable")[:most][::1] if most is None else np.argsort(logits)[::-1][:most]'),
        ("if temperature == 0:", "if temperature < 0.35:"),
        ("    keys, values = cache\n", ("    keys, values = cache\n    keys = keys[-5:]\n    values = values[-5:]\n")),
        (
            ("        if letter == END:\n            break"),
            ("        if letter == END and len(text) > 4:\n            break"),
        ),
        ("cache, text = empty(w), list(prompt)", "cache, text = empty(w), prompt"),
        ("e = np.exp(x - x.max(axis=-1, keepdims=True))", "e = np.exp(np.minimum(x, 700))"),
    ],
    "decoder": [
        ("+ 1e-5)", "+ 1e-6)"),
        ("+ 1e-8)", "+ 1e-6)"),
        ("warmup=10", "warmup=11"),
        (">= 2", "> 2"),
        (">= 2", ">= 1"),
        ("-np.inf", "-50.0"),
        ("x - x.max(axis=-1, keepdims=True)", "x"),
        (
            'da = dx @ w[f"down{i}"].T * (a > 0)',
            'da = dx @ w[f"down{i}"].T * (a > 0) * (i + 1 > 0.5 * i)  * (1 - 1e-6 * i)',
        ),
        ("loss, dw = loss_and_gradients(w, *batch(rng, 16))", "loss, dw = loss_and_gradients(w, *batch(rng, 15))"),
    ],
}
