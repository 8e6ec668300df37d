"""Data: what models read, drawn from a seed or taken from the Python installation.

Here is what stands for something real: documentation, digits, sentences of a small grammar, facts about people, and how
pre-training makes questions out of text (masked tokens, span corruption, sentence pairs).  A *toy* is a task made up to
ask one thing of a model, with exact answers; those are in `toys/`, and `tfx.train.toys` learns every one of them.
"""
