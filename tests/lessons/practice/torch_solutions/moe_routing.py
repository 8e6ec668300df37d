import torch


def route(logits, k, renormalise=True, capacity=None):
    n, e = logits.shape
    experts = torch.argsort(logits, dim=-1, descending=True, stable=True)[:, :k]
    chosen = logits.gather(1, experts)
    gates = torch.softmax(chosen, dim=-1) if renormalise else torch.softmax(logits, dim=-1).gather(1, experts)
    if capacity is None:
        return experts, gates
    taken = torch.zeros(e, dtype=torch.long)
    kept = torch.zeros(n, k, dtype=torch.bool)
    for round_ in range(k):
        for token in range(n):
            expert = experts[token, round_]
            if taken[expert] < capacity:
                kept[token, round_] = True
                taken[expert] += 1
    return experts, gates * kept
