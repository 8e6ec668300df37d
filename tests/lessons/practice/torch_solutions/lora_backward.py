def lora_backward(dy, x, w, a, b, alpha=1.0):
    scale = alpha / a.size(1)
    dh = scale * dy @ b.T
    rows, dys, dhs = (one.reshape(-1, one.size(-1)) for one in (x, dy, dh))
    return dy @ w.T + dh @ a.T, rows.T @ dhs, scale * (rows @ a).T @ dys
