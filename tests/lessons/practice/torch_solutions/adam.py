import torch


def adam(value, grad, mean, square, step, rate=0.001, beta1=0.9, beta2=0.999, eps=1e-8, decay=0.0, decoupled=True):
    if decay and not decoupled:
        grad = grad + decay * value
    mean = beta1 * mean + (1 - beta1) * grad
    square = beta2 * square + (1 - beta2) * grad**2
    moved = mean / (1 - beta1**step) / (torch.sqrt(square / (1 - beta2**step)) + eps)
    if decoupled:
        value = value - rate * decay * value
    return value - rate * moved, mean, square
