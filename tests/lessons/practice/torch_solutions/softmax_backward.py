def softmax_backward_of(dp, p, axis=-1):
    inner = (dp * p).sum(dim=axis, keepdim=True)
    return p * (dp - inner)
