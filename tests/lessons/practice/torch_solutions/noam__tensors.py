import torch


def noam(step, d_model, warmup=4000, factor=1.0):
    step = torch.tensor(float(step))
    falls = torch.rsqrt(step.clamp(min=1.0))
    rises = step * torch.tensor(float(warmup)).pow(-1.5)
    return factor * torch.minimum(falls, rises) / torch.sqrt(torch.tensor(float(d_model)))
