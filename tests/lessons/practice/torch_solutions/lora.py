def lora(x, w, a, b, alpha=1.0, bias=None):
    scale = alpha / a.size(1)
    y = x @ w + scale * (x @ a) @ b
    if bias is not None:
        y = y + bias
    return y, w + scale * a @ b
