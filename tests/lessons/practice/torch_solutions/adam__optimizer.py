import torch


@torch.no_grad()
def adam(value, grad, mean, square, step, rate=0.001, beta1=0.9, beta2=0.999, eps=1e-8, decay=0.0, decoupled=True):
    g = grad.add(value, alpha=decay) if not decoupled else grad
    m = mean.lerp(g, 1 - beta1)
    v = square.mul(beta2).addcmul(g, g, value=1 - beta2)
    root = (v / (1 - beta2**step)).sqrt().add(eps)
    kept = value.mul(1 - rate * decay) if decoupled else value
    return kept.addcdiv(m / (1 - beta1**step), root, value=-rate), m, v
