def noam(step, d_model, warmup=4000, factor=1.0):
    return factor * d_model**-0.5 * min(max(step, 1) ** -0.5, step * warmup**-1.5)
