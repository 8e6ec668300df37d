"""Attention that is cheaper than its T x S scores: drop-in operations, called as scaled dot-product attention is.

    out, cache = name_forward(q, k, v, mask=None, scale=None, ...)      q (..., T, D), k (..., S, D), v (..., S, Dv)
    dq, dk, dv = name_backward(dout, cache)                             and the gradients of parameters, if it has any

One method per file.  Some are exact and only save memory, the others approximate; each docstring says which, what it
costs, and at which length it pays.  tfx.nn.efficient_attention puts them into models.
"""
