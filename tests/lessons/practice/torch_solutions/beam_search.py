import torch


def beam_search(log_p, start, end, width, alpha=0.0):
    n, v, _ = log_p.shape
    open_, done = [([], 0.0)], []
    for t in range(n):
        if not open_:
            break
        sums = torch.stack([total + log_p[t, text[-1] if text else start] for text, total in open_]).flatten()
        order = torch.argsort(sums, descending=True, stable=True)
        new = []
        for rank, at in enumerate(order.tolist()):
            if sums[at] == float("-inf"):
                break
            text, total = open_[at // v][0] + [at % v], sums[at].item()
            if at % v == end:
                if rank < width:
                    done.append((text, total))
            elif len(new) < width:
                new.append((text, total))
        open_ = new
    done += open_

    def score(one):
        return one[1] / ((5 + len(one[0])) / 6) ** alpha

    best = max(done, key=score)
    return torch.tensor(best[0]), score(best)
