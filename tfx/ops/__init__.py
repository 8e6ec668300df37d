"""All the maths, as pure pairs: `y, cache = name_forward(...)` and `grads = name_backward(dy, cache)`.

One idea per file.  No function here keeps state, writes to its inputs or writes to a cached array.
"""
