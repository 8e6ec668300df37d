"""All the maths, as pure pairs: `y, cache = name_forward(...)` and `grads = name_backward(dy, cache)`.

One idea per file.  No function here keeps state, writes to its inputs or writes to a cached array.  The rooms:

    attention       who looks at whom: scores, masks, heads, and what is read
    basics          what everything else is made of: products, sums, softmax, dropout, embeddings
    experts         mixtures of experts: routing, capacity, balance
    feed_forward    what happens to each token by itself: activations, gates, the two-layer network
    grids           images and other grids: convolutions, patches, windows
    losses          how wrong an answer is: one number, and its gradient
    low_rank        a large matrix as the product of two thin ones
    norms           activations brought to one size: by token, by group, by batch
    positions       where a token stands: sinusoids, rotations, biases, buckets
    recurrence      one step after the other: RNN, GRU, LSTM, and the way back through time
    small_numbers   numbers in few bits: quantisation, binary weights, pruning

Where to begin: basics/softmax.py, basics/short_forms.py, attention/scaled_dot_product.py, models/one_page_gpt.py.
"""
